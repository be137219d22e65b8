"""Queries and an index of plain words: which words to ask it for, and which words a text must be found by.

A database reads texts its own way: it knows no words within hashtags and folds fewer letters than we do. So what it is
asked is never narrower than the query, and with every text it is given the words that it would not see itself. What
such an index finds is held against the query afterwards.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from listener.query.terms import Field, Tag, Term
from listener.query.text import is_punctuation, prepare
from listener.query.tree import And, Near, Node, Not, Or, Query

LONGEST_WORD = 60
"""Letters of a word that the index keeps."""

LONGEST_TEXT = 100_000
"""Characters of a text whose words are all kept; a longer one is found by ``EVERY_QUERY`` whatever is looked for."""

EVERY_QUERY = "0long"

MOST_WORDS = 200
"""That are asked for at once."""

DEEPEST = 25
"""Nestings of what is asked for; SQLite reads 32."""

_MOST_MORE = 300_000
"""Characters of words given with one text: PostgreSQL keeps about a million for each."""

_ACCENTED = "áàâäãåéèêëíìîïóòôöõúùûüñçÁÀÂÄÃÅÉÈÊËÍÌÎÏÓÒÔÖÕÚÙÛÜÑÇ"
_PLAIN = "aaaaaaeeeeiiiiooooouuuunc" * 2
"""What both databases make of them, as we do (migration 0010 tells PostgreSQL)."""

_TO_PLAIN = str.maketrans(_ACCENTED, _PLAIN)
BETWEEN = (
    "\u00a0¡¿«»·“”‘’…–—€£\u2600-\u26ff\u2701-\u2775\u2794-\u27bf\U0001f300-\U0001f320\U0001f330-\U0001f335"
    "\U0001f337-\U0001f37c\U0001f380-\U0001f393\U0001f3a0-\U0001f3c4\U0001f3c6-\U0001f3ca\U0001f3e0-\U0001f3f0"
    "\U0001f400-\U0001f43e\U0001f442-\U0001f4f7\U0001f500-\U0001f53d\U0001f5fb-\U0001f640\U0001f645-\U0001f64f"
    "\U0001f680-\U0001f6c5"
)
"""What both databases take to stand between words, beside all of ASCII that is no letter or digit: as in a class of a
pattern. SQLite knows the emoji of Unicode 6 only and takes newer ones for letters, and ❶ for a digit."""

_GAPS = re.compile(f"[\\x00-/:-@\\[-`{{-\\x7f{BETWEEN}]+")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the index; ``open``: or one that begins so."""

    letters: str
    open: bool = False


@dataclass(frozen=True, slots=True)
class Every:
    """All of several."""

    parts: tuple["Ask", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of several."""

    parts: tuple["Ask", ...]


Ask = Word | Every | Either


def asked(query: Query) -> Ask | None:
    """What to ask the index for so that nothing is missed that the query matches; None = it can say nothing of it."""
    found = _over(query.root)
    return None if found is None or _size(found) > MOST_WORDS or _depth(found) > DEEPEST else found


def more_words(text: str) -> str | None:
    """The words that a text must be found by and that a database may not see in it by itself; None = there are none."""
    if len(text) > LONGEST_TEXT:
        return EVERY_QUERY
    prepared = prepare(text)
    words = prepared.vocabulary.difference(prepared.named)
    if text.isascii():
        words = prepared.joined.keys() - set(prepared.tokens)
    else:
        # What stands between two of these, and only as a whole: of "Straße" no database sees a part. Lowered after
        # that: Python makes plain letters of others, such as the sign of kelvins, and PostgreSQL does not.
        words.difference_update(word.lower() for word in _GAPS.split(text.translate(_TO_PLAIN)) if word.isascii())
    more = " ".join(sorted(_spelled(word) for word in words if not is_punctuation(word)))
    return (more if len(more) <= _MOST_MORE else EVERY_QUERY) or None


def _spelled(word: str) -> str:
    """A word in letters that every database takes for one; what begins it begins what is written for it."""
    if word.isascii() and word.isalnum():
        return word
    return "".join(char if char.isascii() and char.isalnum() else f"0{ord(char):06x}" for char in word)


def _word(word: str, *, open: bool = False) -> Word:  # noqa: A002 - as a query's terms call it
    spelled = _spelled(word)
    return Word(spelled[:LONGEST_WORD], open=open or len(spelled) > LONGEST_WORD)


def _over(node: Node) -> Ask | None:
    match node:
        case Term():
            return _term(node)
        case Tag():
            return _run(node.name, open=node.open)
        case And(parts):
            return _every([_over(part) for part in parts])
        case Near(left, right):
            return _every([_over(left), _over(right)])
        case Or(parts):
            return _either([_over(part) for part in parts])
        case Not() | Field():
            return None
    raise AssertionError(node)


def _term(term: Term) -> Ask | None:
    """Its words, or all of it in one as hashtags join them."""
    if term.verb:
        return _either([_word(form) for form in sorted(term.forms)])
    apart = _every([_word(p.norm, open=p.prefix) for p in term.pieces if not is_punctuation(p.norm)])
    if len(term.pieces) == 1 or not term.joined:
        return apart
    return _either([apart, _word(term.joined, open=term.pieces[-1].prefix)])


def _run(name: str, *, open: bool) -> Ask | None:  # noqa: A002
    """The words that a hashtag or mention consists of."""
    tokens = [token for token in prepare(name).tokens if not is_punctuation(token)]
    return _every([_word(token, open=open and at == len(tokens) - 1) for at, token in enumerate(tokens)])


def _every(parts: Sequence[Ask | None]) -> Ask | None:
    """What cannot be asked is left out: that finds more, not less."""
    known = tuple(dict.fromkeys(part for part in parts if part is not None))
    return known[0] if len(known) == 1 else Every(known) if known else None


def _either(parts: Sequence[Ask | None]) -> Ask | None:
    known = tuple(dict.fromkeys(part for part in parts if part is not None))
    if not parts or any(part is None for part in parts):
        return None
    return known[0] if len(known) == 1 else Either(known)


def _size(ask: Ask) -> int:
    return sum(1 for _ in _words(ask))


def _depth(ask: Ask) -> int:
    return 0 if isinstance(ask, Word) else 1 + max(map(_depth, ask.parts))


def _words(ask: Ask) -> Iterator[Word]:
    if isinstance(ask, Word):
        yield ask
        return
    for part in ask.parts:
        yield from _words(part)
