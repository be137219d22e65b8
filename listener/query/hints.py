"""What a query may mean otherwise than its author thinks: said by those who show queries, never a reason to refuse."""

import re

from listener.query.lexer import Lexeme, lexemes
from listener.query.terms import Term

_SMALL = re.compile(r"(?i)and|or|not|near(/[0-9]+)?")


def hints(query: str) -> tuple[str, ...]:
    """A sentence for each operator that is written in small letters, with its column. Raises QueryError."""
    words = list(lexemes(query))
    return tuple(
        f"column {word.column}: {word.atom.written} is looked for as a word; for the operator write "
        f'{_operator(word.atom.written)}, for the word "{word.atom.written}" in quotes.'
        for before, word, after in zip(words, words[1:], words[2:], strict=False)
        if isinstance(word.atom, Term) and word.bare and _SMALL.fullmatch(word.atom.written) and _apart(before, after)
    )


def _operator(written: str) -> str:
    return "NEAR/5" if written.upper() == "NEAR" else written.upper()


def _apart(before: Lexeme, after: Lexeme) -> bool:
    """True between two terms or groups, where an operator may stand."""
    return before.kind in ("atom", ")") and after.kind in ("atom", "(", "NOT")
