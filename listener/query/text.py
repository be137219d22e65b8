"""Text as the matcher sees it: folded, cut into tokens, with the way back to the original characters.

Folding goes character by character (or cluster by cluster where a text is not composed), so that every folded
character knows which original one it came from, however long either is: "ß" gives "ss", a variation selector nothing.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple


class Span(NamedTuple):
    """Characters ``start`` up to but not including ``end`` of the original text."""

    start: int
    end: int


# Letters that stay themselves under Unicode decomposition although people type them without the stroke.
_STROKES = {"ø": "o", "đ": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ħ": "h", "ŧ": "t"}
_LOOKALIKES = {"’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'}
_LOOKALIKES |= dict.fromkeys("‐‑‒–—―−", "-")
_JOINER = "\u200d"
_ZERO_WIDTH_SPACE = "\u200b"

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
_TOKEN = re.compile(f"{_CONTENT.pattern}|\\S")
_PLAIN_TOKEN = re.compile(r"[a-z0-9]+|\S")


def _is_accent(char: str) -> bool:
    """Marks above, below and through a letter, Hebrew and Arabic points: what people leave out when typing.

    The numbers are Unicode's canonical combining classes; the Japanese voicing mark (8) and Indic signs (0, 7, 9) carry
    meaning and stay.
    """
    combining = unicodedata.combining(char)
    return combining == 1 or 10 <= combining <= 35 or combining >= 200


def _fold_cluster(cluster: str) -> str:
    if len(cluster) == 1:
        if cluster == _ZERO_WIDTH_SPACE or cluster.isspace():
            return " "
        if cluster in _LOOKALIKES:
            return _LOOKALIKES[cluster]
        category = unicodedata.category(cluster)
        if category == "Cf" or "\ufe00" <= cluster <= "\ufe0f" or "\U0001f3fb" <= cluster <= "\U0001f3ff":
            return ""  # joiners, direction marks, soft hyphens, variation selectors, skin tones
        if category[0] in "PS":
            flat = unicodedata.normalize("NFKC", cluster)
            return flat if len(flat) == 1 and unicodedata.category(flat)[0] in "PS" else cluster
    bare = "".join(c for c in unicodedata.normalize("NFKD", cluster.casefold()) if not _is_accent(c))
    bare = "".join(_STROKES.get(c, c) for c in unicodedata.normalize("NFC", bare).casefold())
    return bare.replace("ـ", "")  # the Arabic tatweel only stretches a word


class _Folds(dict[str, str]):
    """Every cluster folded once; the languages of a stream use a few thousand. Bounded against hostile ones."""

    def __missing__(self, cluster: str) -> str:
        if len(self) > 50_000:
            self.clear()
        folded = self[cluster] = _fold_cluster(cluster)
        return folded


_FOLDS = _Folds()


def _clusters(text: str) -> Iterator[str]:
    """Characters, or a base with the marks that belong to it where the text is not in composed form."""
    if unicodedata.is_normalized("NFC", text):
        yield from text
        return
    cluster = ""
    for char in text:
        # Hangul vowels and final consonants join the syllable before them as marks do.
        if cluster and (unicodedata.combining(char) or "\u1160" <= char <= "\u11ff"):
            cluster += char
        else:
            if cluster:
                yield cluster
            cluster = char
    if cluster:
        yield cluster


class MatchText:
    """A text folded and cut once, to be asked by many queries. Make it with ``prepare``.

    ``tokens`` are its words, emoji and punctuation marks, each as a folded string, in order; ``vocabulary`` the same as
    a set. Where they stand is only worked out when somebody asks.
    """

    __slots__ = ("__dict__", "_shifted", "folded", "original", "tokens", "vocabulary")

    def __init__(self, original: str) -> None:
        self.original = original
        self._shifted = False  # True where some character folds into none or several
        if original.isascii():
            self.folded = original.lower()
            self.tokens: list[str] = _PLAIN_TOKEN.findall(self.folded)
        else:
            folds = _FOLDS
            pieces = [folds[cluster] for cluster in _clusters(original)]
            self.folded = "".join(pieces)
            self.tokens = _TOKEN.findall(self.folded)
            self._shifted = not len(original) == len(pieces) == len(self.folded) or "" in pieces
        self.vocabulary = set(self.tokens)

    @cached_property
    def bounds(self) -> list[tuple[int, int]]:
        """Start and end of each token in ``folded``."""
        pattern = _PLAIN_TOKEN if self.original.isascii() else _TOKEN
        return [found.span() for found in pattern.finditer(self.folded)]

    @cached_property
    def _origin(self) -> list[Span]:
        """For every folded character, the original ones it came from."""
        origin: list[Span] = []
        start = 0
        for cluster in _clusters(self.original):
            end = start + len(cluster)
            origin.extend([Span(start, end)] * len(_FOLDS[cluster]))
            start = end
        return origin

    def span(self, first: int, last: int) -> Span:
        """The original characters from one token to another, with what finishes the last: marks, a joined emoji."""
        start, end = self.bounds[first][0], self.bounds[last][1]
        if not self._shifted:
            return Span(start, end)
        start, end = self._origin[start].start, self._origin[end - 1].end
        text = self.original
        while end < len(text) and (not _FOLDS[text[end]] or (text[end - 1] == _JOINER and not text[end].isspace())):
            end += 1
        return Span(start, end)


def is_punctuation(token: str) -> bool:
    """True for a token that is neither a word nor an emoji."""
    return not token.isalnum() and _CONTENT.match(token) is None


def prepare(text: str) -> MatchText:
    """Fold and cut a text once, so that any number of queries can be matched against it."""
    return MatchText(text)
