"""A team gets its digest once, in its own time and language, of what was said, done and missed."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from alerts.digest_period import Every, at, latest
from alerts.notice import Notice, NoticeKind
from alerts.policy import Policy
from listener.coverage import Stretch
from listener.items import Author
from listener.jobs import digest as job
from listener.jobs.alert import judge_batch
from listener.jobs.decide import decide_batch
from listener.jobs.digest import Digests, compose, send_due, send_now
from listener.store import coverage, life
from listener.store.tables import Audit, Delivery
from tests.listener.conftest import BrokenOff, Site, item, together

HOUR = timedelta(hours=1)
# 8:00 on Monday, 23 November 2026, in Madrid.
DUE = datetime(2026, 11, 23, 7, tzinfo=UTC)
ANA = Author("ana", handle="ana")
CARE: dict[str, Any] = {
    "name": "care", "timezone": "Europe/Madrid", "channels": ["mail"], "digest": {"daily": "08:00", "weekly": "mon"},
}  # fmt: skip


def made_with(site: Site, *teams: dict[str, Any], channels: tuple[str, ...] = ("log", "mail")) -> Digests:
    policy = Policy.model_validate({"teams": list(teams or (CARE,))})
    return Digests(site.store, policy, channels, "https://escucha.example")


def send(site: Site, *teams: dict[str, Any], **changes: Any) -> int:
    """As the stage does a minute later than the last time anybody asked."""
    site.clock.advance(minutes=1)
    return send_due(made_with(site, *teams, **changes), site.clock())


def notices(site: Site) -> list[Notice]:
    return [Notice.from_json(row.notice) for row in site.rows(Delivery) if row.kind == "digest"]


def lines(notice: Notice, heading: str) -> tuple[str, ...]:
    return next(section.lines for section in notice.sections if section.heading == heading)


def left_out(site: Site) -> list[tuple[str, str]]:
    return [(row.detail["every"], row.detail["why"]) for row in site.rows(Audit) if row.action == "digest_left_out"]


def words_of(notice: Notice) -> str:
    """All of it but what strangers said; pictures are no words."""
    return replace(notice, quotes=(), charts=tuple(replace(chart, png="") for chart in notice.charts)).to_json()


@pytest.fixture
def week(site: Site) -> Site:
    """Two brands in one source, and two days of what was said: four detractors and one promoter on the last of them,
    one detractor the day before, a competitor's three, and one incident that somebody acknowledged after 20 minutes."""
    site.clock.now = DUE - 30 * 24 * HOUR
    site.brand(alerting={"detractor": {"window": "1d"}, "promoter": False})
    site.brand("Nubia", role="competitor")
    site.source()
    site.clock.now = DUE - 20 * HOUR

    def said(number: int, text: str, hours: float, **more: Any) -> Any:
        return item(str(number), text, created_at=DUE - hours * HOUR, **more)

    site.take(
        said(1, "Aeroluz lost my bag and nobody answers the telephone", 20, reach=900, author=ANA),
        said(2, "never again with Aeroluz, four hours of delay without a word", 19.5, reach=12),
        said(3, "Aeroluz charges for water on a flight of nine hours", 19, reach=40),
        said(4, "the seats of Aeroluz are broken", 18.5),
        said(5, "what a crew, thank you Aeroluz", 18, reach=300),
        said(6, "Aeroluz is late as always", 30, reach=5),
        said(7, "Nubia flies to Lima now", 10), said(8, "Nubia has a new lounge", 9), said(9, "Nubia, why?", 8),
    )  # fmt: skip
    site.score({1: "detractor", 2: "detractor", 3: "detractor", 4: "detractor", 5: "promoter", 6: "detractor"})
    site.score({7: "passive", 8: "promoter", 9: None})
    judge_batch(site.store, site.clock())
    decide_batch(site.store, Policy(), {"log": False}, "https://escucha.example", site.clock())
    with site.store.transaction() as session:
        life.act(session, 1, "acknowledge", "ana", site.clock.advance(minutes=20))
    site.clock.now = DUE - HOUR
    send(site)
    site.clock.now = DUE
    return site


def test_the_first_digest_is_the_next_one_that_falls_due(week: Site) -> None:
    assert notices(week) == []
    assert send(week, CARE | {"digest": {"daily": "08:00"}}) == 1
    assert [row.channel for row in week.rows(Delivery) if row.kind == "digest"] == ["mail"]
    assert left_out(week) == []


