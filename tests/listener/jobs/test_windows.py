"""Every window of every rule is evaluated once, by whoever comes first, and its incident follows from what was said."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

from alerts import life
from alerts.life import EventKind
from alerts.reasons import Reason
from alerts.windowing import floor
from listener.coverage import Stretch
from listener.jobs import windows as job
from listener.jobs.alert import judge_batch
from listener.jobs.windows import CATCH_UP, PATIENCE, evaluate_due
from listener.store import brands, coverage, incidents
from listener.store.tables import (
    Alert,
    AlertEvent,
    AlertMention,
    Brand,
    Evaluated,
    Evaluation,
    MentionBrand,
    RollupHour,
    table,
)
from listener.window_data import WindowData
from tests.conftest import NOON
from tests.listener.conftest import BrokenOff, Site, dawdling, item, together

HOUR = timedelta(hours=1)
FIVE = timedelta(minutes=5)
OFF = {"detractor": False, "unanswered": False}
SMALL = {"min_history": "1d", "min_mentions": 20, "at_least": 5}


@pytest.fixture
def feed(site: Site) -> Site:
    """A brand with the rule spike alone that is easily content, with two weeks of three mentions an hour, all read."""
    brand = site.brand(alerting=OFF | {"spike": SMALL})
    source = site.source(every_s=600)
    usual(site, brand, source)
    return site


def usual(site: Site, brand: int, source: int, per_hour: int = 3, days: int = 14) -> None:
    """History that was read to its end, ending an hour before noon."""
    begin = NOON - HOUR - timedelta(days=days)
    rows = [
        {"brand_id": brand, "kind": "rss", "label": label, "hour": begin + n * HOUR, "mentions": number, "reach": 0,
         "copies": 0}
        for n in range(days * 24)
        for label, number in (("detractor", 1), ("passive", per_hour - 1))
    ]  # fmt: skip
    with site.store.transaction() as session:
        session.connection().execute(table(RollupHour).insert(), rows)
        session.connection().execute(update(table(Brand)).values(created_at=begin - HOUR))
        coverage.cover(session, source, Stretch(begin - HOUR, NOON + timedelta(days=1)))
        coverage.mark(session, source, listened_from=begin, covered_to=NOON + timedelta(days=1))
    # One of them is stored, so that the source has given something of the brand since then.
    said(site, 1, begin - NOON, first=10_000)


def said(site: Site, number: int, after: timedelta, label: str = "detractor", first: int = 0, **changes: Any) -> None:
    """So many mentions at a time counted from noon, scored."""
    minutes = after / timedelta(minutes=1)
    before = {pair.id for pair in site.rows(MentionBrand)}
    site.take(*(item(str(first + n), text_of(first + n), minute=minutes + n / 1000, **changes) for n in range(number)))
    site.score({pair.id: label for pair in site.rows(MentionBrand) if pair.id not in before and pair.id is not None})


def text_of(number: int) -> str:
    """Words that nobody could take for a copy of another's."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return "Aeroluz " + " ".join(digest[start : start + 6] for start in range(0, 60, 6))


def log(site: Site, rule: str = "spike") -> list[tuple[str, int]]:
    """What the rule said: reason, and of how many windows in a row."""
    return [(row.reason, row.times) for row in site.rows(Evaluation) if row.rule == rule]


def ask(site: Site, **later: float) -> int:
    return evaluate_due(site.store, site.clock.advance(**later) if later else site.clock())


def spike(site: Site) -> Alert:
    return next(row for row in site.rows(Alert) if row.rule == "spike")


def kinds(site: Site) -> list[str]:
    return [row.kind for row in site.rows(AlertEvent)]


def test_a_rule_begins_with_the_window_that_has_just_ended(feed: Site) -> None:
    feed.clock.advance(minutes=3)
    ask(feed)

    assert log(feed) == [(Reason.WINDOW_QUIET, 1)]
    assert {row.rule: row.until for row in feed.rows(Evaluated)} == {"spike": NOON, "coverage": NOON}
    assert ask(feed) == 0


