"""The boolean query language: what counts as a mention, and where in the text it stands. For users: docs/query.md.

Terms, "phrases", AND OR NOT (capitals; terms side by side mean AND; ``-term`` means NOT) and parentheses. Case and
accents do not matter, on neither side, but in ``=Delta`` case does. ``brand`` also finds ``#brand``, ``@brand`` and
``#BrandFail``; ``#brand`` finds the hashtag only, ``@brand`` the mention. Punctuation inside a term that makes the name
(``Yahoo!``, ``H&M``, ``C++``) must stand in the text; hyphens, apostrophes and full stops need not (``Coca-Cola`` finds
"Coca Cola"). ``airlin*``, ``a NEAR/5 b``, ``lang:es``, ``source:x``, ``author:iberia``, ``devolver~``.
"""

from listener.query.lexer import QueryError
from listener.query.parser import parse, parse_filter
from listener.query.queryset import QuerySet
from listener.query.text import MatchText, Span, prepare
from listener.query.tree import Query

__all__ = ["MatchText", "Query", "QueryError", "QuerySet", "Span", "parse", "parse_filter", "prepare"]
