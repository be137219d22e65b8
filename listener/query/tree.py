"""A query as a tree: how each part matches, what it can be asked of a platform by, and how it is written."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

from listener.query.text import MatchText, Span, is_punctuation, prepare


class QueryError(ValueError):
    """The query cannot be read. The message begins with the column (1-based) and says what to do."""

    def __init__(self, problem: str, column: int) -> None:
        super().__init__(f"column {column}: {problem}")
        self.column = column


class Node(Protocol):
    """One part of a query."""

    def spans(self, text: MatchText) -> list[Span] | None:
        """Where its positive terms stand; None = it does not match. An empty list is a match without a place."""
        ...

    def anchors(self) -> "tuple[Term, ...] | None":
        """Terms of which every matching text contains one; None where nothing positive is required."""
        ...


class Piece(NamedTuple):
    """One token of a term. ``gap``: punctuation may stand before it; ``glued``: nothing may, not even a space."""

    norm: str
    gap: bool
    glued: bool


_PREFIXES = frozenset("#@$")
_SOFT = frozenset("-'_./,;:…·")
"""Written inside a name by some and left out by others, so a text need not have them. Before a name they count: .NET"""
_BARE = re.compile(r"[^\W_][^\s()\"“”„*=:~^/\\<>\[\]{}]*|[#@$][^\W_][\w.'&+-]*")
_OPERATORS = ("AND", "OR", "NOT")


def pieces(term: str) -> tuple[Piece, ...]:
    """The tokens a text must show for this term, or nothing if it holds no letter, digit or emoji."""
    text = prepare(term)
    if all(is_punctuation(token) for token in text.tokens):
        return ()
    found: list[Piece] = []
    gap = False
    before = 0  # where the last kept token ended
    for norm, (start, end) in zip(text.tokens, text.bounds, strict=True):
        punctuation = is_punctuation(norm)
        if norm in _SOFT and (found or norm != "."):
            gap = True
            continue
        apart = bool(found) and start > before
        glued = bool(found) and not apart and found[-1].norm in _PREFIXES
        found.append(Piece(norm, gap=(gap or apart) and not punctuation, glued=glued))
        gap, before = False, end
    return tuple(found)


@dataclass(frozen=True)
class Term:
    """A word, a name with punctuation, an emoji, or several of these in a row."""

    written: str

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        return pieces(self.written)

    @cached_property
    def rarest(self) -> str:
        """The token that rules out most texts at once: a long one is a rare one."""
        return max((piece.norm for piece in self.pieces), key=len)

    def spans(self, text: MatchText) -> list[Span] | None:
        if self.rarest not in text.vocabulary:
            return None
        head, *rest = self.pieces
        found = []
        for first, token in enumerate(text.tokens):
            if token == head.norm and (last := _last(text, first, rest)) is not None:
                found.append(text.span(first, last))
        return found or None

    def anchors(self) -> "tuple[Term, ...] | None":
        return (self,)

    def __str__(self) -> str:
        bare = _BARE.fullmatch(self.written) and self.written not in _OPERATORS
        return self.written if bare else f'"{self.written}"'


def _last(text: MatchText, first: int, rest: list[Piece]) -> int | None:
    """The index of the last token if, after the one at ``first``, the rest of the term stands there."""
    tokens, at = text.tokens, first
    for piece in rest:
        at += 1
        while piece.gap and at < len(tokens) and is_punctuation(tokens[at]):
            at += 1
        if at >= len(tokens) or tokens[at] != piece.norm:
            return None
        if piece.glued and text.bounds[at][0] != text.bounds[at - 1][1]:
            return None
    return at


@dataclass(frozen=True)
class Not:
    """Matches where its part does not."""

    part: Node

    def spans(self, text: MatchText) -> list[Span] | None:
        return [] if self.part.spans(text) is None else None

    def anchors(self) -> "tuple[Term, ...] | None":
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

    def anchors(self) -> "tuple[Term, ...] | None":
        # Any positive part will do: the one with the fewest questions, then with the most telling words.
        choices = [anchors for part in self.parts if (anchors := part.anchors()) is not None]
        return min(choices, key=lambda terms: (len(terms), -min(len(term.written) for term in terms)), default=None)

    def __str__(self) -> str:
        return " AND ".join(_grouped(part) for part in self.parts)


@dataclass(frozen=True)
class Or:
    """Matches where any part does; every part that matches shows its places."""

    parts: tuple[Node, ...]

    def spans(self, text: MatchText) -> list[Span] | None:
        found = [spans for part in self.parts if (spans := part.spans(text)) is not None]
        return [span for spans in found for span in spans] if found else None

    def anchors(self) -> "tuple[Term, ...] | None":
        terms: dict[tuple[Piece, ...], Term] = {}
        for part in self.parts:
            anchors = part.anchors()
            if anchors is None:
                return None
            terms.update((term.pieces, term) for term in anchors)
        return tuple(terms.values())

    def __str__(self) -> str:
        return " OR ".join(_grouped(part) for part in self.parts)


def _grouped(part: Node) -> str:
    return f"({part})" if isinstance(part, And | Or) else str(part)


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
    def _required(self) -> tuple[Term, ...]:
        return self.root.anchors() or ()

    @cached_property
    def _tokens(self) -> frozenset[str]:
        """A text that has none of these tokens cannot match: the quick way out for most texts."""
        return frozenset(term.rarest for term in self._required)

    def match(self, text: str | MatchText) -> tuple[Span, ...] | None:
        """The places of every positive term that matched, sorted and apart; None = no match."""
        prepared = text if isinstance(text, MatchText) else prepare(text)
        if self._tokens.isdisjoint(prepared.vocabulary):
            return None
        spans = self.root.spans(prepared)
        return None if spans is None else tuple(_apart(spans))

    def anchors(self) -> tuple[str, ...]:
        """Phrases of which every matching text contains at least one, for platforms that can only be asked for one."""
        return tuple(term.written for term in self._required)

    def __str__(self) -> str:
        return str(self.root)
