"""What a query looks for in a text: words and phrases, hashtags and mentions, and what is known about the text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from listener.query.enclitics import forms
from listener.query.folding import fold, without_accents
from listener.query.text import MatchText, Span, is_punctuation, name_of, prepare

OPERATORS = ("AND", "OR", "NOT", "NEAR")
FEWEST_LETTERS = 3
"""Before a *: a shorter beginning would find nearly every text."""

FieldName = Literal["lang", "source", "author"]


class Keys(NamedTuple):
    """What a text must have one of to match: a token, name or joined word; one beginning like this; an author.

    ``phrase``: instead of these words all of those.
    """

    words: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    authors: frozenset[str] = frozenset()
    phrase: frozenset[str] = frozenset()


class Piece(NamedTuple):
    """One token of a term. ``gap``: punctuation may stand before it; ``glued``: nothing may, not even a space;
    ``prefix``: the text's token may go on."""

    norm: str
    gap: bool
    glued: bool
    prefix: bool = False


_PREFIXES = frozenset("#@$")
_SOFT = frozenset("-'_./,;:…·")
"""Written inside a name by some and left out by others, so a text need not have them. Before a name they count: .NET"""
_BARE = re.compile(r"[^\W_][^\s()\"“”„‟«»‹›＂*=:~^/\\<>\[\]{}]*\*?|\$[^\W_][\w.'&+-]*")


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
        if norm == "*" and found and start == before and _is_wildcard(text.folded, start):
            found[-1] = found[-1]._replace(prefix=True)
            continue
        apart = bool(found) and start > before
        glued = bool(found) and not apart and found[-1].norm in _PREFIXES
        found.append(Piece(norm, gap=(gap or apart) and not punctuation, glued=glued))
        gap, before = False, end
    return tuple(found)


def _is_wildcard(folded: str, at: int) -> bool:
    """True for a * at the end of a word with letters enough; any other is a character like others."""
    chunk = folded[:at].split(" ")[-1]
    ended = at + 1 == len(folded) or folded[at + 1].isspace()
    return ended and chunk[-1:].isalnum() and letters(chunk) >= FEWEST_LETTERS


def letters(text: str) -> int:
    """How many letters and digits there are once folded."""
    return sum(char.isalnum() for char in fold(text))


@dataclass(frozen=True)
class Term:
    """A word, a name with punctuation, an emoji, or several of these in a row; the last letters of a word may be a *.

    ``cased``: upper and lower case count. ``verb``: a Spanish verb, found with pronouns written onto it.
    """

    written: str
    cased: bool = False
    verb: bool = False

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        return pieces(self.written)

    @cached_property
    def open(self) -> bool:
        """True where a * leaves open how a word goes on."""
        return any(piece.prefix for piece in self.pieces)

    @cached_property
    def forms(self) -> frozenset[str]:
        """The words that a marked verb stands for; empty for any other term."""
        return forms(fold(self.written)) if self.verb else frozenset()

    @cached_property
    def needed(self) -> frozenset[str]:
        """The tokens that must be there unless a hashtag has the whole term; empty where all are beginnings."""
        return frozenset(piece.norm for piece in self.pieces if not piece.prefix)

    @cached_property
    def rarest(self) -> str:
        """The needed token that rules out most texts: a long one is a rare one."""
        return max(sorted(self.needed), key=len, default="")

    @cached_property
    def joined(self) -> str:
        """How a hashtag writes the term, if it can."""
        return "" if any(is_punctuation(p.norm) for p in self.pieces) else "".join(p.norm for p in self.pieces)

    @cached_property
    def keys(self) -> Keys:
        if self.verb:
            return Keys(self.forms)
        if self.open:
            # A hashtag may hold the words without a space between them, whole or not.
            starts = (self.joined,) if self.joined else ()
            return Keys(prefixes=starts if self.needed else (self.pieces[0].norm,), phrase=self.needed)
        return Keys(frozenset({self.joined} - {""}), phrase=self.needed)

    def spans(self, text: MatchText) -> list[Span] | None:
        if not self.open and not self.verb and not self.needed <= text.vocabulary and self.joined not in text.joined:
            return None
        if self.verb:
            found = [span for form in self.forms & text.vocabulary for span in _of_word(text, form)]
        else:
            found = [*self._in_words(text), *self._in_hashtags(text)]
        if self.cased:
            found = [span for span in found if self._same_case(text.bare(span))]
        return found or None

    def _in_words(self, text: MatchText) -> Iterator[Span]:
        if not self.needed <= text.vocabulary:
            return
        head, *rest = self.pieces
        for first in _starting(text, head):
            if (last := _last(text, first, rest)) is not None:
                yield text.span(first, last)

    def _in_hashtags(self, text: MatchText) -> Iterator[Span]:
        if not text.joined or not self.joined:
            return
        if self.pieces[-1].prefix:
            ends: dict[int, int] = {}  # of all runs that begin here the shortest
            for start, end in text.joined_with(self.joined):
                ends[start] = min(end, ends.get(start, end))
            yield from (Span(start, end) for start, end in ends.items())
        else:
            yield from text.joined.get(self.joined, ())

    def _same_case(self, there: str) -> bool:
        wanted = without_accents(self.written)
        return there.startswith(wanted) if self.open else there == wanted

    def anchors(self) -> "tuple[Atom, ...] | None":
        return (self,)

    def __str__(self) -> str:
        if self.verb:
            return f"{self.written}~"
        bare = self.written not in OPERATORS and _BARE.fullmatch(self.written) and self._star_is_wild
        marked = f"={self._quoted}" if self.cased and not bare else f"{'=' * self.cased}{self.written}"
        return marked if bare or self.cased else self._quoted

    @property
    def _quoted(self) -> str:
        return f'"{self.written}"'

    @property
    def _star_is_wild(self) -> bool:
        return "*" not in self.written or self.open


