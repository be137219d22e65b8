"""What had to go is nowhere: not in a list, a figure, a notice or an index; and nothing brings it back."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import inspect, text

from alerts.notice import Notice, NoticeKind
from listener.items import Author as Speaker
from listener.jobs.alert import judge_batch
from listener.jobs.retain import forget_words
from listener.jobs.score import score_batch
from listener.store import coverage, deletion, deliveries, intake, read
from listener.store.tables import (
    Alert,
    Author,
    DeclaredScore,
    Delivery,
    Mention,
    MentionBand,
    MentionBrand,
    Quotation,
    Score,
    Source,
    Tombstone,
    table,
)
from tests.conftest import NOON
from tests.listener.conftest import Site, WordScorer, item, together
from tests.listener.store.conftest import judge_and_decide
from tests.listener.store.test_copies import DAY, NEARLY, NEWS, clusters, consistent, counted


def blank(site: Site, *native_ids: str, kind: str = "rss", why: str = "deleted") -> int:
    with site.store.transaction() as session:
        return deletion.blank_native(session, kind, native_ids, why, site.clock())


def work(site: Site, scorer: WordScorer) -> None:
    while score_batch(site.store, scorer, site.clock):
        pass
    judge_and_decide(site, "log", "slack")


SECRET = "Aeroluz lost the bag of Xaviera Quintanilla on the way to her own wedding in Madrid, she told us at the desk"


@pytest.fixture
def told(feed: Site, scorer: WordScorer) -> Site:
    """A mention that opened an incident about which two channels are told."""
    said = item(
        "1", SECRET, title="Xaviera's bag", url="https://news.example/xaviera", reach=7, lang="en",
        reply_to="xaviera-0", engagement={"likes": 3}, author=Speaker("xaviera", "xaviera", "Xaviera", "https://news.example/~xaviera"),
    )  # fmt: skip
    feed.take(said)
    work(feed, scorer)
    with feed.store.transaction() as session:
        session.add(DeclaredScore(mention_id=1, name="nps", value=1, lowest=0, highest=10))
    return feed


def test_a_blank_mention_leaves_nothing_that_was_said(told: Site) -> None:
    assert blank(told, "1", "unknown") == 1

    mention = told.one(Mention)
    assert (mention.text, mention.title, mention.url, mention.author_id, mention.engagement) == (
        "",
        None,
        None,
        None,
        {},
    )
    assert (mention.reach, mention.lang, mention.reply_to, mention.digest) == (None, None, None, None)
    assert (mention.deleted_at, mention.deleted_why) == (NOON, "deleted")
    assert told.rows(Score) == told.rows(Author) == told.rows(MentionBand) == told.rows(DeclaredScore) == []
    assert told.rollups() == told.recount() == {}
    pair = told.one(MentionBrand)
    assert (pair.spans, pair.label, pair.void, pair.verdict) == ([], None, "deleted", "opened_incident")
    for row in told.rows(Delivery):
        (quoted,) = Notice.from_json(row.notice).quotes
        assert (quoted.text, quoted.author, quoted.url) == (deletion.BLANK, None, None)
    assert told.one(Alert).count == 1
    stone = told.one(Tombstone)
    assert (stone.kind, stone.native_id, stone.at, stone.why) == ("rss", "1", NOON, "deleted")


def test_no_byte_of_it_stays_in_the_rows(told: Site) -> None:
    blank(told, "1")
    # SQLite's index of words lets go of them once a day.
    forget_words(told.store, lambda: True)

    with told.store.engine.connect() as connection:
        kept = [
            str(row)
            for table in inspect(connection).get_table_names()
            for row in connection.execute(text(f'SELECT * FROM "{table}"'))
        ]
    assert not [row for row in kept if "xaviera" in row.lower()]


def test_a_message_that_quotes_it_is_brought_up_to_date(told: Site) -> None:
    before = told.one(Alert)
    told.clock.advance(minutes=1)
    blank(told, "1")

    after = told.one(Alert)
    assert after.version == before.version + 1
    assert (after.decide_at, after.changed_at) == (told.clock(), told.clock())
    assert after.count == before.count


def test_an_incident_whose_messages_do_not_quote_it_is_left_alone(told: Site) -> None:
    with told.store.transaction() as session:
        for row in told.rows(Delivery):
            unquoted = replace(Notice.from_json(row.notice), quotes=()).to_json()
            session.connection().execute(
                table(Delivery).update().where(table(Delivery).c.id == row.id).values(notice=unquoted)
            )
    before = told.one(Alert)
    told.clock.advance(minutes=1)
    blank(told, "1")

    assert told.one(Alert) == before


def test_a_digest_that_quotes_it_is_blanked_too(told: Site) -> None:
    quoting = Notice.from_json(told.rows(Delivery)[0].notice)
    digest = replace(quoting, key="digest-1", kind=NoticeKind.DIGEST, about=None)
    other = replace(digest, key="digest-2", quotes=())
    with told.store.transaction() as session:
        rows = [
            {"key": one.key, "alert_id": None, "channel": "log", "kind": "digest", "reason": "digest_due",
             "notice": one.to_json()}
            for one in (digest, other)
        ]  # fmt: skip
        deliveries.put(session, rows, told.clock())
    assert [row.mention_brand_id for row in told.rows(Quotation)] == [1]
    blank(told, "1")

    stored = {row.key: Notice.from_json(row.notice) for row in told.rows(Delivery)}
    assert stored["digest-1"].quotes[0].text == deletion.BLANK
    assert stored["digest-2"] == other
    assert told.rows(Quotation) == []


def test_a_notice_that_nobody_can_read_is_no_hiding_place(told: Site) -> None:
    with told.store.transaction() as session:
        session.connection().execute(table(Delivery).update().values(notice='{"version": 0, "text": "Xaviera"}'))
    blank(told, "1")

    assert {row.notice for row in told.rows(Delivery)} == {""}


def test_it_is_in_no_list_but_found_by_id_with_when_and_why_it_went(told: Site) -> None:
    blank(told, "1", why="account suspended")

    with told.store.reading() as session:
        assert read.mentions(session) == read.mentions(session, alert_id=1) == []
        (row,) = read.mentions(session, pair=1)
        assert (row["deleted_at"], row["deleted_why"], row["text"]) == (NOON, "account suspended", "")
        assert read.totals(session).mentions == 0


def test_nothing_brings_it_back(told: Site) -> None:
    blank(told, "1")

    assert told.take(item("1", SECRET), item("2", "Aeroluz!")) == intake.Intake(stored=1, pairs=1, refused=1)
    assert told.rows(Mention)[0].text == ""
    assert blank(told, "1") == 0
    assert len(told.rows(Tombstone)) == 1


def test_the_same_id_on_another_platform_stays(feed: Site) -> None:
    feed.take(item("1"), item("1", kind="x"))
    blank(feed, "1", kind="x")

    assert feed.take(item("1")).refused == 0
    assert {mention.kind for mention in feed.rows(Mention) if mention.deleted_at} == {"x"}


def test_what_was_waiting_for_its_score_or_verdict_waits_no_more(feed: Site, scorer: WordScorer) -> None:
    feed.take(item("1"), item("2"), item("3"))
    feed.score({2: "detractor"})
    blank(feed, "1", "2")
    work(feed, scorer)

    assert [text.text for text in scorer.asked] == ["Aeroluz lost my bag"]
    assert feed.one(Alert).count == 1
    with feed.store.reading() as session:
        assert read.pending(session, ("log",), feed.clock()).unjudged == 0


def test_an_author_stays_as_long_as_one_mention_does(feed: Site) -> None:
    feed.take(item("1", author=Speaker("ana")), item("2", author=Speaker("ana")))
    blank(feed, "1")
    assert len(feed.rows(Author)) == 1

    blank(feed, "2")
    assert feed.rows(Author) == []


def test_where_the_counted_one_goes_its_next_copy_is_counted(feed: Site) -> None:
    feed.take(item("1", NEWS, reach=1), item("2", NEARLY, minute=1, reach=2), item("3", NEWS, minute=2, reach=4))
    feed.score()
    blank(feed, "1")

    assert counted(feed) == ["2"]
    assert clusters(feed) == [{"1", "2", "3"}]
    assert list(feed.rollups().values()) == [(1, 6, 1)]
    consistent(feed)
    with feed.store.reading() as session:
        cluster = read.mentions(session)[0]["cluster"]
        assert [row["deleted_at"] for row in read.mentions(session, cluster=cluster)] == [None, None, NOON]

    blank(feed, "2", "3")
    assert feed.rollups() == feed.recount() == {}
    assert feed.rows(MentionBand) == []


def test_a_text_is_forgotten_only_with_the_last_who_said_it(feed: Site) -> None:
    feed.take(item("1", NEWS), item("2", NEWS, minute=4 * DAY))
    blank(feed, "1")
    assert len(feed.rows(MentionBand)) == 8

    feed.take(item("3", NEARLY, minute=4 * DAY + 1))
    assert clusters(feed) == [{"2", "3"}]


def test_a_copy_of_an_incidents_mention_that_went_opens_no_other(feed: Site, scorer: WordScorer) -> None:
    lost = NEWS.replace("cancels", "lost")
    feed.take(item("1", lost))
    work(feed, scorer)
    feed.take(item("2", lost, minute=1))
    work(feed, scorer)
    blank(feed, "1")
    feed.take(item("3", lost, minute=2, reach=5))
    work(feed, scorer)

    assert (feed.one(Alert).count, feed.one(Alert).reach) == (1, 5)


@pytest.mark.postgres
def test_blanking_storing_scoring_and_judging_at_once_neither_deadlock_nor_miscount(postgres_feed: Site) -> None:
    def store(page: int) -> int:
        for number in range(8):
            said = {f"{number} {place}": place for place in range(6)}
            postgres_feed.take(
                *(item(name, NEWS, minute=said[name], reach=1, author=Speaker(str(said[name]))) for name in said)
            )
            postgres_feed.score()
        return page

    def delete() -> int:
        return sum(blank(postgres_feed, *(f"{number} {place}" for place in (5, 0, 3))) for number in range(8))

    def judge() -> int:
        return sum(judge_batch(postgres_feed.store, postgres_feed.clock()) for _ in range(20))

    together(lambda: store(0), lambda: store(1), delete, delete, judge, judge)
    postgres_feed.score()

    assert postgres_feed.rollups() == postgres_feed.recount()
    consistent(postgres_feed)


def test_what_was_deleted_is_in_no_hour_of_the_ledger_either(feed: Site) -> None:
    feed.take(item("gone"), item("there", minute=5), item("also gone", minute=70))
    feed_id, hours = feed.id_of(Source, "feed"), (NOON, NOON + timedelta(hours=2))
    assert blank(feed, "gone", "also gone") == 2

    with feed.store.reading() as session:
        assert coverage.mentions(session, feed_id, *hours) == {NOON: 1}
