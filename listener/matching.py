"""Which brands an item is about, and what a platform may be asked for so that none of it is missed."""

from collections.abc import Sequence

from listener.items import Item
from listener.query import Query, parse, prepare
from listener.query.tree import Or
from listener.store.intake import Matched
from listener.store.tables import Brand


class Matcher:
    """Says which brands an item is about."""

    def __init__(self, brands: Sequence[Brand], *, about_brands: bool) -> None:
        self._queries = {brand.id: parse(brand.query) for brand in brands if brand.id is not None}
        self._by_name = {brand.name.casefold(): brand.id for brand in brands if brand.id is not None}
        self._about_brands = about_brands

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
        text = prepare(item.full_text)
        if item.target is not None:
            named = self._by_name.get(item.target.strip().casefold())
            brands = {} if named is None else {named: self._queries[named].match(text) or ()}
        else:
            # A match may have no place at all: `lang:es`, or nothing but a NOT.
            found = ((brand_id, query.match(text)) for brand_id, query in self._queries.items())
            brands = {brand_id: spans for brand_id, spans in found if spans is not None}
            if self._about_brands:
                brands = {brand_id: brands.get(brand_id, ()) for brand_id in self._queries}
        return Matched(item, brands) if brands else None
