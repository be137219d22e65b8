"""Reading a query: characters to words, words to a tree, and errors that say where and what to do."""

import re
from dataclasses import dataclass

from listener.query.tree import And, Node, Not, Or, Query, QueryError, Term, pieces

MAX_CHARACTERS = 10_000
MAX_TERMS = 500
MAX_DEPTH = 50
"""Parentheses within parentheses. Far above what a person writes, far below what Python's stack stands."""

_WORD = re.compile(r'\s*(?:(?P<open>\()|(?P<close>\))|"(?P<phrase>[^"]*)(?P<ended>"?)|(?P<word>[^\s()"]+))')
_STRAIGHT = str.maketrans({"“": '"', "”": '"', "„": '"', "\x00": " "})  # what word processors make of a quote


@dataclass(frozen=True, slots=True)
class _Lexeme:
    kind: str  # "(", ")", "AND", "OR", "NOT", "term" or "end"
    text: str
    column: int


def _lexemes(text: str) -> list[_Lexeme]:
    found: list[_Lexeme] = []
    straight = text.translate(_STRAIGHT)
    position = 0
    while match := _WORD.match(straight, position):
        position = match.end()
        kind = match.lastgroup
        if kind == "open":
            found.append(_Lexeme("(", "(", match.start("open") + 1))
        elif kind == "close":
            found.append(_Lexeme(")", ")", match.start("close") + 1))
        elif kind == "word":
            position = _word(found, match["word"], match.start("word"), follows=straight[position : position + 1])
        else:
            column = match.start("phrase")
            if not match["ended"]:
                raise QueryError('this quote is never closed: write "…" around the phrase', column)
            found.append(_Lexeme("term", " ".join(match["phrase"].split()), column))
    found.append(_Lexeme("end", "", len(text) + 1))
    return found


def _word(found: list[_Lexeme], word: str, start: int, *, follows: str) -> int:
    """Add one bare word, or the minus before it; says where reading goes on."""
    if word == "-" and follows not in ("(", '"'):
        raise QueryError("a - alone: write it directly before the term to leave out, as in -jobs", start + 1)
    if word in ("AND", "OR", "NOT"):
        found.append(_Lexeme(word, word, start + 1))
    elif word[0] == "-":
        found.append(_Lexeme("NOT", "-", start + 1))
        return start + 1
    else:
        found.append(_Lexeme("term", word, start + 1))
    return start + len(word)


class _Parser:
    """Recursive descent: OR binds loosest, then AND (written or not), then NOT."""

    def __init__(self, lexemes: list[_Lexeme]) -> None:
        self._lexemes = lexemes
        self._at = 0
        self._terms = 0

    @property
    def _next(self) -> _Lexeme:
        return self._lexemes[self._at]

    def _take(self) -> _Lexeme:
        lexeme = self._next
        self._at += 1
        return lexeme

    def whole(self) -> Node:
        node = self._or(0)
        if self._next.kind == ")":
            raise QueryError("this ) closes nothing: remove it or open a ( before it", self._next.column)
        return node

    def _or(self, depth: int) -> Node:
        parts = [self._and(depth)]
        while self._next.kind == "OR":
            self._take()
            parts.append(self._and(depth))
        return parts[0] if len(parts) == 1 else Or(_flat(parts, Or))

    def _and(self, depth: int) -> Node:
        parts = [self._not(depth)]
        while self._next.kind in ("AND", "NOT", "term", "("):
            if self._next.kind == "AND":
                self._take()
            parts.append(self._not(depth))
        return parts[0] if len(parts) == 1 else And(_flat(parts, And))

    def _not(self, depth: int) -> Node:
        negative = False
        while self._next.kind == "NOT":
            self._take()
            negative = not negative
        part = self._primary(depth)
        if not negative:
            return part
        return part.part if isinstance(part, Not) else Not(part)

    def _primary(self, depth: int) -> Node:
        lexeme = self._take()
        if lexeme.kind == "(":
            return self._group(lexeme, depth + 1)
        if lexeme.kind != "term":
            raise QueryError(self._expected(lexeme), lexeme.column)
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise QueryError(f"more than {MAX_TERMS} terms: split this into several queries", lexeme.column)
        if not pieces(lexeme.text):
            raise QueryError(
                f'"{lexeme.text}" has no letter, digit or emoji to look for: add a word or remove it', lexeme.column
            )
        return Term(lexeme.text)

    def _group(self, opened: _Lexeme, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise QueryError(f"parentheses more than {MAX_DEPTH} deep: simplify the query", opened.column)
        if self._next.kind == ")":
            raise QueryError("nothing between these parentheses: add a term or remove them", opened.column)
        node = self._or(depth)
        if self._next.kind != ")":
            raise QueryError("this ( is never closed: add a ) where the group ends", opened.column)
        self._take()
        return node

    def _expected(self, lexeme: _Lexeme) -> str:
        before = self._lexemes[self._at - 2] if self._at >= 2 else None
        if lexeme.kind == "end" and before is None:
            return 'the query is empty: write at least one term, such as Iberia or "British Airways"'
        if lexeme.kind == "end" and before is not None:
            return f"a term is missing after {before.text}: add one or remove {before.text}"
        if lexeme.kind == ")":
            return "a term is missing before this ): add one or remove the operator before it"
        return f'{lexeme.kind} needs a term before it; to look for the word itself write "{lexeme.kind}" in quotes'


def _flat(parts: list[Node], kind: type[And] | type[Or]) -> tuple[Node, ...]:
    """(a AND b) AND c is a AND b AND c."""
    return tuple(inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,)))


def parse(text: str) -> Query:
    """Read a query. Raises QueryError, whose message names the column and says what to do."""
    if len(text) > MAX_CHARACTERS:
        raise QueryError(
            f"the query has {len(text)} characters and may have {MAX_CHARACTERS}: split it into several",
            MAX_CHARACTERS + 1,
        )
    query = Query(_Parser(_lexemes(text)).whole())
    if not query.anchors():
        first = len(text) - len(text.lstrip()) + 1
        raise QueryError(
            "this only says what to leave out (or one side of an OR does): add a term to look for, as in Iberia -jobs",
            first,
        )
    return query