def test_a_spike_opens_an_incident_with_its_mentions(feed: Site) -> None:
    said(feed, 25, -timedelta(minutes=10), lang="es", reach=7)
    ask(feed)
    found = spike(feed)

    assert (found.state, found.count, found.reach, found.opened_at) == ("open", 25, 175, NOON)
    assert (found.platforms, found.languages, found.group_key) == (["rss"], ["es"], "")
    assert found.because.startswith("25 mentions in the last hour, usually 3")
    assert found.evidence["observed"] == 25
    assert found.decide_at == NOON
    assert {row.reason for row in feed.rows(AlertMention)} == {Reason.WINDOW_FIRES}
    assert kinds(feed) == [EventKind.OPENED]
    assert log(feed) == [(Reason.WINDOW_FIRES, 1)]


def test_it_grows_with_what_comes_and_counts_nothing_twice(feed: Site) -> None:
    said(feed, 25, -timedelta(minutes=10))
    ask(feed)
    said(feed, 10, timedelta(minutes=2), first=100)
    ask(feed, minutes=5)
    found = spike(feed)

    assert (found.count, found.version, found.last_at) == (35, 2, NOON + FIVE)
    assert len(feed.rows(AlertMention)) == 35
    assert [row.alert_id for row in feed.rows(Evaluation) if row.rule == "spike"] == [found.id, found.id]
    assert log(feed) == [(Reason.WINDOW_FIRES, 1), (Reason.WINDOW_STILL_FIRES, 1)]


def test_it_ends_when_the_window_is_back_and_says_why(feed: Site) -> None:
    said(feed, 25, -timedelta(minutes=10))
    ask(feed)
    ask(feed, minutes=55)
    found = spike(feed)

    assert (found.state, found.resolved_why, found.resolved_by) == ("resolved", Reason.WINDOW_ENDED, None)
    assert kinds(feed) == [EventKind.OPENED, EventKind.ENDED]
    assert log(feed)[-1][0] == Reason.WINDOW_ENDED


def test_what_comes_back_at_once_is_the_same_incident(feed: Site) -> None:
    said(feed, 25, -timedelta(minutes=10))
    ask(feed)
    ask(feed, minutes=55)
    said(feed, 25, timedelta(minutes=56), first=100)
    ask(feed, minutes=5)
    found = spike(feed)

    assert (found.state, found.reopened, found.count) == ("open", 1, 50)
    assert kinds(feed) == [EventKind.OPENED, EventKind.ENDED, EventKind.REOPENED]


def test_what_comes_back_later_is_another_incident(feed: Site) -> None:
    said(feed, 25, -timedelta(minutes=10))
    ask(feed)
    ask(feed, minutes=55)
    said(feed, 25, timedelta(minutes=110), first=100)
    ask(feed, minutes=60)

    assert [(row.state, row.count) for row in feed.rows(Alert)] == [("resolved", 25), ("open", 25)]


def test_what_a_person_has_resolved_is_not_opened_again_while_it_lasts(feed: Site) -> None:
    said(feed, 25, -timedelta(minutes=10))
    ask(feed)
    with feed.store.transaction() as session:
        incident = incidents.held(session, spike(feed).id or 0)
        assert incident is not None
        incidents.save(session, life.resolve(incident, "ana", feed.clock())[0], feed.clock())
    ask(feed, minutes=5)

    assert [row.state for row in feed.rows(Alert)] == ["resolved"]
    assert log(feed)[-1][0] == Reason.WINDOW_FIRES

    ask(feed, minutes=50)
    said(feed, 25, timedelta(minutes=56), first=100)
    ask(feed, minutes=5)
    assert [row.state for row in feed.rows(Alert)] == ["resolved", "open"]


def test_windows_that_nobody_was_there_for_are_caught_up_with_in_order(feed: Site) -> None:
    said(feed, 25, timedelta(minutes=12))
    ask(feed)
    assert ask(feed, minutes=30) == 12  # six of each of two rules

    assert spike(feed).opened_at == NOON + 3 * FIVE
    assert log(feed) == [(Reason.WINDOW_QUIET, 3), (Reason.WINDOW_FIRES, 1), (Reason.WINDOW_STILL_FIRES, 3)]


