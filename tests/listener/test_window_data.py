"""What rules are shown of a window: the same however it was cut out, hours that were read, and who was answered."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from alerts.incident import Incident
from alerts.reasons import Reason
from alerts.rule import Window
from alerts.rules.coverage import CoverageSettings
from alerts.rules.coverage import assess as assess_coverage
from alerts.severity import Severity
from listener.coverage import Stretch
from listener.items import Author
from listener.jobs.answers import notice_answers
from listener.jobs.windows import evaluate_due
from listener.rules import ActiveWindowRule, window_rules
from listener.store import brands, coverage, evaluations, incidents
from listener.store.life import act
from listener.store.source_states import Hour as Tried
from listener.store.source_states import SourceRecord, usual_gap
from listener.store.tables import Alert, Brand, Evaluation, MentionBrand, Source, SourceHour, table
from listener.window_data import WindowData
from tests.conftest import NOON
from tests.listener.conftest import Site, item

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def minutes(when: datetime) -> float:
    return (when - NOON) / timedelta(minutes=1)


def said(site: Site, native_id: str, when: datetime, text: str = "", label: str = "passive", **changes: Any) -> int:
    """A scored mention; its pair's id."""
    site.take(item(native_id, text or f"Aeroluz {native_id}", minute=minutes(when), **changes))
    new = next(pair.id for pair in site.rows(MentionBrand) if pair.scored_at is None)
    assert new is not None
    site.score({new: label})
    return new


def rule(site: Site, name: str = "spike", **options: Any) -> ActiveWindowRule:
    return next(one for one in window_rules("own", {name: options} if options else {}) if one.name == name)


def load(site: Site, active: ActiveWindowRule, since: datetime, until: datetime) -> WindowData:
    with site.store.reading() as session:
        brand = brands.brand_named(session, "Aeroluz")
        return WindowData.load(session, brand, [active], since, until)


def window(site: Site, active: ActiveWindowRule, until: datetime = NOON) -> Window:
    return load(site, active, until, until).window(active, until)


def born(site: Site, when: datetime) -> None:
    """The brand has been listened for since then."""
    with site.store.transaction() as session:
        session.connection().execute(update(table(Brand)).values(created_at=when))


def read(site: Site, source: int, since: datetime, until: datetime) -> None:
    with site.store.transaction() as session:
        coverage.cover(session, source, Stretch(since, until))
        coverage.mark(session, source, listened_from=since, covered_to=until)


def covered(found: Window) -> list[datetime]:
    return [bucket.hour for bucket in found.history if bucket.covered]


def test_a_window_holds_what_was_said_in_it_and_the_hours_before(feed: Site) -> None:
    ids = [said(feed, str(n), NOON - n * HOUR / 2, label="detractor" if n % 2 else "promoter") for n in range(6)]
    found = window(feed, rule(feed))

    # From eleven on, up to noon and without it.
    assert [mention.id for mention in found.recent] == [ids[2], ids[1]]
    assert [(bucket.hour, bucket.mentions, bucket.detractors, bucket.promoters) for bucket in found.history[-3:]] == [
        (NOON - 4 * HOUR, 0, 0, 0), (NOON - 3 * HOUR, 1, 1, 0), (NOON - 2 * HOUR, 2, 1, 1),
    ]  # fmt: skip
    assert found.history[0].hour == NOON - HOUR - timedelta(weeks=8)


@pytest.mark.parametrize("when", [None, "Aeroluz"])
def test_what_the_brand_writes_itself_is_in_no_window_and_no_history(feed: Site, when: str | None) -> None:
    feed.brand(accounts=["@aeroluz"])
    for number, who in enumerate((ANA, BRAND, ANA, BRAND, BRAND)):
        said(feed, str(number), NOON - (number + 1) * HOUR / 2, label="detractor", author=who, reach=7)
    found = window(feed, rule(feed, **({"when": when} if when else {})))

    assert [mention.author for mention in found.recent] == ["ana"]
    assert [(bucket.mentions, bucket.detractors, bucket.reach) for bucket in found.history[-3:]] == [
        (0, 0, 0), (0, 0, 0), (1, 1, 7),
    ]  # fmt: skip


