"""Reading a query: words to a tree, and errors that say where and what to do."""

from listener.query.lexer import Lexeme, QueryError, lexemes
from listener.query.terms import Tag, Term
from listener.query.tree import And, Near, Node, Not, Or, Query

MAX_CHARACTERS = 10_000
MAX_TERMS = 500
MAX_DEPTH = 50
"""Parentheses within parentheses. Far above what a person writes, far below what Python's stack stands."""


class _Parser:
    """Recursive descent: OR binds loosest, then AND (written or not), then NOT, then NEAR."""

    def __init__(self, words: list[Lexeme]) -> None:
        self._lexemes = words
        self._at = 0
        self._terms = 0

    @property
    def _next(self) -> Lexeme:
        return self._lexemes[self._at]

    def _take(self) -> Lexeme:
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
        while self._next.kind in ("AND", "NOT", "atom", "("):
            if self._next.kind == "AND":
                self._take()
            parts.append(self._not(depth))
        return parts[0] if len(parts) == 1 else And(_flat(parts, And))

    def _not(self, depth: int) -> Node:
        negative = False
        while self._next.kind == "NOT":
            self._take()
            negative = not negative
        part = self._near(depth)
        if not negative:
            return part
        return part.part if isinstance(part, Not) else Not(part)

    def _near(self, depth: int) -> Node:
        left = self._primary(depth)
        if self._next.kind != "NEAR":
            return left
        near = self._take()
        right = self._primary(depth)
        if not (_has_place(left) and _has_place(right)):
            raise QueryError(
                f"{near.text} stands between words, phrases, tags or groups of these with OR, as in "
                f"Delta {near.text} (flight OR airline)",
                near.column,
            )
        if self._next.kind == "NEAR":
            raise QueryError("a NEAR joins two: write a NEAR/5 b AND b NEAR/5 c for a chain", self._next.column)
        return Near(left, right, near.distance)

    def _primary(self, depth: int) -> Node:
        lexeme = self._take()
        if lexeme.kind == "(":
            return self._group(lexeme, depth + 1)
        if lexeme.atom is None:
            raise QueryError(self._expected(lexeme), lexeme.column)
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise QueryError(f"more than {MAX_TERMS} terms: split this into several queries", lexeme.column)
        return lexeme.atom

    def _group(self, opened: Lexeme, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise QueryError(f"parentheses more than {MAX_DEPTH} deep: simplify the query", opened.column)
        if self._next.kind == ")":
            raise QueryError("nothing between these parentheses: add a term or remove them", opened.column)
        node = self._or(depth)
        if self._next.kind != ")":
            raise QueryError("this ( is never closed: add a ) where the group ends", opened.column)
        self._take()
        return node

    def _expected(self, lexeme: Lexeme) -> str:
        before = self._lexemes[self._at - 2] if self._at >= 2 else None
        if lexeme.kind == "end" and before is None:
            return 'the query is empty: write at least one term, such as Iberia or "British Airways"'
        if lexeme.kind == "end" and before is not None:
            return f"a term is missing after {before.text}: add one or remove {before.text}"
        if lexeme.kind == ")":
            return "a term is missing before this ): add one or remove the operator before it"
        return f'{lexeme.text} needs a term before it; to look for the word itself write "{lexeme.text}" in quotes'


def _has_place(node: Node) -> bool:
    return all(map(_has_place, node.parts)) if isinstance(node, Or) else isinstance(node, Term | Tag)


def _flat(parts: list[Node], kind: type[And] | type[Or]) -> tuple[Node, ...]:
    """(a AND b) AND c is a AND b AND c."""
    return tuple(inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,)))


def parse(text: str) -> Query:
    """Read a query that things are looked for by. Raises QueryError, whose message names the column and says what to
    do."""
    query = parse_filter(text)
    if not query.anchors():
        first = len(text) - len(text.lstrip()) + 1
        raise QueryError(
            "this only says what to leave out, or which language or source (or one side of an OR does): add a term to "
            "look for, as in Iberia -jobs",
            first,
        )
    return query


def parse_filter(text: str) -> Query:
    """Read a query that what was found is held against: ``lang:es`` or ``-jobs`` alone will do; ask
    it by ``places``. Raises QueryError."""
    if len(text) > MAX_CHARACTERS:
        raise QueryError(
            f"the query has {len(text)} characters and may have {MAX_CHARACTERS}: split it into several",
            MAX_CHARACTERS + 1,
        )
    return Query(_Parser(list(lexemes(text))).whole())