def test_what_a_digest_says(week: Site) -> None:
    send(week, CARE | {"digest": {"daily": "08:00"}})

    (notice,) = notices(week)
    assert notice.kind is NoticeKind.DIGEST
    assert notice.title == "Daily digest: 2026-11-22 08:00 CET to 2026-11-23 08:00 CET"
    assert notice.why == "5 mentions (+400%); net inferred stance −60% [−100% to +18%]; incidents: 1."
    assert lines(notice, "Aeroluz") == (
        "Mentions: 5 (+400%)",
        "Promoters: 1, 20% [3.6% to 62%] (+20.0 points)",
        "Passives: 0, 0% [0% to 43%] (as before)",
        "Detractors: 4, 80% [38% to 96%] (−20.0 points)",
        "Net inferred stance: −60% [−100% to +18%] (+40.0 points)",
        "Reach: 1,252 people at most (×250)",
    )
    assert lines(notice, "Share of voice") == (
        "Aeroluz: 62% [31% to 86%] (−37.5 points)", "Nubia: 38% [14% to 69%] (+37.5 points)",
        "of 8 mentions in the sources they share",
    )  # fmt: skip
    assert lines(notice, "Incidents") == (
        "Opened: 1 (none before): 1 warning",
        "Acknowledged: 1, half of them within 20m, the slowest after 20m",
        "Within the service level: 100% [21% to 100%]",
    )
    assert lines(notice, "Open now") == (
        "#1 Aeroluz: detractors, 5 mentions, warning, acknowledged, since 2026-11-22 12:00 CET",
    )
    assert [(one.label, one.author) for one in notice.quotes[:2]] == [("detractor", "ana"), ("promoter", None)]
    assert [chart.name for chart in notice.charts] == ["mentions-1", "share-of-voice"]
    assert all(chart.data.startswith(b"\x89PNG") for chart in notice.charts)
    assert "nps" not in words_of(notice).lower()


def test_a_weekly_digest_draws_days_and_says_so_in_spanish(week: Site) -> None:
    spanish = CARE | {"language": "es", "digest": {"weekly": "mon"}}

    assert send(week, spanish) == 1

    (notice,) = notices(week)
    assert notice.language == "es"
    assert notice.title == "Resumen semanal: 2026-11-16 08:00 CET a 2026-11-23 08:00 CET"
    net = "−67\u00a0% [−100\u00a0% a +4,8\u00a0%]"
    assert notice.why == f"6 menciones (ninguna antes); postura inferida neta {net}; incidencias: 1."
    assert "menciones por día" in notice.charts[0].alt
    assert notice.facts[0] == ("Menciones", "6 (ninguna antes)")


def test_a_digest_is_sent_once_however_often_it_is_looked_for(week: Site) -> None:
    assert [send(week), send(week), send(week)] == [2, 0, 0]
    week.clock.advance(hours=24)

    assert send(week) == 1
    assert len({row.key for row in week.rows(Delivery) if row.kind == "digest"}) == 3


def test_two_processes_that_look_at_once_send_one(week: Site) -> None:
    week.clock.advance(minutes=1)
    made = made_with(week)

    put = together(*[lambda: send_due(made, week.clock())] * 4)

    assert sum(put) == 2
    assert sorted(notice.key.split("-")[1] for notice in notices(week)) == ["daily", "weekly"]


