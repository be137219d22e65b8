"""Figures are what a count of the rows gives, however they are asked for; what is not counted together is refused."""

from collections import Counter
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from listener.buckets import Every, cut
from listener.store import figures
from listener.store.figures import By, Only, Uncounted, Wanted
from listener.store.tables import Brand, MentionBrand
from tests.conftest import NOON
from tests.listener.conftest import Site, item

SINCE, UNTIL = NOON - timedelta(days=2), NOON + timedelta(days=2)


@pytest.fixture
def said(feed: Site) -> Site:
    """Two brands with mentions of two platforms over some days; one is a copy, one is hidden, one has no stance."""
    feed.brand("Aeroluz", themes={"bags": "bag", "late": "late OR bag"})
    feed.brand("Nubia")
    labels = ["promoter", "passive", "detractor", "detractor", None]
    for number in range(20):
        feed.take(
            item(
                f"{number}",
                f"Aeroluz {'lost my bag' if number % 3 else 'was late'} {number}",
                minute=number * 150 - 1500,
                kind="rss" if number % 4 else "x",
                lang="es" if number % 2 else None,
                reach=number,
            )
        )
    feed.take(item("n", "Nubia is here", minute=5))
    feed.score(
        {pair.id: labels[pair.id % 5] for pair in feed.rows(MentionBrand) if pair.id},
        emotions={"joy": 0.7, "fear": 0.2},
    )
    return feed


def wanted(site: Site, only: Only | None = None, brand: str = "Aeroluz") -> Wanted:
    return Wanted(frozenset([site.id_of(Brand, brand)]), SINCE, UNTIL, only)


def test_parts_are_what_a_count_of_the_rows_gives(said: Site) -> None:
    rows = [row for row in said.rows(MentionBrand) if row.brand_id == 1]
    with said.store.reading() as session:
        found = {by: figures.parts(session, wanted(said), by) for by in By}

    assert {by: parts.whole for by, parts in found.items()} == dict.fromkeys(By, 20) | {By.LABEL: 16}
    assert found[By.LABEL].counts == Counter(row.label for row in rows if row.label)
    assert found[By.LANG].counts == Counter(row.lang for row in rows)
    assert found[By.POLARITY].counts == Counter(row.polarity for row in rows)
    assert found[By.EMOTION].counts == {"joy": 20}
    assert found[By.THEME].counts == Counter(theme for row in rows for theme in row.themes)
    assert found[By.SOURCE].counts == {"rss": 15, "x": 5}


@pytest.mark.parametrize("by", [None, *By])
def test_a_series_adds_up_to_the_parts(said: Site, by: By | None) -> None:
    buckets = cut(SINCE, UNTIL, Every.DAY, ZoneInfo("America/Havana"))
    with said.store.reading() as session:
        series = figures.series(session, wanted(said), by, buckets)
        parts = figures.parts(session, wanted(said), by or By.SOURCE)

    assert sum(series.whole) == parts.whole
    if by is not None:
        assert {value: sum(counts) for value, counts in series.counts.items()} == parts.counts
    assert [len(counts) for counts in series.counts.values()] == [len(buckets.all)] * len(series.counts)


def test_a_mention_stands_in_the_day_of_its_zone(said: Site) -> None:
    buckets = cut(SINCE, UNTIL, Every.DAY, ZoneInfo("Asia/Tokyo"))
    with said.store.reading() as session:
        series = figures.series(session, wanted(said), None, buckets)

    days = Counter(
        (NOON + timedelta(minutes=number * 150 - 1500)).astimezone(ZoneInfo("Asia/Tokyo")).date()
        for number in range(20)
    )
    local = [bucket.since.astimezone(ZoneInfo("Asia/Tokyo")).date() for bucket in buckets.all]
    assert dict(zip(local, series.counts["all"], strict=True)) == {day: days[day] for day in local}


