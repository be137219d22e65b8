"""Lists of words held against texts: case and accents do not count, on neither side, and places are told.

For lists that come with a rule. What a person looks for is written in the query language, which the host knows.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

Span = tuple[int, int]
"""Characters from the first up to but not including the second."""

NEGATIONS = frozenset({"no", "not", "never", "without", "zero", "sin", "ni", "nunca", "jamas", "ningun", "ninguna"})
"""What takes a term back when it stands right before it: "no injuries", "sin heridos"."""

_BETWEEN = frozenset({"a", "an", "any", "the", "more", "un", "una", "hay", "hubo", "habia", "haya", "es", "era", "fue"})
"""What may stand between such a word and the term."""

# A letter or digit and what follows it, with the marks and invisible characters within. Names after an @ are none.
_WORD = re.compile(r"(?<![@\w])[^\W_](?:[^\W_]|[\u0300-\u036f\u00ad\u200b-\u200d\u2060]|['’](?=[^\W_]))*")
_TAG = re.compile(r"#(\w+)")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Term:
    """A word or several in a row. `words` are folded; `open` says of each whether it may go on."""

    written: str
    words: tuple[str, ...]
    open: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A term and where it stands in the text."""

    term: str
    span: Span


def term(written: str) -> Term:
    """A term as people write it. Raises ValueError, in words, for one without letters, or a * that leaves nearly
    everything open."""
    chunks = [(chunk.rstrip("*"), chunk.endswith("*")) for chunk in written.split()]
    words: list[str] = []
    may_go_on: list[bool] = []
    for chunk, goes_on in chunks:
        found = [word for word, _ in words_of(chunk)]
        words += found
        may_go_on += [False] * len(found)
        if goes_on and found:
            if len(found[-1]) < _FEWEST_LETTERS:
                raise ValueError(f"{written!r} would match nearly every text: write more letters before the *")
            may_go_on[-1] = True
    if not words:
        raise ValueError(f"{written!r} holds no letter or digit to look for")
    return Term(written, tuple(words), tuple(may_go_on))


_FEWEST_LETTERS = 3


class WordList:
    """Terms to be found in any number of texts. Safe to share between threads."""

    def __init__(self, terms: Iterable[str]) -> None:
        """Raises ValueError as `term` does."""
        self._by_word: dict[str, list[Term]] = {}
        self._by_start: dict[str, list[Term]] = {}
        self._joined: list[tuple[str, Term]] = []
        for written in terms:
            one = term(written)
            if one.open[0]:
                self._by_start.setdefault(one.words[0][:_FEWEST_LETTERS], []).append(one)
            else:
                self._by_word.setdefault(one.words[0], []).append(one)
            if not any(one.open[:-1]):
                self._joined.append(("".join(one.words), one))

    def hits(self, text: str, but: Sequence[Span] = ()) -> list[Hit]:
        """Every term that stands in the text and is not taken back right before, by place. Nothing that overlaps with
        `but`, the places of what is itself called so, counts."""
        words = list(words_of(text))
        found = [hit for at in range(len(words)) for hit in self._at(words, at) if not _negated(words, at)]
        for tag in _TAG.finditer(text):
            said = fold(tag.group(1))
            found += [
                Hit(one.written, tag.span(1))
                for joined, one in self._joined
                if said == joined or (one.open[-1] and said.startswith(joined))
            ]
        apart = (hit for hit in found if not any(hit.span[0] < end and start < hit.span[1] for start, end in but))
        return sorted(set(apart), key=lambda hit: (hit.span, hit.term))

    def _at(self, words: Sequence[tuple[str, Span]], at: int) -> Iterator[Hit]:
        word = words[at][0]
        for one in (*self._by_word.get(word, ()), *self._by_start.get(word[:_FEWEST_LETTERS], ())):
            there = words[at : at + len(one.words)]
            if len(there) == len(one.words) and all(
                said == wanted or (goes_on and said.startswith(wanted))
                for (said, _), wanted, goes_on in zip(there, one.words, one.open, strict=True)
            ):
                yield Hit(one.written, (there[0][1][0], there[-1][1][1]))


def words_of(text: str) -> Iterator[tuple[str, Span]]:
    """The folded words of a text with their places; the words that a hashtag joins by capitals one by one."""
    tags = {found.start(1) for found in _TAG.finditer(text)}
    for found in _WORD.finditer(text):
        start, end = found.span()
        if start not in tags or not _HUMP.search(found.group()):
            yield fold(found.group()), (start, end)
            continue
        at = start
        for part in _HUMP.split(found.group()):
            yield fold(part), (at, at + len(part))
            at += len(part)


def fold(word: str) -> str:
    """A word without case, accents, full-width forms, apostrophes and what cannot be seen in it."""
    apart = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in apart if char.isalnum())


def _negated(words: Sequence[tuple[str, Span]], at: int) -> bool:
    before = at - 1
    if before >= 0 and words[before][0] in _BETWEEN:
        before -= 1
    return before >= 0 and words[before][0] in NEGATIONS


@lru_cache(maxsize=256)
def word_list(terms: tuple[str, ...]) -> WordList:
    """A list made once, however many mentions are held against it. Raises ValueError as `term` does."""
    return WordList(terms)


def languages_for(lang: str | None, lists: Mapping[str, object]) -> list[str]:
    """Of the languages that there are lists in the one of a text; all of them where it is another or unknown: who took
    Spanish for Portuguese should not miss a fire."""
    own = (lang or "").lower().split("-")[0]
    return [own] if own in lists else sorted(lists)
