"""The boolean query language: what counts as a mention, and where in the text it stands.

Terms, "phrases", AND OR NOT (capitals; terms side by side mean AND; ``-term`` means NOT) and parentheses. Case and
accents do not matter, on neither side. ``brand`` also finds ``#brand`` and ``@brand``; ``#brand`` finds the hashtag
only. Punctuation inside a term that makes the name (``Yahoo!``, ``H&M``, ``C++``) must stand in the text; hyphens,
apostrophes and full stops need not (``Coca-Cola`` finds "Coca Cola").
"""

from listener.query.parser import parse
from listener.query.text import MatchText, Span, prepare
from listener.query.tree import Query, QueryError

__all__ = ["MatchText", "Query", "QueryError", "Span", "parse", "prepare"]
