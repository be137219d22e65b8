"""Text as the matcher sees it: folded, cut into tokens, with the way back to the original characters.

A hashtag is more than its token: the words joined in it (#IberiaFail, #britishairways, #coca_cola) are found too.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, islice
from typing import NamedTuple, TypeVar

from listener.query.folding import FOLDS, JOINER, clusters, fold, fold_plain, without_accents

T = TypeVar("T")


class Span(NamedTuple):
    """Characters ``start`` up to but not including ``end`` of the original text."""

    start: int
    end: int


_EMOJI = "\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_FLAG = "[\U0001f1e6-\U0001f1ff]{2}"
# Scripts that put no spaces between words: every character is a token, so a term is found inside a run of text.
_SOLO = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)


def _marks() -> str:
    """Combining marks that folding keeps (vowel signs of Indic scripts and the like), as a character class."""
    blocks = (range(0x300, 0x3100), range(0xA600, 0xAC00), range(0x11000, 0x12000))
    return "".join(
        re.escape(chr(code)) for block in blocks for code in block if unicodedata.category(chr(code))[0] == "M"
    )


_MARKS = _marks()
_CONTENT = re.compile(f"[{_SOLO}][{_MARKS}]*|{_FLAG}|[{_EMOJI}]|[^\\W_{_SOLO}](?:[^\\W_{_SOLO}]|[{_MARKS}])*")
# Most words are plain letters, also between others: those are seen at once.
_TOKEN = re.compile(f"[a-z0-9]+(?=[\\x00-/:-@\\[-`{{-\\x7f]|\\Z)|{_CONTENT.pattern}|\\S")
_PLAIN_TOKEN = re.compile(r"[a-z0-9]+|\S")
_FOREIGN = re.compile(r"([^\x00-\x7f]+)")

_NAME = f"[\\w{_MARKS}]"
TAG_NAME = f"{_NAME}+"
"""What may follow the # of a hashtag."""
HANDLE_NAME = f"{_NAME}+(?:[.@-]{_NAME}+)*"
"""What may follow the @ of a mention: a name, or one with its server or domain."""
_TAG = re.compile(f"(?<!&)#({TAG_NAME})")
_HANDLE = re.compile(f"(?<!{_NAME})@({HANDLE_NAME})")
_PLAIN_TAG = re.compile(r"(?<!&)#(\w+)")
_PLAIN_HANDLE = re.compile(r"(?<!\w)@(\w+(?:[.@-]\w+)*)")
_LONGEST_RUN = 8
"""Words of a hashtag that are looked at as one."""
_LONGEST_TAG = 200
"""Characters; a longer one is no word of anybody's and stays whole."""
_MOST_SEAMS = 16
"""In a hashtag; one with more is nobody's words either."""
_MOST_RUNS = 5_000
"""Words and runs of words that are taken out of one text's hashtags; what comes after them stays whole."""


