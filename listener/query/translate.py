"""A query in a platform's own search: as few searches as it takes, and in words what they cannot say.

What is asked for is never narrower than the query where the platform can say it at all: whatever has no operator there
is left out, the host matches again, and the plan's notes say so. Only NOT goes the other way: it is sent only where the
platform leaves out no more than we would.
"""

from dataclasses import dataclass, replace

from listener.query.asking import Asking
from listener.query.clauses import Clause, Writer, combined, joined
from listener.query.dialects import DIALECTS, Dialect
from listener.query.terms import Field, Tag, Term
from listener.query.tree import And, Near, Node, Not, Or, Query

_MOST_CLAUSES = 64


@dataclass(frozen=True)
class Plan:
    """What to send a platform for a query.

    ``searches`` together find what the query is after; ``notes`` say in words what is filtered afterwards or cannot be
    found. ``complete``: False where the platform's search cannot find everything that the query matches; what it takes
    to be a word, and that it does not look into joined hashtags (#IberiaFail), is its own matter. ``exact``: True where
    nothing else is left to filter.
    """

    searches: tuple[str, ...]
    notes: tuple[str, ...]
    complete: bool
    exact: bool


def translate(query: Query, dialect: Dialect) -> Plan:
    """The searches that ask a platform for a query. Never raises; what cannot be asked is in the plan's notes."""
    return _Translation(dialect).plan(query)


class _Translation:
    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._notes: dict[str, list[str]] = {}
        self._complete = True
        self._asking = Asking(dialect, self._note)

    def plan(self, query: Query) -> Plan:
        root = _pruned(query.root, self._dialect.name)
        if root is False:
            return Plan((), (f"The query asks for other sources than {self._dialect.title}.",), True, True)
        clauses = [Clause()] if root is True else self._over(root)
        asked = [found for clause in clauses if (found := self._askable(clause)) is not None]
        searches = Writer(self._dialect, self._note).searches(joined(asked))
        fitting = tuple(search for search in searches if self._dialect.length(search) <= self._dialect.max_length)
        if len(fitting) < len(searches):
            self._lost(f"a word is longer than a search on {self._dialect.title} may be")
        exact = not self._notes and not (fitting and self._dialect.beyond)
        remarks = [self._beyond() if fitting else "", self._dialect.remark]
        if self._dialect.lang and any(self._dialect.lang.format("") in search for search in fitting):
            remarks.append(self._dialect.lang_remark)
        return Plan(fitting, (*self._said(), *filter(None, remarks)), self._complete, exact)

    def _beyond(self) -> str:
        words = f"{self._dialect.title} also searches {self._dialect.beyond}; what matches only there is filtered out."
        return words if self._dialect.beyond else ""

    def _note(self, words: str, of: str = "") -> None:
        several = self._notes.setdefault(words, [])
        if of and of not in several:
            several.append(of)

    def _said(self) -> tuple[str, ...]:
        return tuple(f"{words}: {', '.join(of)}." if of else words for words, of in self._notes.items())

    def _lost(self, why: str) -> None:
        self._note(f"Not everything can be found: {why}.")
        self._complete = False

    def _over(self, node: Node) -> list[Clause]:
        """Clauses that find all that the node matches, and perhaps more."""
        match node:
            case Term() | Tag() | Field("author"):
                return [Clause((self._asking.asks(node),))]
            case Field():
                return [Clause((), self._asking.filters(node))]
            case And(parts):
                return combined([self._over(part) for part in parts], _MOST_CLAUSES, self._note)
            case Or(parts):
                return joined([clause for part in parts for clause in self._over(part)])
            case Near(left, right, distance):
                if (ask := self._asking.near(left, right, distance)) is not None:
                    return [Clause(((ask,),))]
                self._note("How near the words stand is filtered afterwards", str(node))
                return combined([self._over(left), self._over(right)], _MOST_CLAUSES, self._note)
            case Not(part):
                return [Clause((), tuple(map(self._minus, self._under(part))))]
        raise AssertionError(node)

    def _under(self, node: Node) -> list[str]:
        """What the platform can be asked for that certainly matches the node; a note tells what is left."""
        if isinstance(node, Or):
            return [word for part in node.parts for word in self._under(part)]
        if isinstance(node, Term | Tag | Field) and (word := self._asking.excludable(node)) is not None:
            return [word]
        self._note("NOT is filtered afterwards here", str(node))
        return []

    def _minus(self, word: str) -> str:
        return (self._dialect.minus or "{}").format(word)

    def _askable(self, clause: Clause) -> Clause | None:
        """The clause without what the platform finds only in part, if anything else is left to ask for."""
        whole = tuple(group for group in clause.groups if not any(ask.missed for ask in group))
        if whole:
            for group in clause.groups:
                if group not in whole:
                    names = " OR ".join(dict.fromkeys(ask.name for ask in group))
                    # Some words of it could be asked for if they were written out.
                    tip = " (write the words out to be sent less)" if any(a.missed and a.written for a in group) else ""
                    said = f"{self._dialect.title} cannot be asked for all of this, so it is filtered afterwards{tip}"
                    self._note(said, names)
            return replace(clause, groups=whole)
        if not clause.groups:
            self._lost(f"one side of the query names nothing that {self._dialect.title} can be asked for")
            return None
        # Whichever is asked for, something is lost. The shortest list is the names, the longest what is said of them.
        group = min(clause.groups, key=len)
        for ask in group:
            if ask.missed:
                self._lost(ask.missed)
        asks = tuple(ask for ask in group if ask.written)
        return replace(clause, groups=(asks,)) if asks else None


def _pruned(node: Node, kind: str) -> Node | bool:
    """The node with what is known of its source put in; True or False where nothing else is left of it.

    A source that is no platform's kind may be the name of any source: that is filtered afterwards.
    """
    match node:
        case Field("source") if node.key == kind or node.key in DIALECTS:
            return node.key == kind
        case Not(part):
            kept = _pruned(part, kind)
            return not kept if isinstance(kept, bool) else Not(kept)
        case And(parts) | Or(parts):
            decisive = isinstance(node, Or)
            several = [kept for part in parts if not isinstance(kept := _pruned(part, kind), bool) or kept is decisive]
            if decisive in several:
                return decisive
            nodes = [kept for kept in several if not isinstance(kept, bool)]
            if len(nodes) < 2:
                return nodes[0] if nodes else not decisive
            return type(node)(tuple(nodes))
        case _:
            return node
