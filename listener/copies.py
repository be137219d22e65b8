"""Which texts say the same in the same words: what is compared, where two such texts meet, and whether they are alike.

Pure. Everything here is symmetric and looks at two texts only, so that who is found to be a copy of whom does not
depend on which of them came first. How the numbers were chosen: docs/decisions/0011.
"""

import hashlib
import re
import struct
import unicodedata
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from rapidfuzz import fuzz

SPEAKING = 8
"""Words from which on identical wording is a copy. "Gracias, Iberia" from two people is two voices."""

LONG = 16
"""Words from which on nearly identical wording is one: in a short text one word more or less says something else."""

ALIKE = 92.0
"""Per cent of the words that two long texts must share, in the same order."""

BANDS = 8
ROWS = 4
"""Two texts that share the share s of their word pairs meet in a band with probability 1 - (1 - s^ROWS)^BANDS."""

_START = re.compile(r"\s*(?:RT|MT)\s+@\w+:?\s*", re.IGNORECASE)
_LINK = re.compile(r"(?:https?://|www\.|pic\.twitter\.com/)\S*", re.IGNORECASE)
_CUT = re.compile(r"(?:…|\.\.\.)\s*$")
_VIA = re.compile(r"\s(?:via|vía)\s+@\w+\s*$", re.IGNORECASE)
_NAME = r"(?:[^\W_a-zß-ÿ][\w.'’&+-]*|\w+\.(?:com|es|org|net|co\.uk|info|eu|mx|ar|cl|co|pe|de|fr|it|pt))"
_SOURCE = re.compile(rf"\s[-–—|·•]\s+{_NAME}(?:\s+(?:de|del|la|el|los|las|y|of|the|and|&|{_NAME})){{0,4}}\s*$")
_ACCENT = re.compile("[\u0300-\u036f]")

# Scripts without spaces between words: every character is a token, and two of them are about a word.
_SOLO = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_EMOJI = "\u2600-\u27bf\U0001f000-\U0001faff"
_TOKEN = re.compile(f"[{_SOLO}]|[{_EMOJI}]|[^\\W_{_SOLO}]+")
_SOLO_CHAR = re.compile(f"[{_SOLO}]")
_EMOJI_CHAR = re.compile(f"[{_EMOJI}]")

# With or without one of these a text says the opposite, however alike the rest is.
_NEGATIONS = frozenset(
    word
    for words in (
        "no not never none nothing without cannot cant dont doesnt didnt wont isnt arent wasnt werent",
        "ni nunca jamas nada nadie sin tampoco ningun ninguna ninguno nao non pas kein keine nicht nie 不 没 無",
    )
    for word in words.split()
)


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a text without what differs between copies: case, accents, punctuation, links, "RT @name:" and the
    name of the source at the end. ``words``: how many there are; ``cut``: the text was cut off by whoever passed it on.
    ``facts``: where the words stand that change what is said: numbers and negations. ``digest``: a signed number of 64
    bits, the same for the same wording.
    """

    tokens: tuple[str, ...]
    words: int
    cut: bool
    facts: tuple[int, ...]
    digest: int

    def facts_before(self, end: int) -> list[str]:
        """The numbers and negations among the first tokens, in their order."""
        return [self.tokens[place] for place in self.facts if place < end]


def wording(text: str) -> Wording | None:
    """A text's wording; None where it has too few words to know a copy by."""
    tokens, cut = _tokens(text)
    halves = sum(1 if _SOLO_CHAR.match(token) else 0 if _EMOJI_CHAR.match(token) else 2 for token in tokens)
    if halves < 2 * SPEAKING:
        return None
    written = " ".join(tokens) + ("…" if cut else "")
    facts = tuple(
        place
        for place, token in enumerate(tokens)
        if token in _NEGATIONS or (not token.isalpha() and any(char.isdigit() for char in token))
    )
    return Wording(tokens, halves // 2, cut, facts, _number(written.encode("utf-8")))


def bands(said: Wording) -> tuple[int, ...]:
    """The bands a text stands in, each a signed number of 64 bits. None for a text that only has identical copies.

    Made of word pairs and of the facts at its beginning, which are there even where the rest was cut off; so a thousand
    notices of one template with other numbers never meet.
    """
    if said.words < LONG:
        return ()
    sketch = _empty().copy()
    sketch.update_batch([f"{one} {two}".encode() for one, two in zip(said.tokens, said.tokens[1:], strict=False)])
    rows = np.ascontiguousarray(sketch.hashvalues, dtype="<u4").reshape(BANDS, ROWS)
    facts = " ".join(said.facts_before(LONG)).encode("utf-8")
    # Two bands of one text are the same number as seldom as two of any others: the band's own is part of it.
    return tuple(_number(struct.pack("<B", place) + row.tobytes() + facts) for place, row in enumerate(rows))


def alike(one: Wording, other: Wording) -> bool:
    """Whether one says what the other says. What was cut off is held against as much of the other."""
    if one.digest == other.digest:
        return True
    if one.words < LONG or other.words < LONG:
        return False
    lengths = len(one.tokens), len(other.tokens)
    # What comes after the cut is not known.
    end = (
        min(lengths)
        if (one.cut and lengths[0] < lengths[1]) or (other.cut and lengths[1] < lengths[0])
        else max(lengths)
    )
    if one.facts_before(end) != other.facts_before(end):
        return False
    return fuzz.ratio(one.tokens[:end], other.tokens[:end], score_cutoff=ALIKE) >= ALIKE


def _tokens(text: str) -> tuple[tuple[str, ...], bool]:
    # "Title - Source" above a summary, and a source at the end of all.
    lines = [line for line in _LINK.sub(" ", text).strip().splitlines() if line.strip()]
    if not lines:
        return (), False
    while found := _START.match(lines[0]):
        lines[0] = lines[0][found.end() :]
    lines[0] = _SOURCE.sub("", lines[0])
    lines[-1] = _SOURCE.sub("", _VIA.sub("", lines[-1]))
    bare = "\n".join(lines)
    cut = _CUT.search(bare) is not None
    bare = bare.casefold().replace("'", "").replace("’", "")
    if not bare.isascii():
        bare = unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFKD", bare)))
    tokens = _TOKEN.findall(bare)
    # The last word of what was cut off may be half a word.
    return tuple(tokens[:-1] if cut else tokens), cut


@lru_cache(maxsize=1)
def _empty() -> Any:
    """A sketch of nothing. Imported only here: datasketch brings scipy, which the API has no other use for."""
    from datasketch import MinHash  # type: ignore[import-untyped]

    return MinHash(num_perm=BANDS * ROWS, seed=1, hashfunc=zlib.crc32)


def _number(written: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(written, digest_size=8).digest(), "little", signed=True)