def test_windows_that_are_too_old_are_missed_and_said_to_be(feed: Site) -> None:
    said(feed, 25, timedelta(minutes=12))
    ask(feed)
    ask(feed, hours=6)

    assert not [row for row in feed.rows(Alert) if row.rule == "spike"]
    assert log(feed) == [
        (Reason.WINDOW_QUIET, 1), (Reason.WINDOW_MISSED, 59), (Reason.WINDOW_QUIET, CATCH_UP // FIVE + 1),
    ]  # fmt: skip
    missed = feed.rows(Evaluation)
    stretch = next((row.first_until, row.last_until) for row in missed if row.reason == Reason.WINDOW_MISSED)
    assert stretch == (NOON + FIVE, NOON + 5 * HOUR - FIVE)


def test_a_window_waits_for_the_scores_of_what_was_said_in_it_but_not_for_ever(feed: Site) -> None:
    said(feed, 25, -timedelta(minutes=10))
    feed.take(item("unscored", minute=-1))
    ask(feed)
    assert log(feed) == []

    ask(feed, seconds=PATIENCE.total_seconds() - 1)
    assert log(feed) == []
    ask(feed, seconds=2)
    assert log(feed) == [(Reason.WINDOW_FIRES, 1)]


def test_without_all_scores_no_incident_ends(feed: Site) -> None:
    said(feed, 25, -timedelta(minutes=10))
    ask(feed)
    feed.take(item("unscored", minute=52))
    ask(feed, minutes=58)

    assert spike(feed).state == "open"
    assert log(feed)[-1][0] == Reason.NOT_COVERED


def test_what_was_said_after_the_window_is_not_waited_for(feed: Site) -> None:
    feed.clock.advance(seconds=30)
    feed.take(item("unscored", minute=0.2))
    ask(feed)

    assert log(feed) == [(Reason.WINDOW_QUIET, 1)]


def test_a_rule_with_a_filter_sees_only_what_meets_it(site: Site) -> None:
    brand = site.brand(alerting=OFF | {"spike": SMALL | {"when": "gate"}})
    usual(site, brand, site.source(every_s=600))
    said(site, 40, -timedelta(minutes=10))
    ask(site)

    (row,) = [row for row in site.rows(Evaluation) if row.rule == "spike"]
    assert (row.fires, row.reason) == (False, Reason.NOT_ENOUGH_HISTORY)


def test_a_rule_that_fails_stops_no_other(feed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    other = feed.brand("Nubia", alerting=OFF)

    def unscored(_session: Any, brand_id: int, *_: Any) -> bool:
        if brand_id == other:
            raise RuntimeError("this one alone")
        return False

    monkeypatch.setattr(job.windows, "unscored", unscored)
    ask(feed)

    assert {row.brand_id for row in feed.rows(Evaluation) if row.rule == "spike"} == {feed.id_of(Brand, "Aeroluz")}


def test_the_incidents_of_a_rule_that_was_switched_off_end(feed: Site) -> None:
    said(feed, 25, -timedelta(minutes=10))
    ask(feed)
    feed.brand(alerting=OFF | {"spike": False})
    ask(feed, minutes=5)

    assert (spike(feed).state, spike(feed).resolved_why) == ("resolved", Reason.RULE_OFF)


def test_settings_that_no_longer_read_stop_no_other_brand(feed: Site) -> None:
    feed.brand("Nubia", alerting={"spike": {"sensitivity": "shrill"}})
    ask(feed)

    assert log(feed) == [(Reason.WINDOW_QUIET, 1)]


@pytest.mark.parametrize("place", ["held_position", "log", "add_members", "move"])
def test_killed_anywhere_the_window_is_evaluated_again_whole(
    feed: Site, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    said(feed, 25, -timedelta(minutes=10))
    feed.brand(alerting=OFF | {"spike": SMALL})

    def die(*_: Any, **__: Any) -> None:
        raise BrokenOff

    with monkeypatch.context() as patched, suppress(BrokenOff):
        patched.setattr(job.evaluations, place, die)
        ask(feed)
    assert (log(feed), feed.rows(Alert), feed.rows(AlertMention)) == ([], [], [])

    ask(feed)
    assert (spike(feed).count, log(feed)) == (25, [(Reason.WINDOW_FIRES, 1)])
    assert kinds(feed) == [EventKind.OPENED]


def test_a_source_that_stops_is_an_incident_of_no_brand_until_it_is_back(feed: Site) -> None:
    with feed.store.transaction() as session:
        brands.note_run(session, feed.source(every_s=600), feed.clock(), error="401 Unauthorized", stopped=True)
    ask(feed)
    found = next(row for row in feed.rows(Alert) if row.rule == "coverage")
    assert (found.brand_id, found.group_key, found.count, found.state) == (None, "feed", 0, "open")
    assert "401 Unauthorized" in found.because

    with feed.store.transaction() as session:
        brands.note_run(session, 1, feed.clock())
    ask(feed, minutes=5)
    found = next(row for row in feed.rows(Alert) if row.rule == "coverage")
    assert (found.state, found.resolved_why) == ("resolved", Reason.SOURCE_WELL)


def test_a_source_that_is_gone_ends_its_incident(feed: Site) -> None:
    with feed.store.transaction() as session:
        brands.note_run(session, 1, feed.clock(), error="401 Unauthorized", stopped=True)
    ask(feed)
    with feed.store.transaction() as session:
        brands.retire_sources(session, [])
    ask(feed, minutes=5)

    assert [row.state for row in feed.rows(Alert) if row.rule == "coverage"] == ["resolved"]


def test_what_is_asked_of_the_whole_installation_has_settings_of_its_own(feed: Site) -> None:
    with feed.store.transaction() as session:
        brands.note_run(session, 1, feed.clock(), error="401 Unauthorized", stopped=True)
    evaluate_due(feed.store, feed.clock(), alerting={"coverage": {"severity": "critical"}})
    (found,) = [row for row in feed.rows(Alert) if row.rule == "coverage"]
    assert (found.state, found.severity) == ("open", "critical")

    evaluate_due(feed.store, feed.clock.advance(minutes=5), alerting={"coverage": False})
    (found,) = [row for row in feed.rows(Alert) if row.rule == "coverage"]
    assert (found.state, found.resolved_why) == ("resolved", Reason.RULE_OFF)


def windows_of(site: Site) -> list[tuple[str, datetime]]:
    """Every window that the log says was evaluated, from its run-length rows."""
    return [
        (row.rule, row.first_until + n * FIVE)
        for row in site.rows(Evaluation)
        for n in range(row.times)
    ]  # fmt: skip


@pytest.mark.postgres
def test_two_schedulers_at_once_evaluate_every_window_once(postgres_store: Any, clock: Any) -> None:
    site = Site(postgres_store, clock)
    brand = site.brand(alerting=OFF | {"spike": SMALL})
    usual(site, brand, site.source(every_s=600))
    ask(site)
    for step in range(1, 7):
        said(site, 25, step * FIVE - timedelta(minutes=1), first=100 * step)
        now = clock.advance(minutes=5)
        done = together(*[partial(evaluate_due, postgres_store, now)] * 4)
        assert sum(done) == 2

    said_of = windows_of(site)
    assert len(said_of) == len(set(said_of)) == 14
    assert [row.count for row in site.rows(Alert)] == [150]
    assert kinds(site).count(EventKind.OPENED) == 1


@pytest.mark.postgres
def test_judges_intake_and_windows_at_once_wait_for_each_other_in_one_order(postgres_store: Any, clock: Any) -> None:
    site = Site(postgres_store, clock)
    brand = site.brand(alerting={"unanswered": False, "spike": SMALL})
    usual(site, brand, site.source(every_s=600))
    # A rule begins with the first window that waits for no score.
    ask(site)
    for step in range(1, 6):
        said(site, 25, step * FIVE - timedelta(minutes=1), first=100 * step)
        now = clock.advance(minutes=5)
        with dawdling(postgres_store, "BEFORE INSERT ON alert_mention FOR EACH STATEMENT"):
            together(
                partial(judge_batch, postgres_store, now),
                partial(evaluate_due, postgres_store, now),
                *[partial(site.take, item(f"late {step} {n}", text_of(10**6 + 10 * step + n))) for n in range(4)],
            )
        site.score()
    # The last window may have waited for the scores of what came meanwhile.
    ask(site)

    assert sum(times for _, times in log(site)) == 1 + 5
    assert len(site.rows(MentionBrand)) == 1 + 5 * 29


WORKER = """
import sys, time
from datetime import datetime, timedelta
from listener.jobs.windows import evaluate_due
from listener.store.engine import Store
store, now = Store(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for step in range(int(sys.argv[3])):
    evaluate_due(store, now + step * timedelta(minutes=5))
"""


def workers(url: str, steps: int, number: int) -> Iterator[subprocess.Popen[str]]:
    for _ in range(number):
        yield subprocess.Popen(
            [sys.executable, "-c", WORKER, url, NOON.isoformat(), str(steps)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip


@pytest.mark.postgres
def test_two_processes_of_which_one_is_killed_evaluate_every_window_once(
    postgres_store: Any, postgres_url: str, clock: Any
) -> None:
    site, steps = Site(postgres_store, clock), 12
    brand = site.brand(alerting=OFF | {"spike": SMALL})
    usual(site, brand, site.source(every_s=600))
    for step in range(steps):
        said(site, 20, step * FIVE - timedelta(minutes=1), first=100 * (step + 1))
    pair = list(workers(postgres_url, steps, 2))
    try:
        for one in pair:
            assert one.stdout is not None
            assert one.stdin is not None
            one.stdout.readline()
            one.stdin.write("go\n")
            one.stdin.flush()
        while len(windows_of(site)) < 4:
            assert pair[0].poll() is None or pair[1].poll() is None
        os.kill(pair[0].pid, signal.SIGKILL)
        assert pair[1].wait(timeout=60) == 0
    finally:
        for one in pair:
            with suppress(ProcessLookupError):
                one.kill()
            one.wait()
            for pipe in (one.stdin, one.stdout):
                if pipe is not None:
                    pipe.close()

    said_of = windows_of(site)
    assert len(said_of) == len(set(said_of)) == 2 * steps
    assert [row.count for row in site.rows(Alert)] == [20 * steps]
    assert kinds(site).count(EventKind.OPENED) == 1


@pytest.mark.parametrize(("minute", "down"), [(0, 0), (4.99, 0), (5, 5), (59, 55)])
def test_windows_end_at_whole_multiples_of_their_interval(minute: float, down: int) -> None:
    assert floor(NOON + timedelta(minutes=minute), FIVE) == NOON + timedelta(minutes=down)


def test_a_clock_that_was_ahead_silences_no_rule(feed: Site) -> None:
    evaluate_due(feed.store, NOON + timedelta(days=365))
    said(feed, 25, -timedelta(minutes=10))
    assert ask(feed) == 2

    assert spike(feed).opened_at == NOON
    assert {row.until for row in feed.rows(Evaluated)} == {NOON}
    assert ask(feed, minutes=5) == 2
    assert log(feed)[-1] == (Reason.WINDOW_STILL_FIRES, 1)


@pytest.mark.parametrize(("gone", "why"), [(True, Reason.BRAND_OFF), (False, Reason.RULE_OFF)])
def test_what_is_not_asked_any_more_is_over_and_begins_anew(feed: Site, gone: bool, why: Reason) -> None:
    said(feed, 25, -timedelta(minutes=10))
    ask(feed)
    with feed.store.transaction() as session:
        if gone:
            brands.retire_brands(session, [])
        else:
            session.connection().execute(update(table(Brand)).values(alerting=OFF | {"spike": False}))
    ask(feed, minutes=5)

    assert (spike(feed).state, spike(feed).resolved_why) == ("resolved", why)
    assert {row.rule for row in feed.rows(Evaluated)} == {"coverage"}
    with feed.store.transaction() as session:
        session.connection().execute(update(table(Brand)).values(active=True, alerting=OFF | {"spike": SMALL}))
    ask(feed, days=3)
    assert Reason.WINDOW_MISSED not in [reason for reason, _ in log(feed)]


def test_windows_of_another_length_end_at_whole_multiples_of_it(feed: Site) -> None:
    ask(feed, minutes=25)
    with feed.store.transaction() as session:
        session.connection().execute(update(table(Brand)).values(alerting=OFF | {"spike": SMALL | {"every": "1h"}}))
    ask(feed, minutes=30)
    assert {row.until for row in feed.rows(Evaluated) if row.rule == "spike"} == {NOON + 5 * FIVE}
    ask(feed, minutes=6)
    assert {row.until for row in feed.rows(Evaluated) if row.rule == "spike"} == {NOON + HOUR}


def test_what_was_deleted_while_a_window_was_loaded_is_no_part_of_its_incident(
    feed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    said(feed, 25, -timedelta(minutes=10))
    load = WindowData.load

    def and_hide(*args: Any) -> WindowData:
        loaded = load(*args)
        with feed.store.transaction() as session:
            newest = sorted(pair.id for pair in feed.rows(MentionBrand) if pair.id is not None)[-3:]
            session.connection().execute(
                update(table(MentionBrand)).where(table(MentionBrand).c.id.in_(newest)).values(hidden_why="by_hand")
            )
        return loaded

    monkeypatch.setattr(WindowData, "load", and_hide)
    ask(feed)

    assert spike(feed).count == len(feed.rows(AlertMention)) == 22
