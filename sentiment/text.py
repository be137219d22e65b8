"""From raw text to what the model reads: one normalisation, shared by training and serving.

Everything here is local to a whitespace-separated word, so a text can be normalised whole or in parts with the same
result; `sentiment.windows` builds on that. `VERSION` goes into every model that was trained on this text: a model and a
normalisation of different versions do not belong together.
"""

import html
import re
import sys
import unicodedata
from functools import lru_cache

VERSION = 2

_LINK = re.compile(r"(?:https?://|www\.|pic\.twitter\.com/)[^\s<>\"]*", re.IGNORECASE)
# @name, @name@host (Mastodon), @name.bsky.social (Bluesky); not the middle of an e-mail address.
_HANDLE = re.compile(r"(?<![\w@])@(\w+)(?:\.\w+)*(?:@[\w-]+(?:\.[\w-]+)+)?")
_LONG_NUMBER = re.compile(r"\d{5,}")
_REPEATED = re.compile(r"(\D)\1{2,}")
# Laughter, however spelled and however long: haha, jajaj, ahahah, kkkk, rsrs. Not hija (daughter), not KKK.
_LAUGHTER = re.compile(
    r"(?<!\w)(?:(?i:a?(?:h[aei]){2,}h?|(?:j[aei]){2,}j?|(?:rs){2,}|l[ou]l(?:[ou]l)*|xd+)|k{3,}|K{4,})(?!\w)"
)
_INITIALS = re.compile(r"([A-Z])\1{2,3}\W*")  # III, AAA: names, not drawn out
_HASHTAG = re.compile(r"#\w+")
_HUMP = re.compile(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])")
_PICTURE = re.compile("[\u203c\u2049\u2122-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\U0001f000-\U0001faff]+")
# What has no width or turns the reading direction carries no sentiment and is used to hide words from filters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e01ef\ud800-\udfff]"
)
_PLAIN = re.compile(r"[A-Za-z]{1,24}[.,;:!?]?")
_TAIL = re.compile(r"([^\w\s]|[DP])\1+$")  # of an emoticon that is drawn out: :)))
# What the emoticon says, in the words that the same emoji has.
_EMOTICONS = {
    sign: said
    for signs, said in (
        (":) :-) (: =) :] ^_^ :')", "smiling"),
        (":D :-D =D", "grinning"),
        (";) ;-)", "winking"),
        (":( :-( =( :[ ):", "frowning"),
        (":'( ;( T_T", "crying"),
        (":/ :-/ :\\ :S :s", "confused"),
        (":P :p :-P ;P", "tongue"),
        (":* :-*", "kiss"),
        ("<3", "heart"),
        ("</3", "broken heart"),
        (">:( D:", "angry"),
        ("-_- -.-", "unamused"),
    )
    for sign in signs.split()
}
# Words of emoji names that say how the picture is drawn, not what is felt.
_DRAWING = frozenset(
    (
        "face",
        "with",
        "sign",
        "symbol",
        "of",
        "and",
        "black",
        "white",
        "heavy",
        "medium",
        "dark",
        "light",
        "large",
        "small",
    )
)


@lru_cache(maxsize=1)
def _piled() -> re.Pattern[str]:
    marks = "".join(re.escape(char) for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.combining(char))
    return re.compile(f"([{marks}]{{30}})[{marks}]+")


def unpiled(text: str) -> str:
    """The text with 30 marks on a letter at most, as Unicode's Stream-Safe Text Format has it.

    Putting tens of thousands of them in order takes Python many seconds, and nobody writes them to be read.
    https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format
    """
    return text if text.isascii() else _piled().sub(r"\1", text)


def fold(text: str) -> str:
    """Lower case without accents, punctuation or spaces: how a brand and its handle are compared."""
    decomposed = unicodedata.normalize("NFKD", unpiled(text)).casefold()
    return "".join(char for char in decomposed if char.isalnum())


def is_own(handle: str, brand: str) -> bool:
    """Whether a handle belongs to the brand: `AmericanAir` to American, `SpotifyCares` to Spotify, `nike` to Nike Inc.

    Both are folded. Names under four letters must be equal: `HP` does not own `hpotter`.
    """
    if not handle or not brand:
        return False
    if handle == brand:
        return True
    short, long = sorted((handle, brand), key=len)
    return len(short) >= 4 and long.startswith(short)


def normalise(text: str, brand: str | None = None, *, emoji: bool = True) -> str:
    """What the model reads for `text`. Applying it twice changes nothing.

    Links become `http`, handles `@user` except the brand's own. With `emoji` false pictures stay as they are, for
    models whose vocabulary has them.
    """
    own = fold(brand) if brand else ""
    words = (normalise_word(word, own, emoji) for word in text.split())
    return " ".join(word for word in words if word)


def normalise_word(word: str, own: str = "", emoji: bool = True) -> str:
    """One whitespace-separated word of a text; `own` is the folded brand. May yield several words, or none."""
    if _PLAIN.fullmatch(word) and not _REPEATED.search(word) and not _LAUGHTER.search(word):
        return word
    # Only what recurs is worth keeping: handles, hashtags, pictures; not a kilobyte without a space.
    return _remembered(word, own, emoji) if len(word) <= 32 else _normalise_odd(word, own, emoji)


def _normalise_odd(word: str, own: str, emoji: bool) -> str:
    word = _settle(word)
    word = _LINK.sub(" http ", word)
    word = _HANDLE.sub(lambda match: _handle(match, own), word)
    if emoji:
        word = _PICTURE.sub(_name_pictures, word)
    word = _HASHTAG.sub(lambda match: _HUMP.sub(" ", match[0]), word)
    word = _LONG_NUMBER.sub("0", word)
    word = _LAUGHTER.sub("haha", word)
    if not _INITIALS.fullmatch(word):
        word = _REPEATED.sub(r"\1\1", word)
    return " ".join(_EMOTICONS.get(_TAIL.sub(r"\1", part), part) if emoji else part for part in word.split())


_remembered = lru_cache(maxsize=16_384)(_normalise_odd)


def _settle(word: str) -> str:
    """Entities, compatibility forms and unseen characters resolved until nothing more changes.

    Once is not enough: `&amp;lt;` and fullwidth `＆lt;` hide a second entity. Each round shortens or ends it.
    """
    while True:
        settled = unpiled(_UNSEEN.sub("", word))
        if not settled.isascii():
            settled = unicodedata.normalize("NFKC", settled)
        if "&" in settled:
            settled = html.unescape(settled)
        if settled == word:
            return settled
        word = settled


def _handle(match: re.Match[str], own: str) -> str:
    # The whole handle is kept: `@VirginAmerica` tells the model where its brand stands.
    return f"@{match[1]}" if is_own(fold(match[1]), own) else "@user"


def _name_pictures(match: re.Match[str]) -> str:
    """A run of emoji as their English names, each once: the vocabulary knows no emoji but all of these words."""
    names = dict.fromkeys(_picture_name(char) for char in match[0])
    return " " + " ".join(name for name in names if name) + " "


@lru_cache(maxsize=4096)
def _picture_name(char: str) -> str:
    name = unicodedata.name(char, "").lower()
    if name.startswith(("emoji modifier", "regional indicator", "variation selector")):
        return ""
    words = [word for word in re.findall(r"[a-z]+", name) if word not in _DRAWING]
    return " ".join(words[:5])