class MatchText:
    """A text folded and cut once, to be asked by many queries. Make it with ``prepare``.

    ``tokens`` are its words, emoji and punctuation marks, each as a folded string, in order. ``named`` has its hashtags
    ("#iberia") and mentions ("@iberia") with their places, ``joined`` the words and runs of words within hashtags.
    ``vocabulary`` has all of these as a set. Where tokens stand is only worked out when somebody asks. ``lang``,
    ``sources`` and ``authors`` are what fields are held against; None or empty = unknown.
    """

    __slots__ = (
        "__dict__", "_bare", "_shifted", "_tails", "authors", "folded", "joined", "lang", "named", "original",
        "sources", "tokens", "vocabulary",
    )  # fmt: skip

    def __init__(
        self,
        original: str,
        lang: str | None = None,
        sources: frozenset[str] = frozenset(),
        authors: frozenset[str] = frozenset(),
    ) -> None:
        self.original = original
        self.lang, self.sources, self.authors = lang, sources, authors
        self._tails: dict[int, int] = {}
        self._bare: dict[Span, str] = {}
        self._shifted = False  # True where some character folds into none or several
        if original.isascii():
            self.folded = fold_plain(original)
            self.tokens: list[str] = _PLAIN_TOKEN.findall(self.folded)
        else:
            self.folded, self._shifted = _folded(original)
            self.tokens = (_PLAIN_TOKEN if self.folded.isascii() else _TOKEN).findall(self.folded)
        self.vocabulary = set(self.tokens)
        self.named: dict[str, list[Span]] = {}
        self.joined: dict[str, list[Span]] = {}
        if "#" in self.folded:
            self._read_tags()
        if "@" in self.folded:
            self._read_handles()

    def _read_tags(self) -> None:
        pattern = _PLAIN_TAG if self.folded.isascii() else _TAG
        runs = 0
        for found in pattern.finditer(self.folded):
            self.named.setdefault(found.group(), []).append(self._span(*found.span()))
            span = self._span(*found.span(1))
            written = self.original[span.start : span.end]
            for start, run in _runs(written) if runs < _MOST_RUNS else [(0, written)]:
                runs += 1
                place = Span(span.start + start, span.start + start + len(run))
                self.joined.setdefault(fold(run).replace("_", ""), []).append(place)
        self.vocabulary.update(self.named)
        self.vocabulary.update(self.joined)

    def _read_handles(self) -> None:
        pattern = _PLAIN_HANDLE if self.folded.isascii() else _HANDLE
        for found in pattern.finditer(self.folded):
            # @iberia.com and @iberia@mastodon.social are also mentions of @iberia: nobody can tell them from a full
            # stop without a space, and whoever writes @iberia means the name.
            for end in _ends(found.group(1)):
                name = found.group()[: end + 1]
                self.named.setdefault(name, []).append(self._span(found.start(), found.start() + end + 1))
                self.vocabulary.add(name)

    @cached_property
    def bounds(self) -> list[tuple[int, int]]:
        """Start and end of each token in ``folded``."""
        pattern = _PLAIN_TOKEN if self.folded.isascii() else _TOKEN
        return [found.span() for found in pattern.finditer(self.folded)]

    @cached_property
    def _origin(self) -> list[Span]:
        """For every folded character, the original ones it came from."""
        origin: list[Span] = []
        start = 0
        for cluster in clusters(self.original):
            end = start + len(cluster)
            origin.extend([Span(start, end)] * len(FOLDS[cluster]))
            start = end
        return origin

    @cached_property
    def _word_starts(self) -> list[int]:
        """Where each word or emoji starts in the original."""
        words = (bounds for token, bounds in zip(self.tokens, self.bounds, strict=True) if not is_punctuation(token))
        return [self._span(*bounds).start for bounds in words]

    @cached_property
    def _word_after(self) -> list[int]:
        """For every token the index of the first one from it on that is no punctuation; their number where none is."""
        after = [len(self.tokens)] * len(self.tokens)
        for at in range(len(after) - 1, -1, -1):
            if not is_punctuation(self.tokens[at]):
                after[at] = at
            elif at + 1 < len(after):
                after[at] = after[at + 1]
        return after

    def word_from(self, at: int) -> int:
        """The index of the first token from this one on that is no punctuation. Worked out once for all who ask."""
        return self._word_after[at] if at < len(self.tokens) and is_punctuation(self.tokens[at]) else at

    @cached_property
    def _in_order(self) -> list[int]:
        return sorted(range(len(self.tokens)), key=self.tokens.__getitem__)

    @cached_property
    def _named_in_order(self) -> list[str]:
        return sorted(self.named)

    @cached_property
    def _joined_in_order(self) -> list[str]:
        return sorted(self.joined)

    def tokens_with(self, beginning: str) -> list[int]:
        """The indices of the tokens that begin so."""
        return sorted(_beginning(self._in_order, beginning, self.tokens.__getitem__))

    def named_with(self, beginning: str) -> list[Span]:
        """The places of hashtags or mentions that begin so, their sign included."""
        return [span for name in _beginning(self._named_in_order, beginning, str) for span in self.named[name]]

    def joined_with(self, beginning: str) -> list[Span]:
        """The places of words and runs of words within hashtags that begin so."""
        return [span for run in _beginning(self._joined_in_order, beginning, str) for span in self.joined[run]]

    def bare(self, span: Span) -> str:
        """The letters and digits of a place, their case kept, without accents."""
        if span not in self._bare:
            self._bare[span] = without_accents(self.original[span.start : span.end])
        return self._bare[span]

    def words(self, span: Span) -> tuple[int, int]:
        """The numbers of the first and the last word of a place, for counting how far places are apart."""
        starts = self._word_starts
        return bisect_right(starts, span.start), bisect_right(starts, span.end - 1)

    def span(self, first: int, last: int) -> Span:
        """The original characters from one token to another, with what finishes the last: marks, a joined emoji."""
        return self._span(self.bounds[first][0], self.bounds[last][1])

    def _span(self, start: int, end: int) -> Span:
        if not self._shifted:
            return Span(start, end)
        start, end = self._origin[start].start, self._origin[end - 1].end
        if end not in self._tails:
            self._tails[end] = self._tail(end)
        return Span(start, self._tails[end])

    def _tail(self, end: int) -> int:
        text = self.original
        while end < len(text) and (not FOLDS[text[end]] or (text[end - 1] == JOINER and not text[end].isspace())):
            end += 1
        return end


