"""What the host's tests share: a store with brands and a source, a scorer that reads words, and threads at once."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any, TypeVar

import pytest
from sqlmodel import Session, SQLModel, select

from alerts.notice import for_test
from listener.items import Item
from listener.query import parse
from listener.store import brands, deliveries, intake, scoring
from listener.store.engine import Store
from listener.store.tables import Brand, Mention, MentionBrand, RollupFacet, RollupHour, Source
from sentiment.scorer import Score, Text
from tests.conftest import NOON, Clock

Row = TypeVar("Row", bound=SQLModel)
Result = TypeVar("Result")


def together(*calls: Callable[[], Result]) -> list[Result]:
    """Run all calls at the same moment, each in a thread; their results, or the first error any of them raised."""
    start = Barrier(len(calls))
    results: dict[int, Result] = {}
    errors: list[Exception] = []

    def run(number: int, call: Callable[[], Result]) -> None:
        start.wait()
        try:
            results[number] = call()
        except Exception as error:
            errors.append(error)

    threads = [Thread(target=run, args=pair, daemon=True) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive(), "a thread hangs"
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(calls))]


class BrokenOff(Exception):
    """What ends a transaction in the middle."""


@contextmanager
def broken_off(store: Store) -> Iterator[Session]:
    """A transaction whose process dies just before it is kept."""
    with suppress(BrokenOff), store.transaction() as session:
        yield session
        raise BrokenOff


@contextmanager
def dawdling(store: Store, when: str) -> Iterator[None]:
    """PostgreSQL takes its time at ``when`` ("BEFORE INSERT ON mention FOR EACH ROW"), so that races are certain."""
    create = (
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(0.1); RETURN NEW; END $$; "
        f"CREATE TRIGGER dawdle {when} EXECUTE FUNCTION dawdle()"
    )
    with store.transaction() as session:
        session.connection().exec_driver_sql(create)
    try:
        yield
    finally:
        with store.transaction() as session:
            session.connection().exec_driver_sql("DROP FUNCTION dawdle() CASCADE")


def item(native_id: str, text: str = "Aeroluz lost my bag", *, minute: float = 0, **changes: Any) -> Item:
    """A post about Aeroluz, written ``minute`` minutes after noon."""
    fields: dict[str, Any] = {"kind": "rss", "created_at": NOON + timedelta(minutes=minute)}
    return Item(native_id=native_id, text=text, **{**fields, **changes})


def score_row(pair_id: int, label: str | None = "detractor", *, model: str = "words", **changes: Any) -> dict[str, Any]:
    """A row for ``write_scores``: nearly sure of its label."""
    stance = {"-2": 0.9 * (label == "detractor"), "-1": 0.0, "0": 0.1, "1": 0.0, "2": 0.9 * (label == "promoter")}
    row: dict[str, Any] = {
        "mention_brand_id": pair_id, "model": model, "revision": "1", "label": label, "lang": "en",
        "unsure": False,
        "polarity": {"negative": stance["-2"], "neutral": 0.1, "positive": stance["2"]}, "stance": stance,
        "emotions": None, "irony": None, "offensive": None, "complaint": None, "relevance": None,
    }  # fmt: skip
    return row | changes


class WordScorer:
    """Stands in for a model: "lost" is a detractor's word and "love" a promoter's. Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Text] = []

    def score(self, texts: Sequence[Text], *, progress: Callable[[int], None] | None = None) -> list[Score]:
        self.asked += texts
        return [self._one(text) for text in texts]

    def _one(self, text: Text) -> Score:
        label = "detractor" if "lost" in text.text else "promoter" if "love" in text.text else "passive"
        row = score_row(0, label)
        del row["mention_brand_id"]
        return Score(**row)