def test_a_window_that_straddles_two_hours_has_only_whole_hours_before_it(feed: Site) -> None:
    said(feed, "1", NOON)
    found = window(feed, rule(feed), NOON + HOUR / 2)

    assert found.history[-1].hour == NOON - 2 * HOUR


def test_windows_cut_from_a_day_are_those_loaded_one_by_one(feed: Site) -> None:
    for n in range(60):
        said(feed, str(n), NOON - n * n * timedelta(minutes=1), label="detractor" if n % 3 else "passive")
    for active in (rule(feed), rule(feed, when="NOT 5")):
        data = load(feed, active, NOON - DAY, NOON)
        for step in range(0, 289, 24):
            until = NOON - DAY + step * timedelta(minutes=5)
            cut, alone = data.window(active, until), window(feed, active, until)
            assert list(cut.recent) == list(alone.recent)
            assert [vars_of(bucket) for bucket in cut.history] == [vars_of(bucket) for bucket in alone.history]


def vars_of(bucket: Any) -> tuple[Any, ...]:
    return bucket.hour, bucket.mentions, bucket.detractors, bucket.promoters, bucket.reach


def test_hidden_copies_and_unscored_ones_are_in_neither_window_nor_history(feed: Site) -> None:
    said(feed, "1", NOON - HOUR / 2, "Aeroluz lost my bag and nobody at the desk could say where it went")
    said(feed, "2", NOON - HOUR / 3, "Aeroluz lost my bag and nobody at the desk could say where it went")
    feed.take(item("3", "Aeroluz unscored", minute=-5))
    found = window(feed, rule(feed))

    assert len(found.recent) == 1


def test_a_filter_counts_the_hours_anew(feed: Site) -> None:
    said(feed, "1", NOON - 3 * HOUR, "Aeroluz gate", label="detractor", reach=5)
    said(feed, "2", NOON - 3 * HOUR, "Aeroluz seat")
    said(feed, "3", NOON - HOUR / 2, "Aeroluz gate closed")
    said(feed, "4", NOON - HOUR / 2, "Aeroluz seat row")
    found = window(feed, rule(feed, when="gate"))

    assert [mention.text for mention in found.recent] == ["Aeroluz gate closed"]
    assert [(b.mentions, b.detractors, b.reach) for b in found.history if b.mentions] == [(1, 1, 5)]


def test_what_a_scheduled_source_has_read_counts_as_listened_to_and_nothing_else(site: Site) -> None:
    site.brand()
    source = site.source(every_s=600)
    born(site, NOON - DAY)
    said(site, "1", NOON - DAY)
    read(site, source, NOON - 10 * HOUR, NOON - 6 * HOUR)
    read(site, source, NOON - 4 * HOUR, NOON)
    found = window(site, rule(site))

    assert covered(found) == [NOON - n * HOUR for n in (10, 9, 8, 7, 4, 3, 2)]
    assert found.covered


def test_a_source_that_is_overdue_leaves_the_window_uncovered_and_one_that_is_not_does_not(site: Site) -> None:
    site.brand()
    source = site.source(every_s=600)
    born(site, NOON - DAY)
    said(site, "1", NOON - DAY)
    read(site, source, NOON - DAY, NOON - timedelta(minutes=9))
    assert window(site, rule(site)).covered

    assert not window(site, rule(site), NOON + timedelta(minutes=10)).covered


def test_an_hour_counts_when_every_source_that_matters_was_read_in_it(site: Site) -> None:
    site.brand()
    born(site, NOON - 2 * DAY)
    for name in ("big", "small"):
        source = site.source(name, every_s=600)
        read(site, source, NOON - (10 if name == "big" else 3) * HOUR, NOON)
    for n in range(20):
        site.take(item(f"b{n}", f"Aeroluz {n}", minute=-600 - n), source="big")
    site.take(item("s", "Aeroluz small", minute=-605), source="small")
    site.score()
    assert len(covered(window(site, rule(site)))) == 9  # the small one gives too little to matter

    for n in range(20):
        site.take(item(f"s{n}", f"Aeroluz small {n}", minute=-100 - n), source="small")
    site.score()
    # Now it gives half of all, so that only the hours in which it was read tell anything.
    assert covered(window(site, rule(site))) == [NOON - 3 * HOUR, NOON - 2 * HOUR]


