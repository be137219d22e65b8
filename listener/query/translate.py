"""A query in a platform's own search: as few searches as it takes, and in words what they cannot say.

What is asked for is never narrower than the query where the platform can say it at all: whatever has no operator there
is left out, the host matches again, and the plan's notes say so. Only NOT goes the other way: it is sent only where the
platform leaves out no more than we would.
"""

from dataclasses import dataclass

from listener.query.clauses import Ask, Clause, Writer, combined, joined
from listener.query.dialects import Dialect
from listener.query.text import is_punctuation, prepare
from listener.query.tree import And, Node, Not, Or, Query, Term

_MOST_CLAUSES = 64
_OPERATORS = frozenset({"and", "or", "not", "near"})


@dataclass(frozen=True)
class Plan:
    """What to send a platform for a query.

    ``searches`` together find what the query is after; ``notes`` say in words what is filtered afterwards or cannot be
    found. ``complete``: False where the platform's search cannot find everything that the query matches. ``exact``:
    True where nothing is left to filter but the platform's own idea of words.
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
        self._notes: dict[str, None] = {}
        self._complete = True

    def plan(self, query: Query) -> Plan:
        clauses = [clause for one in self._over(query.root) if (clause := self._askable(one)) is not None]
        searches = Writer(self._dialect, self._note).searches(clauses)
        fitting = tuple(search for search in searches if self._dialect.length(search) <= self._dialect.max_length)
        if len(fitting) < len(searches):
            self._lost(f"a word or phrase is longer than {self._dialect.title} takes")
        return Plan(fitting, (*self._notes, *filter(None, (self._dialect.remark,))), self._complete, not self._notes)

    def _note(self, words: str) -> None:
        self._notes[words] = None

    def _lost(self, why: str) -> None:
        self._note(f"Not everything can be found: {why}.")
        self._complete = False

    def _over(self, node: Node) -> list[Clause]:
        """Clauses that find all that the node matches, and perhaps more."""
        match node:
            case Term():
                return [Clause((self._asks(node),))]
            case And(parts):
                return combined([self._over(part) for part in parts], _MOST_CLAUSES, self._note)
            case Or(parts):
                return joined([clause for part in parts for clause in self._over(part)])
            case Not(part):
                words = self._under(part)
                return [Clause((), tuple(self._minus(word) for word in words))]
            case _:
                return [Clause()]

    def _under(self, node: Node) -> list[str]:
        """Words such that a text with one of them certainly matches the node; a note tells what is left."""
        if isinstance(node, Or):
            return [word for part in node.parts for word in self._under(part)]
        if isinstance(node, Term) and (word := self._excludable(node)) is not None:
            return [word]
        self._note(f"What NOT {node} leaves out is filtered afterwards.")
        return []

    def _excludable(self, term: Term) -> str | None:
        if self._dialect.minus is None or any(is_punctuation(piece.norm) for piece in term.pieces):
            return None
        if len(term.pieces) > 1 and not self._dialect.minus_phrases:
            return None
        written = self._word(term.written)
        return f'"{written}"' if self._dialect.minus_quoted and written[0] != '"' else written

    def _minus(self, word: str) -> str:
        return (self._dialect.minus or "{}").format(word)

    def _asks(self, term: Term) -> tuple[Ask, ...]:
        return (Ask(self._word(term.written)),)

    def _word(self, written: str) -> str:
        """A word or phrase with this platform's quotes where it needs them."""
        plain = " ".join(written.replace('"', " ").replace("\\", " ").split())
        tokens = prepare(plain).tokens
        bare = len(tokens) == 1 and plain.casefold() not in _OPERATORS and plain.isalnum()
        return plain if bare else f'"{plain}"'

    def _askable(self, clause: Clause) -> Clause | None:
        """The clause without what the platform finds only in part, if anything else is left to ask for."""
        whole = tuple(group for group in clause.groups if not any(ask.missed for ask in group))
        if whole:
            return Clause(whole, clause.nots)
        if not clause.groups:
            self._lost(f"one side of the query names nothing that {self._dialect.title} can be asked for")
            return None
        group = min(clause.groups, key=len)
        for ask in group:
            if ask.missed:
                self._lost(ask.missed)
        return Clause((group,), clause.nots)
