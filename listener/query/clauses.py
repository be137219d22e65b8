"""From what may be asked of a platform to searches that it takes: written its way, short enough, few enough.

A clause is a conjunction: one of each group must be in the text, and the extras narrow that down: words not to be
there, a language. A platform's searches together find whatever any of the clauses finds; leaving out a group or an
extra finds more, never less.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

from listener.query.dialects import Dialect
from listener.query.folding import fold

Note = Callable[..., None]
"""Takes what is filtered afterwards, and of what: the same said of several things is one note."""


@dataclass(frozen=True)
class Ask:
    """One thing to ask for, as the platform writes it; empty where it cannot be asked for at all.

    ``name`` is how the query writes it. ``missed``: what of it the platform cannot find, in words; empty = nothing.
    """

    written: str
    name: str
    missed: str = ""

    def also(self, other: "Ask") -> "Ask":
        """This for two parts of a query that ask for the same."""
        names = self.name if other.name in self.name.split(" OR ") else f"{self.name} OR {other.name}"
        return Ask(self.written, names, self.missed or other.missed)


@dataclass(frozen=True)
class Clause:
    """One of each group, narrowed down by ``extras``, written as the platform writes them."""

    groups: tuple[tuple[Ask, ...], ...] = ()
    extras: tuple[str, ...] = ()


def joined(clauses: Sequence[Clause]) -> list[Clause]:
    """Alternatives, those that only differ in one word drawn together."""
    words: dict[str, Ask] = {}
    others: dict[Clause, None] = {}
    for clause in clauses:
        if len(clause.groups) == 1 and not clause.extras:
            for ask in clause.groups[0]:
                # Delta and delta are one search.
                key = fold(ask.written) or ask.name
                words[key] = ask if key not in words else words[key].also(ask)
        else:
            others[clause] = None
    return ([Clause((tuple(words.values()),))] if words else []) + list(others)


def combined(factors: Sequence[Sequence[Clause]], most: int, note: Note) -> list[Clause]:
    """All of several: every clause of one with every clause of the others, unless that becomes too many."""
    # What must be kept first: factors that can be asked for at all, and the smallest of them.
    order = sorted(range(len(factors)), key=lambda n: (not all(c.groups for c in factors[n]), len(factors[n])))
    kept: list[int] = []
    count = 1
    for n in order:
        if kept and count * len(factors[n]) > most:
            note("Some of what must be there together is filtered afterwards: it would be too many searches.")
            continue
        kept.append(n)
        count *= len(factors[n])
    return [_and(parts) for parts in product(*(factors[n] for n in sorted(kept)))]


def _and(parts: Sequence[Clause]) -> Clause:
    groups = dict.fromkeys(group for part in parts for group in part.groups)
    return Clause(tuple(groups), tuple(dict.fromkeys(word for part in parts for word in part.extras)))


class Writer:
    """Writes clauses in one platform's syntax."""

    def __init__(self, dialect: Dialect, note: Note) -> None:
        self._dialect = dialect
        self._note = note

    def searches(self, clauses: Sequence[Clause]) -> list[str]:
        """As few searches as the syntax and the length allow."""
        fitting = [short for clause in clauses for one in self._allowed(clause) for short in self._short(one)]
        if self._dialect.either != "nested":
            return list(dict.fromkeys(self._written(clause) for clause in fitting))
        return self._packed(fitting)

    def _allowed(self, clause: Clause) -> list[Clause]:
        """The clause without alternatives that the platform cannot write."""
        either = self._dialect.either
        if either in ("nested", "flat") or (either == "alone" and len(clause.groups) == 1):
            return [clause]
        smallest = sorted(clause.groups, key=len)
        kept = smallest[:1]
        for group in smallest[1:]:
            if prod(map(len, kept)) * len(group) <= self._dialect.most_searches:
                kept.append(group)
            else:
                self._afterwards(group)
        if either == "alone" and len(kept) == 1:
            return [replace(clause, groups=tuple(kept))]
        groups = [group for group in clause.groups if group in kept]
        return [Clause(tuple((ask,) for ask in asks), clause.extras) for asks in product(*groups)]

    def _short(self, clause: Clause) -> list[Clause]:
        """The clause cut into such as are short enough; what would leave no room is left out."""
        if self._fits(clause):
            return [clause]
        half = self._dialect.max_length // 2
        while clause.extras and self._length(Clause((), clause.extras)) > half:
            longest = max(clause.extras, key=len)
            self._note("Too long for the searches, so filtered afterwards", longest)
            clause = replace(clause, extras=tuple(word for word in clause.extras if word != longest))
        groups = sorted(clause.groups, key=len)
        while (
            len(groups) > 1 and self._length(Clause(tuple((max(g, key=_size),) for g in groups), clause.extras)) > half
        ):
            self._afterwards(groups.pop())
        while len(groups) > 1 and self._length(Clause(tuple(groups[:-1]), clause.extras)) > half:
            self._afterwards(groups.pop())
        clause = replace(clause, groups=tuple(group for group in clause.groups if group in groups))
        if self._fits(clause):
            return [clause]
        widest = max(clause.groups, key=lambda group: (len(group) > 1, sum(map(_size, group))))
        others = tuple(group for group in clause.groups if group != widest)
        return self._chunks(Clause(others, clause.extras), widest)

    def _chunks(self, rest: Clause, group: tuple[Ask, ...]) -> list[Clause]:
        """The group's words dealt out over as many searches as they need."""
        chunks: list[Clause] = []
        chunk: tuple[Ask, ...] = ()
        for ask in group:
            if chunk and not self._fits(_with(rest, (*chunk, ask))):
                chunks.append(_with(rest, chunk))
                chunk = ()
            chunk = (*chunk, ask)
        return [*chunks, _with(rest, chunk)]

    def _packed(self, clauses: Sequence[Clause]) -> list[str]:
        """Several clauses in one search while they fit."""
        searches: list[str] = []
        parts: list[tuple[str, str]] = []  # as it stands alone, as it stands among others
        for clause in clauses:
            alone = self._written(clause)
            single = len(clause.groups) == 1 and not clause.extras
            among = self._one_of(clause.groups[0]) if single else f"({alone})"
            together = self._dialect.one_of.join([*(part for _, part in parts), among])
            if parts and self._dialect.length(together) > self._dialect.max_length:
                searches.append(self._alternatives(parts))
                parts = []
            if (alone, among) not in parts:
                parts.append((alone, among))
        if parts:
            searches.append(self._alternatives(parts))
        return list(dict.fromkeys(searches))

    def _alternatives(self, parts: Sequence[tuple[str, str]]) -> str:
        return parts[0][0] if len(parts) == 1 else self._dialect.one_of.join(part for _, part in parts)

    def _written(self, clause: Clause) -> str:
        bare = self._dialect.either == "alone" or (self._dialect.either == "nested" and not clause.extras)
        if len(clause.groups) == 1 and bare:
            return self._dialect.both.join([self._one_of(clause.groups[0]), *clause.extras])
        groups = [self._one_of(group) if len(group) == 1 else f"({self._one_of(group)})" for group in clause.groups]
        return self._dialect.both.join([*groups, *clause.extras])

    def _one_of(self, group: Sequence[Ask]) -> str:
        return self._dialect.one_of.join(ask.written for ask in group)

    def _length(self, clause: Clause) -> int:
        return self._dialect.length(self._written(clause))

    def _fits(self, clause: Clause) -> bool:
        return self._length(clause) <= self._dialect.max_length

    def _afterwards(self, group: Sequence[Ask]) -> None:
        names = list(dict.fromkeys(ask.name for ask in group))
        shown = " OR ".join(names[:3]) + (" and others" if len(names) > 3 else "")
        self._note("Too much for the searches, so filtered afterwards", shown)


def _with(rest: Clause, group: tuple[Ask, ...]) -> Clause:
    return Clause((*rest.groups, group), rest.extras)


def _size(ask: Ask) -> int:
    return len(ask.written)