def test_before_there_was_the_brand_a_source_was_not_read_for_it(site: Site) -> None:
    site.brand()
    source = site.source(every_s=600)
    said(site, "1", NOON - DAY)
    read(site, source, NOON - DAY, NOON)
    born(site, NOON - 5 * HOUR)

    assert covered(window(site, rule(site))) == [NOON - n * HOUR for n in (5, 4, 3, 2)]


def test_an_import_counts_from_its_first_mention_to_its_last(feed: Site) -> None:
    said(feed, "1", NOON - 9 * HOUR)
    said(feed, "2", NOON - 5 * HOUR + timedelta(minutes=1))

    assert covered(window(feed, rule(feed))) == [NOON - n * HOUR for n in (9, 8, 7, 6)]


ANA = Author("1", handle="ana")
BRAND = Author("9", handle="AeroLuz")


@pytest.fixture
def answering(site: Site) -> Site:
    """A brand that answers from an account of its own."""
    site.brand(accounts=["@aeroluz"], alerting={"spike": False, "unanswered": {"hours": [], "after": "1h"}})
    site.source()
    said(site, "old", NOON - 20 * HOUR, "Aeroluz flies again", author=BRAND)
    return site


def test_answers_are_the_first_replies_of_the_brands_own_accounts(answering: Site) -> None:
    asked = said(answering, "q", NOON - 5 * HOUR, "@aeroluz where is my bag?", author=ANA, url="https://a.example/q")
    other = said(answering, "o", NOON - 5 * HOUR, "@aeroluz and mine?", author=ANA, url="https://a.example/o")
    said(answering, "x", NOON - 4 * HOUR, "Aeroluz me too", author=ANA, reply_to="q")
    said(answering, "r", NOON - 3 * HOUR, "Aeroluz: in Vigo", author=BRAND, reply_to="q")
    said(answering, "s", NOON - 2 * HOUR, "Aeroluz: still in Vigo", author=BRAND, reply_to="q")
    said(answering, "t", NOON - HOUR, "Aeroluz: in Lugo", author=BRAND, reply_to="https://a.example/o")
    active = rule(answering, "unanswered", hours=[], after="1h")
    found = window(answering, active)

    assert found.answers == {asked: NOON - 3 * HOUR, other: NOON - HOUR}
    assert window(answering, active, NOON - 3 * HOUR - timedelta(minutes=1)).answers == {}


def test_a_reply_to_the_brands_own_post_is_directed_at_it(answering: Site) -> None:
    said(answering, "p", NOON - 4 * HOUR, "Aeroluz flies to Vigo", author=BRAND)
    asked = said(answering, "q", NOON - 3 * HOUR, "Aeroluz and when?", author=ANA, reply_to="p")

    assert window(answering, rule(answering, "unanswered")).addressed == {asked}


def test_unanswered_questions_are_one_incident_that_ends_with_the_last_answer(answering: Site) -> None:
    said(answering, "q", NOON - 3 * HOUR, "@aeroluz where is my bag, Aeroluz?", author=ANA)
    evaluate_due(answering.store, NOON)
    said(answering, "o", NOON - 2 * HOUR, "@aeroluz and mine, Aeroluz?", author=ANA)
    evaluate_due(answering.store, answering.clock.advance(minutes=5))
    (alert,) = answering.rows(Alert)
    assert (alert.rule, alert.count, alert.state) == ("unanswered", 2, "open")

    said(answering, "r", NOON, "Aeroluz: in Vigo", author=BRAND, reply_to="q")
    evaluate_due(answering.store, answering.clock.advance(minutes=5))
    assert answering.one(Alert).state == "open"

    said(answering, "t", NOON, "Aeroluz: in Lugo", author=BRAND, reply_to="o")
    evaluate_due(answering.store, answering.clock.advance(minutes=5))
    assert (answering.one(Alert).state, answering.one(Alert).resolved_why) == ("resolved", "answered")


def test_what_a_person_noted_as_answered_waits_no_longer(answering: Site) -> None:
    said(answering, "q", NOON - 3 * HOUR, "@aeroluz where is my bag, Aeroluz?", author=ANA)
    evaluate_due(answering.store, NOON)
    with answering.store.transaction() as session:
        act(session, 1, "answer", "ana", NOON)
    evaluate_due(answering.store, answering.clock.advance(minutes=5))

    assert answering.one(Alert).resolved_why == "answered"