def _of_word(text: MatchText, word: str) -> Iterator[Span]:
    for at in _starting(text, Piece(word, gap=False, glued=False)):
        yield text.span(at, at)
    yield from text.joined.get(word, ())


def _starting(text: MatchText, head: Piece) -> Iterator[int]:
    """Where a term may begin."""
    tokens = text.tokens
    if head.prefix:
        yield from text.tokens_with(head.norm)
        return
    at = -1
    for _ in range(tokens.count(head.norm)):
        at = tokens.index(head.norm, at + 1)
        yield at


def _last(text: MatchText, first: int, rest: list[Piece]) -> int | None:
    """The index of the last token if, after the one at ``first``, the rest of the term stands there."""
    tokens, at = text.tokens, first
    for piece in rest:
        at += 1
        if piece.gap:
            at = text.word_from(at)
        if at >= len(tokens):
            return None
        if tokens[at] != piece.norm and not (piece.prefix and tokens[at].startswith(piece.norm)):
            return None
        if piece.glued and text.bounds[at][0] != text.bounds[at - 1][1]:
            return None
    return at


@dataclass(frozen=True)
class Tag:
    """A hashtag (``sign`` #) or a mention (@) and nothing else; ``open``: its name may go on."""

    sign: str
    name: str
    open: bool = False

    @cached_property
    def key(self) -> str:
        return fold(self.sign + self.name)

    @cached_property
    def keys(self) -> Keys:
        return Keys(prefixes=(self.key,)) if self.open else Keys(frozenset({self.key}))

    def spans(self, text: MatchText) -> list[Span] | None:
        found = text.named_with(self.key) if self.open else text.named.get(self.key, [])
        return found or None

    def anchors(self) -> "tuple[Atom, ...] | None":
        return (self,)

    def __str__(self) -> str:
        return f"{self.sign}{self.name}{'*' * self.open}"


@dataclass(frozen=True)
class Field:
    """What is known about a text: its language, the source it came from, who wrote it. Matches without a place."""

    name: FieldName
    value: str

    @cached_property
    def key(self) -> str:
        return self.value.lower() if self.name == "lang" else name_of(self.value)

    @cached_property
    def keys(self) -> Keys:
        return Keys(authors=frozenset({self.key}))

    def spans(self, text: MatchText) -> list[Span] | None:
        if self.name == "lang":
            known = text.lang or ""
            # Spanish is also the Spanish of Mexico; the Spanish of Mexico is not all Spanish.
            return [] if known == self.key or known.startswith(self.key + "-") else None
        return [] if self.key in (text.sources if self.name == "source" else text.authors) else None

    def anchors(self) -> "tuple[Atom, ...] | None":
        return (self,) if self.name == "author" else None

    def __str__(self) -> str:
        bare = re.fullmatch(r"[^\s()\"]+", self.value)
        return f"{self.name}:{self.value}" if bare else f'{self.name}:"{self.value}"'


Atom = Term | Tag | Field
