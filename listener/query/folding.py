"""Folding: what is left of a text when case, accents, width and invisible characters do not count.

It goes character by character (or cluster by cluster where a text is not composed), so that every folded character
knows which original one it came from, however long either is: "ß" gives "ss", a variation selector nothing.
"""

import unicodedata
from collections.abc import Iterator

# Letters that stay themselves under Unicode decomposition although people type them without the stroke.
_STROKES = {"ø": "o", "đ": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ħ": "h", "ŧ": "t"}
_CASED_STROKES = _STROKES | {"ß": "ss", "ẞ": "SS"}
_CASED_STROKES |= {c.upper(): plain.title() for c, plain in _STROKES.items() if c != "ı"}
_LOOKALIKES = {"’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'}
_LOOKALIKES |= dict.fromkeys("‐‑‒–—―−", "-")
_MOST_MARKS = 30
"""On one letter, as in Unicode's Stream-Safe Text Format (UAX 15): to order more takes the square of the time."""
JOINER = "\u200d"
_ZERO_WIDTH_SPACE = "\u200b"


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


FOLDS = _Folds()


def clusters(text: str) -> Iterator[str]:
    """Characters, or a base with the marks that belong to it where the text is not in composed form."""
    if unicodedata.is_normalized("NFC", text):
        yield from text
        return
    cluster = ""
    for char in text:
        # Hangul vowels and final consonants join the syllable before them as marks do.
        joins = unicodedata.combining(char) or "\u1160" <= char <= "\u11ff"
        if cluster and joins and len(cluster) <= _MOST_MARKS:
            cluster += char
        else:
            if cluster:
                yield cluster
            cluster = char
    if cluster:
        yield cluster


def fold(text: str) -> str:
    """The text as queries see it. Folding twice is folding once."""
    return fold_plain(text) if text.isascii() else "".join(FOLDS[cluster] for cluster in clusters(text))


def fold_plain(text: str) -> str:
    """The same of ASCII, at one stroke."""
    return text.lower().replace("`", "'")


def plain_letters(text: str) -> str:
    """The text with full-width, stylised and joined letters (ＡＣＭＥ, 𝐀𝐜𝐦𝐞, ﬁ) as plain ones, all else as it is."""
    if text.isascii():
        return text
    plain = (unicodedata.normalize("NFKC", one) if _is_styled(one) else one for one in clusters(text))
    return unicodedata.normalize("NFC", "".join(plain))


def _is_styled(cluster: str) -> bool:
    kind = unicodedata.decomposition(cluster[0]).partition(" ")[0]
    return kind in ("<wide>", "<narrow>", "<font>") or (kind == "<compat>" and cluster[0].isalpha())


def without_accents(text: str) -> str:
    """The letters and digits of a text, their case kept, accents and everything else left out."""
    apart = (c for cluster in clusters(text) for c in unicodedata.normalize("NFKD", cluster))
    bare = (c for c in apart if not _is_accent(c))
    return "".join(_CASED_STROKES.get(c, c) for c in bare if c.isalnum())