def _beginning(ordered: Sequence[T], start: str, written: Callable[[T], str]) -> Iterator[T]:
    """Those of a sorted sequence that begin so, however many others there are."""
    for at in range(bisect_left(ordered, start, key=written), len(ordered)):
        if not written(ordered[at]).startswith(start):
            return
        yield ordered[at]


def _folded(original: str) -> tuple[str, bool]:
    """The folded text, and whether some character folds into none or several."""
    folds = FOLDS
    if not unicodedata.is_normalized("NFC", original):
        return "".join([folds[cluster] for cluster in clusters(original)]), True
    # Plain stretches at one stroke, what is between them a character at a time.
    stretches = _FOREIGN.split(original)
    shifted = False
    for at in range(0, len(stretches), 2):
        stretches[at] = fold_plain(stretches[at])
    for at in range(1, len(stretches), 2):
        pieces = [folds[char] for char in stretches[at]]
        shifted = shifted or max(map(len, pieces)) > 1 or "" in pieces
        stretches[at] = "".join(pieces)
    return "".join(stretches), shifted


def _ends(name: str) -> Iterator[int]:
    """Where a handle may end: before each part of a domain or server, and at its end."""
    yield from (found.start() for found in islice(re.finditer(r"[.@-]", name), _LONGEST_RUN))
    yield len(name)


def _runs(name: str) -> Iterator[tuple[int, str]]:
    """The words joined in a hashtag and all runs of neighbours: #YouTubeDown has youtube, down, tubedown ... in it."""
    if len(name) > _LONGEST_TAG:
        yield 0, name
        return
    # A letter and its marks are one, composed or not.
    letters = list(clusters(name))
    bare = "".join(letter[0] for letter in letters)
    starts = [0, *accumulate(map(len, letters))]
    cuts = [0, *(starts[at] for at in range(1, len(bare)) if _parts_at(bare, at)), len(name)]
    if len(cuts) > _MOST_SEAMS + 2:
        yield 0, name
        return
    for first, start in enumerate(cuts[:-1]):
        for end in cuts[first + 1 : first + 1 + _LONGEST_RUN]:
            if run := name[start:end].strip("_"):
                yield start + name[start:end].index(run), run
    if len(cuts) > _LONGEST_RUN + 1:
        yield 0, name


def _parts_at(name: str, at: int) -> bool:
    """True where one word of a hashtag ends and the next begins, as far as case, digits and _ show it."""
    before, after, then = name[at - 1], name[at], name[at + 1 : at + 2]
    if before == "_" or after == "_":
        return before != "_"
    if after.isupper():
        return before.islower() or (then.islower() and (before.isupper() or before.isdigit()))
    return after.isdigit() and at >= 3 and name[at - 3 : at].isalpha()


def is_punctuation(token: str) -> bool:
    """True for a token that is neither a word nor an emoji."""
    return not token.isalnum() and _CONTENT.match(token) is None


Names = str | Iterable[str] | None


def prepare(text: str, *, lang: str | None = None, source: Names = None, author: Names = None) -> MatchText:
    """Fold and cut a text once, so that any number of queries can be matched against it.

    ``lang``: its language's code. ``source``: the kind of the source, or also its name. ``author``: the handle, or all
    names that the author goes by, with or without @. What is None matches no field, so that ``-lang:en`` keeps a text
    whose language is unknown and ``lang:en`` passes it over.
    """
    if lang is None and source is None and author is None:
        return MatchText(text)
    return MatchText(text, lang and lang.strip().lower().replace("_", "-"), _names(source), _names(author))


def _names(given: Names) -> frozenset[str]:
    several = (given,) if isinstance(given, str) else given or ()
    return frozenset(name_of(one) for one in several) - {""}


def name_of(written: str) -> str:
    """The name of a source or author in the form that is compared: folded, without @ or spaces around it."""
    return " ".join(fold(written).split()).lstrip("@")
