"""What a platform would find for a search: its documented syntax, read afresh, over a text cut into words.

A platform searches more than the text that it hands out, and where it is not said how it takes a word it is taken for
the worse: to find, the very word must stand in the text; to leave out, a likeness is enough, anywhere. Knows nothing of
how searches are written here. What the platform would refuse or misread raises AssertionError.
"""

import re
from dataclasses import dataclass

from listener.query.dialects import Dialect
from listener.query.folding import fold
from listener.query.text import is_punctuation, prepare

_LEXEME = re.compile(r'near(\d+):"([^"]*)"|(-?)"([^"]+)"|([()|])|([^\s()"|]+)')
_LOOK_FURTHER = ("reddit", "mastodon", "bluesky", "hackernews", "youtube", "gdelt")
"""Author and subreddit; polls, descriptions of pictures and the tags of other servers; descriptions; url and author;
what is like the words; the whole article."""
_LIKENESS = ("hackernews", "mastodon", "youtube")
"""Words that begin alike, or have the same stem, will do."""


@dataclass(frozen=True)
class Post:
    """A text and what the platform knows of it. ``unseen``: what it searches besides and does not hand out as text."""

    text: str
    lang: str | None
    author: str | None
    unseen: str = ""


def words_of(text: str) -> list[str]:
    """A text as a platform indexes it: words and emoji, folded, punctuation left out."""
    return [token for token in prepare(text).tokens if not is_punctuation(token)]


class Search:
    """One search in a platform's syntax."""

    def __init__(self, dialect: Dialect, search: str) -> None:
        assert 0 < dialect.length(search) <= dialect.max_length, search
        self.dialect = dialect
        self.lexemes = [match.group() for match in _LEXEME.finditer(search)]
        assert "".join(self.lexemes) == search.replace(" ", "").replace("\x00", "") or '"' in search, search
        assert search.count('"') % 2 == 0, search

    def finds(self, post: Post) -> bool:
        """True where the platform would show the post for this search."""
        self.at = 0
        self.post = post
        self.words = words_of(post.text)
        self.unseen = words_of(post.unseen) if self.dialect.name in _LOOK_FURTHER else []
        self.likeness = self.dialect.name in _LIKENESS
        self.leaving_out = False
        found = self._or(0)
        assert self.at == len(self.lexemes), self.lexemes
        return found

    def _next(self) -> str:
        return self.lexemes[self.at] if self.at < len(self.lexemes) else ""

    def _is_or(self) -> bool:
        return self._next() == self.dialect.one_of.strip() and self.dialect.either != "none"

    def _or(self, depth: int) -> bool:
        found = self._and(depth)
        while self._is_or():
            if self.dialect.either == "flat":
                assert depth == 1, "GDELT takes OR within parentheses only"
            self.at += 1
            found = self._and(depth) or found
        return found

    def _and(self, depth: int) -> bool:
        results = [self._one(depth)]
        while self._next() not in ("", ")") and not self._is_or():
            if self.dialect.both.strip():
                assert self._next() == "AND", self.lexemes
                self.at += 1
            assert not (self.dialect.either == "flat" and depth), "GDELT takes only OR within parentheses"
            assert self.dialect.either != "alone" or "|" not in self.lexemes, "| and other words are not mixed"
            results.append(self._one(depth))
        return all(results)

    def _one(self, depth: int) -> bool:
        lexeme = self._next()
        self.at += 1
        assert lexeme not in ("", ")", "AND", "OR", "|"), self.lexemes
        if lexeme == "NOT":
            assert self.dialect.name == "reddit"
            self.leaving_out = True
            found = self._one(depth)
            self.leaving_out = False
            return not found
        if lexeme == "(":
            assert self.dialect.either in ("nested", "flat"), self.dialect.name
            assert not (depth and self.dialect.either == "flat")
            found = self._or(depth + 1)
            assert self._next() == ")"
            self.at += 1
            return found
        if lexeme[0] == "-":
            assert self.dialect.minus == "-{}", lexeme
            self.leaving_out = True
            found = self._holds(lexeme[1:])
            self.leaving_out = False
            return not found
        return self._holds(lexeme)

    def _holds(self, lexeme: str) -> bool:
        if near := re.fullmatch(r'near(\d+):"(\S+) (\S+)"', lexeme):
            assert self.dialect.name == "gdelt"
            assert min(len(near[2]), len(near[3])) >= 5
            places = [
                [at for at, word in enumerate(self.words) if word == fold(wanted)] for wanted in near.groups()[1:]
            ]
            # "The order of words matters": the other way round they count as one further apart.
            apart = [other - one if other > one else one - other + 1 for one in places[0] for other in places[1]]
            return any(words <= int(near[1]) for words in apart)
        if lexeme[0] == '"':
            return self._phrase(lexeme.strip('"'))
        name, colon, value = lexeme.partition(":")
        if colon:
            return self._field(name + ":", value)
        if lexeme[0] in "#@":
            assert self.dialect.name in (("x", "mastodon", "bluesky") if lexeme[0] == "#" else ("x", "bluesky")), lexeme
            return self._tag(lexeme)
        assert lexeme.isalnum(), f"{lexeme} needs quotes"
        return self._phrase(lexeme)

    def _phrase(self, phrase: str) -> bool:
        wanted = words_of(phrase)
        assert wanted, phrase
        assert self.dialect.name != "gdelt" or len(phrase) > 2 or not phrase.isascii()
        if not self.leaving_out:
            return any(self.words[at : at + len(wanted)] == wanted for at in range(len(self.words)))
        return any(self._stands(wanted, words) for words in (self.words, self.unseen))

    def _stands(self, wanted: list[str], words: list[str]) -> bool:
        spread = (words[at : at + len(wanted)] for at in range(len(words) - len(wanted) + 1))
        if self.likeness:
            return any(all(map(str.startswith, there, wanted)) for there in spread)
        return any(there == wanted for there in spread)

    def _tag(self, tag: str) -> bool:
        name = r"[\w.]+" if self.dialect.name == "bluesky" and tag[0] == "@" else r"\w+"
        text = self.post.text
        if self.leaving_out and self.dialect.name in _LOOK_FURTHER:
            text = f"{text} {self.post.unseen}"
        shown = re.findall(rf"(?<![\w&]){tag[0]}({name})", fold(text))
        return fold(tag[1:]) in [one.rstrip(".") for one in shown]

    def _field(self, operator: str, value: str) -> bool:
        author = {"x": "from:", "reddit": "author:", "mastodon": "from:", "bluesky": "from:"}.get(self.dialect.name)
        lang = {"x": "lang:", "mastodon": "language:", "bluesky": "lang:", "gdelt": "sourcelang:"}.get(
            self.dialect.name
        )
        if operator == author:
            return fold(self.post.author or "").lstrip("@") == fold(value)
        assert operator == lang, operator
        code = {"spanish": "es", "english": "en"}.get(value, value)
        return (self.post.lang or "").split("-")[0] == code
