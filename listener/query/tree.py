"""A query as a tree: how its parts match together, what it can be asked by, and how it is written."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeGuard

from listener.query.terms import Atom, Field, FieldName, Tag, Term
from listener.query.text import MatchText, Span, prepare


class Node(Protocol):
    """One part of a query."""

    def spans(self, text: MatchText) -> list[Span] | None:
        """Where its positive terms stand; None = it does not match. An empty list is a match without a place."""
        ...

    def anchors(self) -> tuple[Atom, ...] | None:
        """Parts of which every matching text has one; None where nothing positive is required."""
        ...


@dataclass(frozen=True)
class Not:
    """Matches where its part does not."""

    part: Node

    def spans(self, text: MatchText) -> list[Span] | None:
        return [] if self.part.spans(text) is None else None

    def anchors(self) -> tuple[Atom, ...] | None:
        return None

    def __str__(self) -> str:
        return f"NOT {_grouped(self.part)}"


@dataclass(frozen=True)
class And:
    """Matches where all parts do."""

    parts: tuple[Node, ...]

    def spans(self, text: MatchText) -> list[Span] | None:
        found: list[Span] = []
        for part in self.parts:
            spans = part.spans(text)
            if spans is None:
                return None
            found += spans
        return found

    def anchors(self) -> tuple[Atom, ...] | None:
        # Any positive part will do: the one with the fewest questions, then with the most telling words.
        return _best(self.parts)

    def __str__(self) -> str:
        return " AND ".join(_grouped(part) for part in self.parts)


@dataclass(frozen=True)
class Or:
    """Matches where any part does; every part that matches shows its places."""

    parts: tuple[Node, ...]

    def spans(self, text: MatchText) -> list[Span] | None:
        found = [spans for part in self.parts if (spans := part.spans(text)) is not None]
        return [span for spans in found for span in spans] if found else None

    def anchors(self) -> tuple[Atom, ...] | None:
        atoms: dict[object, Atom] = {}
        for part in self.parts:
            anchors = part.anchors()
            if anchors is None:
                return None
            # Acme and ACME ask for the same.
            atoms.update((atom.pieces if _plain(atom) else atom, atom) for atom in anchors)
        return tuple(atoms.values())

    def __str__(self) -> str:
        return " OR ".join(_grouped(part) for part in self.parts)


@dataclass(frozen=True)
class Near:
    """Matches where both sides stand within ``distance`` words of each other, in either order."""

    left: Node
    right: Node
    distance: int

    def spans(self, text: MatchText) -> list[Span] | None:
        left, right = self.left.spans(text), self.right.spans(text)
        if not left or not right:
            return None
        close = _close(text, left, right, self.distance) | _close(text, right, left, self.distance)
        return list(close) or None

    def anchors(self) -> tuple[Atom, ...] | None:
        return _best((self.left, self.right))

    def __str__(self) -> str:
        return f"{_grouped(self.left)} NEAR/{self.distance} {_grouped(self.right)}"


def _close(text: MatchText, these: list[Span], others: list[Span], distance: int) -> set[Span]:
    """Of both kinds those places where one of the others follows one of these closely enough."""
    found: set[Span] = set()
    others = sorted(others)
    starts = [other.start for other in others]
    words = [text.words(other)[0] for other in others]
    done = 0  # the others up to here are found or out of reach, of these and of all further on
    for this in sorted(these, key=lambda span: span.end):
        first = bisect_left(starts, this.end)
        last = bisect_right(words, text.words(this)[1] + distance)
        if first < last:
            found.add(this)
            found.update(others[max(first, done) : last])
            done = last
    return found


def _best(parts: Sequence[Node]) -> tuple[Atom, ...] | None:
    """Any positive part will do: the one with the fewest questions, then with the most telling words."""
    choices = [anchors for part in parts if (anchors := part.anchors()) is not None]
    return min(choices, key=lambda atoms: (len(atoms), -min(map(_telling, atoms))), default=None)


def _telling(atom: Atom) -> int:
    # Of a text's author nothing stands in it.
    return 0 if isinstance(atom, Field) else len(str(atom).strip('"'))


def _plain(atom: Atom) -> TypeGuard[Term]:
    return isinstance(atom, Term) and not atom.cased and not atom.verb


def _grouped(part: Node) -> str:
    return f"({part})" if isinstance(part, And | Or) else str(part)


def walk(node: Node) -> Iterator[Atom]:
    """Every atom of a tree, in the order of writing."""
    match node:
        case And(parts) | Or(parts):
            for part in parts:
                yield from walk(part)
        case Not(part):
            yield from walk(part)
        case Near(left, right):
            yield from walk(left)
            yield from walk(right)
        case Term() | Tag() | Field():
            yield node


def _apart(spans: Sequence[Span]) -> Iterator[Span]:
    """The same places sorted, overlapping ones joined."""
    current: Span | None = None
    for span in sorted(spans):
        if current is None:
            current = span
        elif span.start < current.end:
            current = Span(current.start, max(current.end, span.end))
        else:
            yield current
            current = span
    if current is not None:
        yield current


@dataclass(frozen=True)
class Query:
    """A query that can be matched, asked of a platform by its anchors, and written down again with ``str``."""

    root: Node

    @cached_property
    def required(self) -> tuple[Atom, ...]:
        """Parts of which every matching text has one."""
        return self.root.anchors() or ()

    @cached_property
    def _keys(self) -> tuple[frozenset[str], tuple[str, ...], frozenset[str]]:
        """Words, beginnings and authors: a text that has none of these cannot match."""
        keys = [atom.keys for atom in self.required]
        phrases = {max(sorted(key.phrase), key=len) for key in keys if key.phrase}
        return (
            frozenset(phrases).union(*(key.words for key in keys)),
            tuple(prefix for key in keys for prefix in key.prefixes),
            frozenset().union(*(key.authors for key in keys)),
        )

    def match(self, text: str | MatchText) -> tuple[Span, ...] | None:
        """The places of every positive term that matched, sorted and apart; None = no match.

        The tuple is empty where what matches has no place in the text, as an author: test for ``is not None``.
        """
        prepared = text if isinstance(text, MatchText) else prepare(text)
        return self.places(prepared) if self._possible(prepared) else None

    def places(self, text: MatchText) -> tuple[Span, ...] | None:
        """The same without the quick way out, for a text that is known to have what is required."""
        spans = self.root.spans(text)
        return None if spans is None else tuple(_apart(spans))

    def _possible(self, text: MatchText) -> bool:
        words, prefixes, authors = self._keys
        if not words.isdisjoint(text.vocabulary) or not authors.isdisjoint(text.authors):
            return True
        return bool(prefixes) and any(word.startswith(prefixes) for word in text.vocabulary)

    def fields(self) -> frozenset[FieldName]:
        """What the query wants to know of a text beside its words: give these to ``prepare``."""
        return frozenset(atom.name for atom in walk(self.root) if isinstance(atom, Field))

    def anchors(self) -> tuple[str, ...]:
        """Phrases to ask for where one phrase at a time is all that can be asked.

        Every matching text contains one of them, with two exceptions: of a word with * its beginning is given and of a
        verb with ~ the bare form, which may be part of a longer word; of an author the name, which the text need not
        hold. ``translate`` asks better and says what it cannot ask.
        """
        return tuple(_phrase(atom) for atom in self.required)

    def __str__(self) -> str:
        return str(self.root)


def _phrase(atom: Atom) -> str:
    match atom:
        case Term(written):
            return written.replace("*", "") if atom.open else written
        case Tag(sign, name):
            return sign + name
        case Field(_, value):
            return value
