"""Many queries at once: an index over what each of them requires, so that a text meets only those it may match."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Generic, TypeVar

from listener.query.terms import FEWEST_LETTERS, FieldName
from listener.query.text import MatchText, Span, prepare
from listener.query.tree import Query

K = TypeVar("K")


class QuerySet(Generic[K]):
    """Queries by key, made once and asked for every text."""

    def __init__(self, queries: Mapping[K, Query]) -> None:
        self._queries = list(queries.items())
        self._by_word: defaultdict[str, set[int]] = defaultdict(set)
        self._by_author: defaultdict[str, set[int]] = defaultdict(set)
        # Words that begin like this, by their first letters: no beginning is shorter than these.
        self._by_start: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        asked = [(number, atom.keys) for number, (_, query) in enumerate(self._queries) for atom in query.required]
        # Of a phrase one word will do. One that few queries have is a name; "service" stands in everybody's.
        common = Counter(word for _, keys in asked for word in keys.phrase)
        for number, keys in asked:
            for word in keys.words:
                self._by_word[word].add(number)
            if keys.phrase:
                self._by_word[min(sorted(keys.phrase), key=lambda word: (common[word], -len(word)))].add(number)
            for author in keys.authors:
                self._by_author[author].add(number)
            for prefix in keys.prefixes:
                self._by_start[prefix[:FEWEST_LETTERS]].append((prefix, number))

    def fields(self) -> frozenset[FieldName]:
        """What any of the queries wants to know of a text beside its words: give these to ``prepare``."""
        return frozenset().union(*(query.fields() for _, query in self._queries))

    def match(self, text: str | MatchText) -> dict[K, tuple[Span, ...]]:
        """The queries that match, in the order they were given, with the places that ``Query.match`` gives."""
        prepared = text if isinstance(text, MatchText) else prepare(text)
        possible: set[int] = set()
        for word in self._by_word.keys() & prepared.vocabulary:
            possible |= self._by_word[word]
        for author in prepared.authors & self._by_author.keys():
            possible |= self._by_author[author]
        if self._by_start:
            for word in prepared.vocabulary:
                for prefix, number in self._by_start.get(word[:FEWEST_LETTERS], ()):
                    if word.startswith(prefix):
                        possible.add(number)
        found: dict[K, tuple[Span, ...]] = {}
        for number in sorted(possible):
            key, query = self._queries[number]
            if (places := query.places(prepared)) is not None:
                found[key] = places
        return found
