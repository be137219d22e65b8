"""The words of a query: operators, and terms, tags and fields as they are written, each with its column."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from listener.query.folding import fold
from listener.query.terms import FEWEST_LETTERS, Atom, Field, FieldName, Tag, Term, letters, pieces
from listener.query.text import HANDLE_NAME, TAG_NAME, name_of

MOST_WORDS_APART = 100
"""For NEAR: two words further apart have little to do with each other."""


class QueryError(ValueError):
    """The query cannot be read. The message begins with the column (1-based) and says what to do."""

    def __init__(self, problem: str, column: int) -> None:
        super().__init__(f"column {column}: {problem}")
        self.problem = problem
        self.column = column


@dataclass(frozen=True, slots=True)
class Lexeme:
    """One word of a query. ``kind``: "(", ")", "AND", "OR", "NOT", "NEAR", "atom" or "end"."""

    kind: str
    text: str
    column: int
    atom: Atom | None = None
    distance: int = 0
    bare: bool = False
    """True for a word as it stands, without quotes or signs."""


_FIELDS: dict[str, FieldName] = {"lang": "lang", "source": "source", "author": "author", "from": "author"}
_WORD = re.compile(
    r'\s*(?:(?P<open>\()|(?P<close>\))|(?P<mark>=|(?i:lang|source|author|from):)?"(?P<phrase>[^"]*)(?P<ended>"?)'
    r'|(?P<word>[^\s()"]+))'
)
# What word processors and other languages make of a quote, and what Asian keyboards make of # and @.
_STRAIGHT = str.maketrans(dict.fromkeys("“”„‟«»‹›＂", '"') | {"＃": "#", "＠": "@", "\x00": " "})
_FIELD = re.compile(r"(?i)(lang|source|author|from):(.*)")
_FOREIGN = re.compile(r"(?i)(to|has|is|url|site|domain|subreddit|language|filter|since|until|title|intitle|inurl):\w.*")
_NEAR = re.compile(r"NEAR(?:/([0-9]{1,9}))?")
_LANG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")


def lexemes(query: str) -> Iterator[Lexeme]:
    """The words, and "end" as the last. Raises QueryError."""
    straight = query.translate(_STRAIGHT)
    position = 0
    while match := _WORD.match(straight, position):
        position = match.end()
        if match["open"] or match["close"]:
            yield Lexeme(match["open"] or match["close"], match["open"] or match["close"], position)
        elif match["word"]:
            start = match.start("word")
            lexeme = _word(match["word"], start + 1, follows=straight[position : position + 1])
            # A minus is a word of its own, what it stands before the next.
            position = start + 1 if lexeme.text == "-" else position
            yield lexeme
        else:
            column = match.start("phrase") - len(match["mark"] or "")
            if not match["ended"]:
                raise QueryError('this quote is never closed: write "…" around the phrase', match.start("phrase"))
            yield _phrase(match["mark"] or "", " ".join(match["phrase"].split()), column)
    yield Lexeme("end", "", len(query) + 1)


def _phrase(mark: str, phrase: str, column: int) -> Lexeme:
    if mark in ("", "="):
        return _term(Term(phrase, cased=mark == "="), column)
    return _field(mark[:-1], phrase, column)


def _word(word: str, column: int, follows: str) -> Lexeme:
    """One bare word, or the minus before it."""
    if word[0] == "-":
        if word == "-" and follows not in ("(", '"'):
            raise QueryError("a - alone: write it directly before the term to leave out, as in -jobs", column)
        return Lexeme("NOT", "-", column)
    if word in ("AND", "OR", "NOT"):
        return Lexeme(word, word, column)
    if near := _NEAR.fullmatch(word):
        return _near(near, column)
    if field := _FIELD.fullmatch(word):
        return _field(field[1], field[2], column)
    if _FOREIGN.fullmatch(word):
        name = word.partition(":")[0]
        raise QueryError(
            f'there is no {name}: here, only lang:, source: and author:; quotes look for the words: "{word}"',
            column,
        )
    return _marked(word, column)


def _near(near: re.Match[str], column: int) -> Lexeme:
    distance = int(near[1] or 0)
    if not 1 <= distance <= MOST_WORDS_APART:
        raise QueryError(
            f"NEAR needs a number of words from 1 to {MOST_WORDS_APART}, as in Delta NEAR/5 flight; to look for the "
            'word itself write "NEAR" in quotes',
            column,
        )
    return Lexeme("NEAR", near.group(), column, distance=distance)


def _field(written: str, value: str, column: int) -> Lexeme:
    name = _FIELDS[written.lower()]
    if name == "lang":
        value = value.lower().replace("_", "-")
        if not _LANG.fullmatch(value):
            raise QueryError("lang: takes the code of a language, as in lang:es", column)
    elif not name_of(value):
        raise QueryError(
            f"{written.lower()}: needs a name directly after it, as in author:iberia or source:reddit", column
        )
    else:
        value = value.strip().lstrip("@").strip()
    return Lexeme("atom", f"{written}:{value}", column, Field(name, value))


def _marked(word: str, column: int) -> Lexeme:
    """A bare word with what marks it: = before it, # or @, * or ~ after it."""
    cased = word[0] == "=" and len(word) > 1 and word[1] != "="
    bare = word[1:] if cased else word
    if word == "=":
        raise QueryError("a = alone: write it directly before the word or phrase, as in =Delta", column)
    if bare[-1] == "~" and cased:
        raise QueryError(f'"{word}": = and ~ do not go together; case never counts in verbs', column)
    if bare[-1] == "~":
        return _verb(bare, column)
    if "*" in bare:
        _check_star(bare, column)
    if bare[0] in "#@":
        return _tag(bare, column, cased=cased)
    return replace(_term(Term(bare, cased=cased), column), bare=not cased)


def _verb(word: str, column: int) -> Lexeme:
    verb = word[:-1]
    if not (fold(verb).isascii() and fold(verb).isalpha() and len(fold(verb)) > 1):
        raise QueryError(
            f'"{word}": ~ stands after one Spanish verb form, as in devolver~, which also finds devolverme and others',
            column,
        )
    return _term(Term(verb, verb=True), column)


def _check_star(word: str, column: int) -> None:
    begin = word.rstrip("*")
    if "*" in begin or len(word) - len(begin) > 1:
        raise QueryError(
            f'"{word}": one * may stand at the end of a word, as in airlin*; to look for a * itself put it in quotes',
            column,
        )
    if letters(begin) < FEWEST_LETTERS or not begin[-1].isalnum():
        raise QueryError(f'"{word}": a * needs at least {FEWEST_LETTERS} letters before it, as in airlin*', column)


def _tag(word: str, column: int, *, cased: bool) -> Lexeme:
    if cased:
        raise QueryError(f'"{word}": = goes with words and phrases; case never counts in hashtags and mentions', column)
    name = word[1:].rstrip(".,;:!?*")
    if not re.fullmatch(TAG_NAME if word[0] == "#" else HANDLE_NAME, name):
        return _term(Term(word), column)
    return Lexeme("atom", word, column, Tag(word[0], name, open=word[-1] == "*"))


def _term(term: Term, column: int) -> Lexeme:
    if not pieces(term.written):
        raise QueryError(f'"{term.written}" has no letter, digit or emoji to look for: add a word or remove it', column)
    if term.cased and any(piece.prefix for piece in term.pieces[:-1]):
        raise QueryError(f'"{term.written}": after = a * may stand at the end only', column)
    return Lexeme("atom", str(term), column, term)