def test_a_brand_without_accounts_is_told_in_the_log_of_its_windows(feed: Site) -> None:
    evaluate_due(feed.store, NOON)

    said_of = {row.rule: row.reason for row in feed.rows(Evaluation)}
    assert said_of["unanswered"] == "no_accounts"


def test_the_usual_silence_leaves_out_the_longest_one() -> None:
    times = [5 * n * HOUR for n in range(69)] + [n * HOUR for n in (348, 368)]

    assert usual_gap(times) == 8 * HOUR
    assert usual_gap(times[:10]) is None


def test_a_source_is_shown_as_it_stood_at_the_time(site: Site) -> None:
    source = site.source(every_s=600)
    with site.store.transaction() as session:
        session.connection().execute(update(table(Source)).values(created_at=NOON - 3 * DAY))
        rows = [
            {"source_id": source, "hour": NOON - n * HOUR, "polls": 6, "finished": 0 if n < 5 else 6, "found": 1,
             "stored": int(n >= 5), "capped": 0, "truncated": 0, "rate_limited": 0, "failed": 0}
            for n in range(1, 24 * 16)
        ]  # fmt: skip
        session.connection().execute(table(SourceHour).insert(), rows)
        brands.note_run(session, source, NOON, error="503 Service Unavailable")
    (active,) = window_rules("own", {}, "installation")
    with site.store.reading() as session:
        data = WindowData.load(session, None, [active], NOON - DAY, NOON)

    (now,), (before,), (well,) = (
        data.window(active, when).sources for when in (NOON, NOON - HOUR / 2, NOON - 10 * HOUR)
    )  # fmt: skip
    assert (now.error, now.failing_since) == ("503 Service Unavailable", NOON - 4 * HOUR)
    assert (before.error, before.failing_since) == (None, NOON - 4 * HOUR)
    assert (well.failing_since, well.silent, well.usual_gap) == (None, timedelta(0), HOUR)
    assert data.window(active, NOON - 4 * DAY).sources == []


def test_an_answer_to_one_answers_no_other_and_the_rest_stays_open(answering: Site) -> None:
    said(answering, "q", NOON - 3 * HOUR, "@aeroluz where is my bag, Aeroluz?", author=ANA)
    said(answering, "o", NOON - 2 * HOUR, "@aeroluz and mine, Aeroluz?", author=Author("2", handle="bea"))
    evaluate_due(answering.store, NOON)
    said(answering, "r", NOON - HOUR, "Aeroluz: in Vigo", author=BRAND, reply_to="q")
    notice_answers(answering.store, NOON)
    evaluate_due(answering.store, answering.clock.advance(minutes=5))
    said(answering, "z", NOON - 1.5 * HOUR, "@aeroluz a third one, Aeroluz?", author=Author("3", handle="cleo"))
    evaluate_due(answering.store, answering.clock.advance(minutes=5))

    alert = answering.one(Alert)
    assert (alert.state, alert.count, alert.answered_at) == ("open", 3, None)
    assert alert.because.startswith("2 complaints or questions without an answer")


def test_when_all_are_answered_the_incident_is_answered(answering: Site) -> None:
    said(answering, "q", NOON - 3 * HOUR, "@aeroluz where is my bag, Aeroluz?", author=ANA)
    evaluate_due(answering.store, NOON)
    said(answering, "r", NOON, "Aeroluz: in Vigo", author=BRAND, reply_to="q")
    evaluate_due(answering.store, answering.clock.advance(minutes=5))

    assert answering.one(Alert).answered_at == NOON + timedelta(minutes=5)


def test_what_a_person_noted_does_not_answer_what_was_written_later(answering: Site) -> None:
    said(answering, "q", NOON - 3 * HOUR, "@aeroluz where is my bag, Aeroluz?", author=ANA)
    evaluate_due(answering.store, NOON)
    with answering.store.transaction() as session:
        act(session, 1, "answer", "ana", NOON - 2 * HOUR)
    later = said(answering, "o", NOON - 1.5 * HOUR, "@aeroluz and mine, Aeroluz?", author=ANA)
    evaluate_due(answering.store, answering.clock.advance(minutes=5))

    assert answering.one(Alert).because.startswith("1 complaint or question without")
    assert later not in window(answering, rule(answering, "unanswered", hours=[], after="1h")).answers