class Site:
    """A store, and short ways to fill it and to look into it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock

    def brand(self, name: str = "Aeroluz", **changes: Any) -> int:
        """Save a brand; its id."""
        row = {"name": name, "query": name, "role": "own", "alerting": {}, "channels": None, "active": True}
        with self.store.transaction() as session:
            brands.save_brands(session, [row | changes], self.clock())
        return self.id_of(Brand, name)

    def source(self, name: str = "feed", **changes: Any) -> int:
        """Save a source; its id."""
        row = {"name": name, "kind": "rss", "options": {"url": "https://news.example/feed"}, "active": True}
        with self.store.transaction() as session:
            brands.save_sources(session, [row | changes], self.clock())
        return self.id_of(Source, name)

    def id_of(self, model: type[Brand | Source], name: str) -> int:
        found = next(row.id for row in self.rows(model) if row.name == name)
        assert found is not None
        return found

    def take(self, *items: Item, source: str = "feed") -> intake.Intake:
        """Store a page of items, each about every brand whose query it meets."""
        source_id = self.id_of(Source, source)
        queries = {brand.id: parse(brand.query) for brand in self.rows(Brand)}
        matched = [
            intake.Matched(
                item, {brand: spans for brand, query in queries.items() if (spans := query.match(item.full_text))}
            )
            for item in items
        ]
        with self.store.transaction() as session:
            return intake.take_page(session, source_id, matched, self.clock())

    def score(self, labels: Mapping[int, str | None] | None = None, **changes: Any) -> int:
        """Write scores for pairs: by id, or all that have none, detractors then."""
        if labels is None:
            labels = {pair.id: "detractor" for pair in self.rows(MentionBrand) if pair.scored_at is None}
        rows = [score_row(pair, label, **changes) for pair, label in labels.items()]
        with self.store.transaction() as session:
            return scoring.write_scores(session, rows, self.clock())

    def outbox(self, *keys: str, channel: str = "log") -> None:
        """Put deliveries of test notices."""
        notice = for_test(channel, self.clock()).to_json()
        rows = [
            {"key": key, "alert_id": None, "channel": channel, "kind": "test", "reason": "test", "notice": notice}
            for key in keys
        ]
        with self.store.transaction() as session:
            deliveries.put(session, rows, self.clock())

    def rows(self, model: type[Row]) -> list[Row]:
        """All rows of a table, by key."""
        with self.store.reading() as session:
            return list(session.exec(select(model).order_by(*model.__table__.primary_key)).all())

    def one(self, model: type[Row]) -> Row:
        """The only row of a table."""
        (row,) = self.rows(model)
        return row

    def rollups(self) -> dict[tuple[Any, ...], tuple[int, ...]]:
        """The rollups that count anything: (brand, kind, label, hour) -> (mentions, reach), and how many copies there
        are where there are some."""
        return {
            (row.brand_id, row.kind, row.label, row.hour): (row.mentions, row.reach, *([row.copies] * bool(row.copies)))
            for row in self.rows(RollupHour)
            if row.mentions or row.reach or row.copies
        }

    def recount(self) -> dict[tuple[Any, ...], tuple[int, ...]]:
        """What the rollups must say, counted from the rows themselves. The facets are held against a recount here, so
        that every test of figures is one of theirs too."""
        assert self.facets() == self.recount_facets()
        mentions = {mention.id: mention for mention in self.rows(Mention)}
        counted: dict[tuple[Any, ...], list[int]] = {}
        for pair in self.rows(MentionBrand):
            if pair.scored_at is None or pair.hidden_why is not None or pair.void is not None:
                continue
            mention = mentions[pair.mention_id]
            hour = mention.created_at.replace(minute=0, second=0, microsecond=0)
            numbers = counted.setdefault((pair.brand_id, mention.kind, pair.label or "none", hour), [0, 0, 0])
            numbers[2 if pair.copy_of else 0] += 1
            numbers[1] += mention.reach or 0
        return {key: (many, reach, *([copies] * bool(copies))) for key, (many, reach, copies) in counted.items()}

    def facets(self) -> dict[tuple[Any, ...], int]:
        """The facets that count anything: (brand, facet, value, label, hour) -> mentions."""
        return {
            (row.brand_id, row.facet, row.value, row.label, row.hour): row.mentions
            for row in self.rows(RollupFacet)
            if row.mentions
        }

    def recount_facets(self) -> dict[tuple[Any, ...], int]:
        """What they must say, counted from the rows themselves."""
        said_at = {mention.id: mention.created_at for mention in self.rows(Mention)}
        counted: Counter[tuple[Any, ...]] = Counter()
        for pair in self.rows(MentionBrand):
            if pair.scored_at is None or pair.hidden_why is not None or pair.void is not None or pair.copy_of:
                continue
            hour = said_at[pair.mention_id].replace(minute=0, second=0, microsecond=0)
            values = [("lang", pair.lang), ("polarity", pair.polarity), ("emotion", pair.emotion)]
            values += [("theme", theme) for theme in pair.themes]
            for facet, value in values:
                if value is not None:
                    counted[pair.brand_id, facet, value, pair.label or "none", hour] += 1
        return dict(counted)


@pytest.fixture
def site(store: Store, clock: Clock) -> Site:
    """An empty store on each database in turn, with its helpers."""
    return Site(store, clock)


@pytest.fixture
def feed(site: Site) -> Site:
    """A store with the brand Aeroluz and one source, called feed."""
    site.brand()
    site.source()
    return site


@pytest.fixture
def postgres_feed(postgres_store: Store, clock: Clock) -> Site:
    """The same on PostgreSQL alone, for what only happens there."""
    site = Site(postgres_store, clock)
    site.brand()
    site.source()
    return site


@pytest.fixture
def scorer() -> WordScorer:
    return WordScorer()