@pytest.mark.parametrize(
    ("only", "by", "counts"),
    [
        (Only(By.LANG, "es"), By.LABEL, {"promoter": 2, "passive": 2, "detractor": 4}),
        (Only(By.SOURCE, "x"), By.LABEL, {"promoter": 1, "passive": 1, "detractor": 2}),
        (Only(By.LABEL, "promoter"), By.SOURCE, {"rss": 3, "x": 1}),
        (Only(By.LABEL, "promoter"), By.THEME, {"bags": 3, "late": 4}),
        (Only(By.THEME, "nobody's"), By.LABEL, {"promoter": 0, "passive": 0, "detractor": 0}),
    ],
)
def test_one_narrowing(said: Site, only: Only, by: By, counts: dict[str, int]) -> None:
    with said.store.reading() as session:
        found = figures.parts(session, wanted(said, only), by)
        total = figures.totals(session, wanted(said, only))

    assert found.counts == counts
    if by is By.LABEL:
        assert (total.promoters, total.passives, total.detractors) == tuple(counts.values())


@pytest.mark.parametrize(("only", "by"), [(By.LANG, By.EMOTION), (By.SOURCE, By.THEME), (By.POLARITY, By.SOURCE)])
def test_what_is_not_counted_together_is_refused(said: Site, only: By, by: By) -> None:
    with (
        said.store.reading() as session,
        pytest.raises(Uncounted, match=f"{min(only, by)} and {max(only, by)} at once"),
    ):
        figures.parts(session, wanted(said, Only(only, "x")), by)


def test_totals_and_an_empty_window(said: Site) -> None:
    with said.store.reading() as session:
        total = figures.totals(session, wanted(said))
        empty = Wanted(frozenset([1]), UNTIL, UNTIL + timedelta(days=1))
        nothing = figures.totals(session, empty), figures.parts(session, empty, By.EMOTION)
        series = figures.series(session, empty, None, cut(empty.since, empty.until, Every.DAY, ZoneInfo("UTC")))

    assert (total.mentions, total.labelled, total.reach) == (20, 16, sum(range(20)))
    assert (nothing[0].mentions, nothing[1].counts, nothing[1].whole) == (0, {}, 0)
    assert (series.counts, series.whole) == ({"all": [0, 0]}, [0, 0])


def test_nobody_sees_what_is_not_theirs(said: Site) -> None:
    nubia = said.id_of(Brand, "Nubia")
    with said.store.reading() as session:
        assert figures.totals(session, Wanted(frozenset(), SINCE, UNTIL)).mentions == 0
        assert [brand.name for brand in figures.brands_of(session, frozenset([nubia]))] == ["Nubia"]
        assert figures.brands_of(session, frozenset([nubia]), ["Aeroluz"]) == []


def test_share_of_voice_is_held_where_all_have_a_voice(said: Site) -> None:
    with said.store.reading() as session:
        found = figures.voice(session, figures.brands_of(session, None), SINCE, UNTIL)
    assert (found.counts, found.kinds, found.left_out) == ({"Aeroluz": 20, "Nubia": 1}, ["rss", "x"], [])

    said.source("their feed", kind="x", brands=["Aeroluz"])
    with said.store.reading() as session:
        found = figures.voice(session, figures.brands_of(session, None), SINCE, UNTIL)
    assert (found.counts, found.kinds, found.left_out) == ({"Aeroluz": 15, "Nubia": 1}, ["rss"], ["x"])


def test_the_window_ends_before_its_end(said: Site) -> None:
    nubia, hour = said.id_of(Brand, "Nubia"), NOON
    with said.store.reading() as session:
        found = [
            figures.totals(
                session, Wanted(frozenset([nubia]), hour + timedelta(hours=by), hour + timedelta(hours=by + 1))
            ).mentions
            for by in (-1, 0, 1)
        ]
    assert found == [0, 1, 0]


def test_platforms_are_those_of_the_brands_that_are_asked_for(said: Site) -> None:
    with said.store.reading() as session:
        assert figures.platforms(session, None) == ["rss", "x"]
        assert figures.platforms(session, frozenset([said.id_of(Brand, "Nubia")])) == [item("n", "").kind]
        assert figures.platforms(session, frozenset()) == []