def test_a_note_at_an_incident_of_several_mentions_answers_none_of_them(answering: Site) -> None:
    pairs = [said(answering, name, NOON - 3 * HOUR, f"@aeroluz {name}?", author=ANA) for name in ("q", "o")]
    active = rule(answering, "unanswered", hours=[], after="1h")
    with answering.store.transaction() as session:
        incident = Incident(
            id=None, brand="Aeroluz", rule="detractor", group="", opened_at=NOON, last_at=NOON, count=1, reach=0,
            because="", severity=Severity.WARNING,
        )  # fmt: skip
        alert_id = incidents.open_new(session, 1, incident, NOON)
        evaluations.add_members(session, alert_id, pairs[:1], Reason.OPENED_INCIDENT)
        act(session, alert_id, "answer", "ana", NOON)
    assert window(answering, active).answers == {pairs[0]: NOON}
    with answering.store.transaction() as session:
        evaluations.add_members(session, alert_id, pairs[1:], Reason.JOINED_INCIDENT)
    assert window(answering, active).answers == {}


@pytest.mark.parametrize("step", [1, 6])
def test_time_in_which_escucha_was_off_is_no_silence_and_no_failure(step: int) -> None:
    news = [Tried(NOON - n * HOUR, 1, 1, 1) for n in range(24 * 9, 0, -step)]
    row = Source(name="news", kind="rss", every_s=900 if step == 1 else 21_600, options={}, created_at=news[0].hour)
    row.last_success_at = row.last_run_at = NOON
    monday = NOON + timedelta(days=3)
    state = SourceRecord(row, news).at(monday)
    assert state is not None
    assert state.silent == timedelta(0)

    row.last_run_at, row.last_error = monday, "503"
    state = SourceRecord(row, news).at(monday + HOUR / 12)
    assert state is not None
    assert state.failing_since == monday


def test_silence_goes_on_where_it_was_when_escucha_is_back() -> None:
    hours = [Tried(NOON - n * HOUR, 4, 4, int(n > 5)) for n in range(24 * 9, 0, -1)]
    hours += [Tried(NOON + DAY * 3 + n * HOUR, 4, 4, 0) for n in range(2)]
    row = Source(name="news", kind="rss", every_s=900, options={}, created_at=hours[0].hour)
    row.last_success_at = row.last_run_at = hours[-1].hour + HOUR
    state = SourceRecord(row, hours).at(hours[-1].hour + HOUR)

    assert state is not None
    assert (state.silent, state.usual_gap, state.failing_since) == (7 * HOUR, HOUR, None)


def test_nights_are_usual_before_any_is_told_of() -> None:
    hours = [Tried(NOON + n * HOUR, 4, 4, int(8 <= (12 + n) % 24 < 23)) for n in range(24 * 15)]
    row = Source(name="news", kind="rss", every_s=900, options={}, created_at=NOON)
    told = []
    for number in range(1, len(hours)):
        row.last_success_at = row.last_run_at = NOON + number * HOUR
        state = SourceRecord(row, hours[:number]).at(NOON + number * HOUR)
        told += [one.reason for one in assess_coverage(Window(NOON, sources=[state]), CoverageSettings()) if state]
    assert set(told) == {Reason.SOURCE_WELL}


def test_a_window_is_whole_once_all_but_its_last_quarter_was_read(site: Site) -> None:
    site.brand()
    source = site.source(every_s=3600)
    said(site, "1", NOON - 5 * HOUR)
    with site.store.transaction() as session:
        session.connection().execute(update(table(Brand)).values(created_at=NOON - 9 * HOUR))
        coverage.cover(session, source, Stretch(NOON - 9 * HOUR, NOON))
        coverage.mark(session, source, listened_from=NOON - 9 * HOUR, covered_to=NOON)
    quarter = timedelta(minutes=15)
    shown = [window(site, rule(site), NOON + n * quarter) for n in (0, 1, 2)]

    assert [(one.covered, one.whole) for one in shown] == [(True, True), (True, True), (True, False)]
