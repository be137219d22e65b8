"""What the faces show."""

from datetime import timedelta

from alerts.channel import Receipt
from listener.store import channels, inbox, outcomes, read
from tests.conftest import NOON
from tests.listener.conftest import Site
from tests.listener.store.conftest import claim

CHANNELS = ("log", "slack")
PATIENCE = timedelta(minutes=10)


def ids(site: Site, **filters: object) -> list[int]:
    with site.store.reading() as session:
        return [row["id"] for row in read.mentions(session, **filters)]


def test_totals_count_pairs_labels_alerts_and_what_was_sent(busy: Site) -> None:
    taken = claim(busy)
    with busy.store.transaction() as session:
        outcomes.sent(session, taken, busy.clock(), Receipt("ok"))

    with busy.store.reading() as session:
        assert read.totals(session) == read.Totals(
            mentions=4, scored=2, promoters=1, passives=0, detractors=1, alerts=2, delivered=1
        )


def test_an_empty_store_counts_nothing(site: Site) -> None:
    with site.store.reading() as session:
        assert read.totals(session) == read.Totals(0, 0, 0, 0, 0, 0, 0)
        assert read.pending(session, CHANNELS, site.clock()).nothing
        assert read.mentions(session) == []
        assert inbox.listed(session) == []


def test_pending_counts_what_each_stage_has_left(busy: Site) -> None:
    busy.score({3: "passive"})
    with busy.store.reading() as session:
        pending = read.pending(session, CHANNELS, busy.clock())

    assert pending == read.Pending(unscored=1, unjudged=1, undecided=0, undelivered=1)
    assert not pending.nothing


def test_pending_leaves_out_channels_that_are_off_or_not_here(busy: Site) -> None:
    claim(busy)
    with busy.store.reading() as session:
        assert read.pending(session, ("slack",), busy.clock()).undelivered == 0
    with busy.store.transaction() as session:
        channels.disable(session, "log", busy.clock(), "no_service")
    with busy.store.reading() as session:
        assert read.pending(session, CHANNELS, busy.clock()).undelivered == 0


def test_mentions_come_with_their_scores_the_latest_first(busy: Site) -> None:
    with busy.store.reading() as session:
        *unscored, promoter, detractor = read.mentions(session)

    assert [row["label"] for row in unscored] == [None, None]
    assert (promoter["brand"], promoter["label"], promoter["source"]) == ("Nubia", "promoter", "x")
    assert (detractor["text"], detractor["verdict"]) == ("Aeroluz lost my bag", "opened_incident")
    assert (detractor["stance"]["-2"], detractor["model"], detractor["lang"]) == (0.9, "words", "en")


def test_mentions_can_be_filtered_and_paged(busy: Site) -> None:
    assert ids(busy) == [4, 3, 2, 1]
    assert ids(busy, brand="Nubia") == [4, 2]
    assert ids(busy, label="detractor") == [1]
    assert ids(busy, source="x") == [2]
    assert ids(busy, alert_id=1) == [1]
    assert ids(busy, limit=2) == [4, 3]
    assert ids(busy, limit=2, before=3) == [2, 1]


def test_a_mention_scored_twice_shows_the_latest_score_once(busy: Site) -> None:
    busy.score({1: "promoter"}, model="better")

    with busy.store.reading() as session:
        (row,) = read.mentions(session, alert_id=1)
    assert (row["label"], row["model"]) == ("promoter", "better")


def test_alerts_come_with_deliveries_and_every_attempt(busy: Site) -> None:
    claim(busy)
    busy.clock.advance(seconds=60)
    taken = claim(busy)
    with busy.store.transaction() as session:
        outcomes.sent(session, taken, busy.clock(), Receipt("ok"))

    with busy.store.reading() as session:
        (alert,) = inbox.listed(session, inbox.Wanted(brand="Aeroluz"))
        assert inbox.listed(session, inbox.Wanted(brand="Nobody")) == inbox.listed(session, before=1) == []

    (delivery,) = alert["deliveries"]
    assert (alert["brand"], alert["count"], alert["opened_at"]) == ("Aeroluz", 1, NOON)
    assert (delivery["channel"], delivery["state"], delivery["ambiguous"]) == ("log", "sent", True)
    assert [(entry["number"], entry["outcome"]) for entry in delivery["log"]] == [
        (1, "lease_expired"),
        (2, "sent_ambiguous"),
    ]
