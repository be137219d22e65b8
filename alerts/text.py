"""Strangers' text made fit for people's eyes: characters that hide, reorder or break things are taken out or shown."""

import re
import unicodedata

BIDI_CONTROLS = frozenset(
    "\u202a\u202b\u202c\u202d\u202e"  # embeddings and overrides: they can make text read backwards
    "\u2066\u2067\u2068\u2069"  # isolates
)
"""Directional formatting (UAX #9) that can disguise what a text says. Marks that real RTL text needs stay."""

ELLIPSIS = "…"

_LINE_BREAKS = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_ZERO_WIDTH_JOINER = "\u200d"
_LONGEST_CLUSTER = 32
"""Characters to step back over at most; a cluster is longer only in text made to be a nuisance."""


def tame(text: str) -> str:
    """The text with plain newlines and without control characters, bidi controls or lone surrogates.

    What comes out can be stored in any database (no NUL, valid UTF-8) and shown in any window.
    """
    text = _LINE_BREAKS.sub("\n", text)
    return "".join(_tamed(character) for character in text)


def one_line(text: str) -> str:
    """Tamed, and every run of white space a single space."""
    return " ".join(tame(text).split())


def visible(text: str) -> str:
    r"""On one line, with what would be invisible or act on a terminal written as an escape: \n, \x1b, \u202e."""
    return "".join(_escape(character) for character in text)


def size(text: str) -> int:
    """Length in UTF-16 units, the strictest way in which a platform may count characters."""
    return len(text) + sum(character > "\uffff" for character in text)


def shorten(text: str, limit: int) -> str:
    """The text in at most `limit` UTF-16 units, ending in "…" if cut, never inside a character and its marks."""
    if size(text) <= limit:
        return text
    return text[: _fitting(text, limit - size(ELLIPSIS))].rstrip() + ELLIPSIS if limit > 0 else ""


def around(text: str, start: int, limit: int) -> str:
    """At most `limit` UTF-16 units of the text with the character at `start` in view, "…" where something is left out.

    A third of the space goes to what stands before `start`.
    """
    if size(text) <= limit or start <= limit // 2:
        return shorten(text, limit)
    begin = min(start, len(text) - 1) - limit // 3
    # Begin with a whole word when one is near.
    space = text.find(" ", begin, begin + 40)
    begin = space + 1 if space != -1 else _whole(text, begin)
    return shorten(ELLIPSIS + text[begin:], limit)


def _fitting(text: str, room: int) -> int:
    """How many characters of the text fit into `room` units, stopping at a whole character with its marks."""
    used = 0
    for index, character in enumerate(text):
        used += 2 if character > "\uffff" else 1
        if used > room:
            return _whole(text, index)
    return len(text)


def _whole(text: str, index: int) -> int:
    """The nearest index at or before this one that does not part a character from its marks or joiners."""
    for back in range(min(index, _LONGEST_CLUSTER)):
        at = index - back
        joined = text[at - 1] == _ZERO_WIDTH_JOINER or text[at] == _ZERO_WIDTH_JOINER
        if not joined and not unicodedata.category(text[at]).startswith("M"):
            return at
    return index


def _tamed(character: str) -> str:
    if character in BIDI_CONTROLS:
        return ""
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"
    if category == "Cc" and character != "\n":
        return " " if character == "\t" else ""
    return character


def _escape(character: str) -> str:
    category = unicodedata.category(character)
    if category not in ("Cc", "Cs", "Zl", "Zp") and character not in BIDI_CONTROLS:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
