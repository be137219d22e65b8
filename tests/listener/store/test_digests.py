"""A digest's figures are counted from what the figures of the house count, in sources that are fair to all brands."""

from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.digest_figures import DeclaredMarks, DigestFigures
from alerts.digest_period import Every, at
from alerts.policy import Policy, Team
from listener.coverage import Stretch
from listener.store import brands, coverage, digests, push
from listener.store.tables import Alert, Brand, Mention, MentionBrand, Source
from tests.listener.conftest import Site, item
from tests.listener.store.conftest import judge_and_decide

HOUR = timedelta(hours=1)
DUE = datetime(2026, 11, 23, 8, tzinfo=UTC)
PERIOD = at(Team(name="care"), Every.DAILY, DUE)


def heard(site: Site, *said: tuple[str, float, str], source: str = "feed", **more: Any) -> None:
    """(text, hours before the digest, label), stored and scored."""
    site.clock.now = DUE
    site.take(
        *(item(f"{source} {text}", text, created_at=DUE - hours * HOUR, **more) for text, hours, _ in said),
        source=source,
    )
    labels = {text: label for text, _, label in said}
    texts = {mention.id: mention.text for mention in site.rows(Mention)}
    unscored = [pair for pair in site.rows(MentionBrand) if pair.scored_at is None]
    site.score({pair.id: labels[texts[pair.mention_id]] for pair in unscored if pair.id is not None})


def figures(site: Site, *names: str) -> DigestFigures:
    with site.store.reading() as session:
        everybody = list(brands.active_brands(session))
        ours = [brand for brand in everybody if brand.name in (names or ("Aeroluz",))]
        return digests.figures(session, ours, everybody, PERIOD, Policy(), DUE)


def listening(site: Site) -> None:
    site.clock.now = DUE - 30 * 24 * HOUR
    site.brand()
    site.brand("Nubia", role="competitor")
    site.source()


def test_the_hour_at_each_end_belongs_to_one_period(site: Site) -> None:
    listening(site)
    heard(site, ("Aeroluz one", 24, "promoter"), ("Aeroluz two", 24.01, "detractor"), ("Aeroluz now", 0, "passive"))

    (found,) = figures(site).brands

    assert (found.counts.mentions, found.counts.promoters) == (1, 1)
    assert found.before is not None
    assert (found.before.mentions, found.before.detractors) == (1, 1)


def test_voices_are_counted_in_the_sources_that_all_are_looked_for_in(site: Site) -> None:
    listening(site)
    site.source("reviews", kind="appstore", options={"app": "1"}, brands=["Aeroluz"], about_brands=True)
    site.source("ours", options={"url": "https://ours.example"}, brands=["Aeroluz"])
    heard(site, ("Aeroluz a", 5, "promoter"), ("Nubia b", 5, "promoter"), ("Nubia c and Aeroluz", 4, "passive"))
    heard(site, ("Aeroluz d", 3, "promoter"), source="reviews", kind="appstore")
    heard(site, ("Aeroluz e", 2, "promoter"), source="ours")

    found = figures(site)

    assert [(one.brand, one.share.part, one.share.whole, one.own) for one in found.voices] == [
        ("Aeroluz", 2, 4, True), ("Nubia", 2, 4, False),
    ]  # fmt: skip
    assert found.brands[0].counts.mentions == 4


def test_alone_nobody_has_a_share_of_voice(site: Site) -> None:
    site.brand()
    site.source()
    heard(site, ("Aeroluz a", 5, "promoter"))

    assert figures(site).voices == []


def test_a_copy_is_counted_apart(site: Site) -> None:
    listening(site)
    long = "Aeroluz lost my bag again, and nobody at the desk at gate twelve could say where it went"
    heard(site, (long, 5, "detractor"))
    heard(site, (f"{long} ", 4, "detractor"), kind="reddit")

    (found,) = figures(site).brands

    assert (found.counts.mentions, found.counts.copies) == (1, 1)


def test_declared_marks_are_those_of_the_brands_own_mentions(site: Site) -> None:
    listening(site)
    heard(site, *((f"Aeroluz {number}", 5, "passive") for number in range(4)), ("Nubia z", 5, "passive"))
    marks = {1: (10.0, 0.0, 10.0), 2: (9.0, 0.0, 10.0), 3: (3.0, 0.0, 10.0), 4: (8.0, 0.0, 10.0), 5: (0.0, 0.0, 10.0)}
    with site.store.transaction() as session:
        push.keep_declared(session, {mention: {"nps": mark} for mention, mark in marks.items()})
        push.keep_declared(session, {1: {"csat": (4.0, 1.0, 5.0)}, 2: {"csat": (3.0, 1.0, 5.0)}})

    assert figures(site).declared == [DeclaredMarks("csat", 2, 0.5, 1, 5), DeclaredMarks("nps", 4, 25.0, 0, 10)]


def test_what_was_not_read_is_told_of_the_brands_sources_alone(site: Site) -> None:
    listening(site)
    mine = site.source("mine", options={"url": "https://a.example"}, every_s=600, brands=["Aeroluz"])
    site.source("theirs", options={"url": "https://b.example"}, every_s=600, brands=["Nubia"])
    with site.store.transaction() as session:
        for name in ("mine", "theirs"):
            source_id = site.id_of(Source, name)
            coverage.mark(session, source_id, listened_from=DUE - 90 * HOUR, covered_to=DUE)
        coverage.cover(session, mine, Stretch(DUE - 90 * HOUR, DUE - 10 * HOUR))
        coverage.cover(session, mine, Stretch(DUE - 8 * HOUR, DUE))

    found = figures(site)

    assert [(one.source, one.missing, one.wanted) for one in found.unread] == [("mine", 2 * HOUR, 24 * HOUR)]
    assert not found.unread_before


def test_a_brand_that_is_new_has_no_period_before(site: Site) -> None:
    listening(site)
    site.clock.now = DUE - 30 * HOUR
    site.brand("Cirro")
    heard(site, ("Cirro a", 5, "promoter"))

    (found,) = figures(site, "Cirro").brands

    assert (found.counts.mentions, found.before) == (1, None)
    assert all(one.before is None for one in figures(site, "Cirro").voices)
    assert {row.name for row in site.rows(Brand)} == {"Aeroluz", "Nubia", "Cirro"}


def test_what_nobody_was_told_of_is_a_number_of_its_own(site: Site) -> None:
    listening(site)
    heard(site, ("Aeroluz lost my bag", 1, "detractor"), ("I love Aeroluz", 1, "promoter"))
    site.clock.now = DUE - HOUR / 2
    judge_and_decide(site)
    assert {row.rule for row in site.rows(Alert)} == {"detractor", "promoter"}
    site.clock.advance(minutes=6)
    judge_and_decide(site)

    found = figures(site).incidents

    # One promoter is no burst.
    assert (found.opened, found.untold, found.open_in_all) == (1, 1, 1)
    assert [one.rule for one in found.open] == ["detractor"]