def test_two_processes_that_have_both_written_a_digest_put_one(week: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    # Neither claims before both have written: the turn is no lock, and one of them may be slow.
    both = threading.Barrier(2)
    written = job.compose

    def slowly(*args: Any, **more: Any) -> Notice:
        notice = written(*args, **more)
        both.wait(timeout=30)
        return notice

    monkeypatch.setattr(job, "compose", slowly)
    monkeypatch.setattr(job, "take_turn", lambda *_: True)
    made = made_with(week, CARE | {"digest": {"daily": "08:00"}})
    week.clock.advance(minutes=1)

    put = together(*[lambda: send_due(made, week.clock())] * 2)

    assert sorted(put) == [0, 1]
    assert len(notices(week)) == 1


def test_one_that_dies_before_it_is_kept_is_written_anew(week: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise BrokenOff

    with monkeypatch.context() as patch:
        patch.setattr(job.deliveries, "put", die)
        with pytest.raises(BrokenOff):
            send(week, CARE | {"digest": {"daily": "08:00"}})
    assert notices(week) == []

    assert send(week, CARE | {"digest": {"daily": "08:00"}}) == 1


def test_what_fell_due_while_nobody_was_there_comes_late_or_stands_in_the_audit(week: Site) -> None:
    week.clock.advance(hours=72 + 20)

    assert send(week) == 1

    (notice,) = notices(week)
    assert notice.key.startswith("digest-daily")
    nobody = "nobody was there to send it within a day"
    assert left_out(week) == [("daily", nobody)] * 3 + [("weekly", nobody)]
    dues = [row.detail["due"] for row in week.rows(Audit)]
    assert dues == [(DUE + day * 24 * HOUR).isoformat() for day in (0, 1, 2, 0)]


def test_a_team_without_a_channel_or_a_brand_is_told_of_in_the_audit(week: Site) -> None:
    daily = {"digest": {"daily": "08:00"}}

    assert send(week, CARE | daily | {"channels": ["gone"]}) == 0
    assert left_out(week) == [("daily", "the team has no channel that is set up here")]
    week.clock.advance(hours=24)
    assert send(week, CARE | daily | {"brands": ["Nobody"]}) == 0
    assert left_out(week)[1:] == [("daily", "no brand of the team care is listened for, so it has no digest")]


def test_a_failure_with_one_team_stops_no_other(week: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    written = job.compose

    def broken(session: Session, team: Any, *args: Any, **more: Any) -> Notice:
        if team.name == "care":
            raise RuntimeError("no chart")
        return written(session, team, *args, **more)

    monkeypatch.setattr(job, "compose", broken)
    press = {"name": "press", "channels": ["log"], "digest": {"daily": "06:30"}}
    week.clock.now = DUE - 50 * timedelta(minutes=1)
    send(week, press)
    week.clock.now = DUE

    assert send(week, CARE | {"digest": {"daily": "08:00"}}, press) == 1
    week.clock.advance(minutes=1)
    with pytest.raises(RuntimeError, match="no chart"):
        send(week, CARE | {"digest": {"daily": "08:00"}}, press)


def test_nothing_happened_is_one_line(site: Site) -> None:
    site.clock.now = DUE - 20 * 24 * HOUR
    site.brand()
    site.clock.now = DUE - HOUR
    send(site, CARE | {"digest": {"daily": "08:00"}})
    site.clock.now = DUE

    send(site, CARE | {"digest": {"daily": "08:00"}})

    (notice,) = notices(site)
    assert notice.why == "Nothing happened in this period: no mentions, no incidents. All sources were read."
    assert (notice.facts, notice.sections, notice.quotes, notice.charts) == ((), (), (), ())


def test_what_was_not_read_is_told_and_nothing_is_no_longer_nothing(site: Site) -> None:
    site.clock.now = DUE - 20 * 24 * HOUR
    site.brand()
    source_id = site.source(every_s=600)
    with site.store.transaction() as session:
        coverage.mark(session, source_id, listened_from=DUE - 48 * HOUR, covered_to=DUE)
        coverage.cover(session, source_id, Stretch(DUE - 48 * HOUR, DUE - 20 * HOUR))
        coverage.cover(session, source_id, Stretch(DUE - 16.5 * HOUR, DUE))
    with site.store.reading() as session:
        made = made_with(site)
        team = made.policy.teams[0]
        notice = compose(session, team, at(team, Every.DAILY, DUE), made.policy, "https://here", DUE)

    assert notice.why.endswith("But not everything was read, so there may have been some.")
    assert lines(notice, "Not read")[0] == "feed: 3h30m of 1d missing"


def test_what_strangers_said_is_in_quotations_alone(week: Site) -> None:
    send(week)

    for notice in notices(week):
        assert {one.author for one in notice.quotes} >= {"ana"}
        assert "lost my bag" in notice.to_json()
        assert "lost my bag" not in words_of(notice)
        assert "ana" not in words_of(notice)


def test_a_digest_that_is_asked_for_is_sent_whatever_was_sent_before(week: Site) -> None:
    send(week)
    made = made_with(week)
    team = made.policy.teams[0]
    period = latest(team, Every.DAILY, week.clock())
    assert period is not None

    assert send_now(made, team, period, week.clock()) == ["mail"]
    week.clock.advance(seconds=1)
    assert send_now(made, team, period, week.clock()) == ["mail"]

    asked = [row for row in week.rows(Delivery) if row.reason == "asked_for"]
    assert len({row.key for row in asked}) == 2
    with pytest.raises(LookupError, match="has no channel"):
        send_now(made_with(week, channels=("log",)), team, period, week.clock())


def test_a_clock_that_was_far_ahead_and_is_set_right_silences_nobody(week: Site) -> None:
    right = week.clock()
    week.clock.now = right + timedelta(days=400)
    send(week)
    week.clock.now = right

    assert send(week) == 2
