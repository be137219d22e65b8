"""Which brands an item is about, and what a platform may be asked for so that none of it is missed."""

from collections.abc import Sequence

from listener.items import Item
from listener.query import MatchText, Query, QuerySet, parse, prepare
from listener.query.tree import Or
from listener.store.intake import Matched
from listener.store.tables import Brand
from sentiment import language


class Matcher:
    """Says which brands an item is about. ``source``: the name of the source that it comes from."""

    def __init__(self, brands: Sequence[Brand], *, about_brands: bool, source: str = "") -> None:
        self._queries = {brand.id: parse(brand.query) for brand in brands if brand.id is not None}
        self._all = QuerySet(self._queries)
        self._fields = self._all.fields()
        self._by_name = {brand.name.casefold(): brand.id for brand in brands if brand.id is not None}
        self._about_brands = about_brands
        self._source = source

    def query(self) -> Query | None:
        """What a platform may be asked for: all brands' queries together; None = there is no brand."""
        queries = list(self._queries.values())
        if len(queries) < 2:
            return queries[0] if queries else None
        # Not written and parsed again: each query keeps to the parser's limits, all of them together need not.
        return Query(Or(tuple(query.root for query in queries)))

    def match(self, item: Item) -> Matched | None:
        """The brands of an item, or None. A brand that the item itself names goes before what its words say."""
        # Cut into words once, however many queries it is held against.
        text = self._prepared(item)
        if item.target is not None:
            named = self._by_name.get(item.target.strip().casefold())
            brands = {} if named is None else {named: self._queries[named].match(text) or ()}
        else:
            brands = self._all.match(text)
            if self._about_brands:
                brands = {brand_id: brands.get(brand_id, ()) for brand_id in self._queries}
        return Matched(item, brands) if brands else None

    def _prepared(self, item: Item) -> MatchText:
        text = item.full_text
        if not self._fields:
            return prepare(text)
        author = item.author
        names = [name for name in (author.handle, author.name, author.native_id) if name] if author else []
        return prepare(text, lang=self._lang(item), source=[item.kind, self._source], author=names)

    def _lang(self, item: Item) -> str | None:
        """Its language. Where no query asks, nobody goes to the trouble of finding out."""
        if item.lang or "lang" not in self._fields:
            return item.lang
        found = language.identify(item.full_text)
        return None if found == language.UNKNOWN else found
