"""How soon people acted: episodes out of timelines, and what counts as in time, late, waiting or over by itself."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from alerts.life import Event, EventKind
from alerts.policy import DEFAULT_SERVICE, Level, Policy, Team
from alerts.service import By, Episode, Promise, episodes, figures, measure
from alerts.severity import Severity

NOON = datetime.fromisoformat("2026-11-21T12:00:00+00:00")


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def episode(**changes: Any) -> Episode:
    """A warning that began at noon, and was told at once."""
    fields: dict[str, Any] = {
        "incident": 1, "brand": "Aeroluz", "rule": "detractor", "severity": Severity.WARNING, "team": None,
        "started": NOON, "told": NOON,
    }  # fmt: skip
    return Episode(**{**fields, **changes})


def event(minutes: float, kind: EventKind, actor: str | None = "ana", **detail: Any) -> Event:
    return Event(at(minutes), kind, actor, detail)


def hour(_: Episode) -> Level:
    return Level(acknowledge=timedelta(hours=1), resolve=timedelta(hours=8))


class TestEpisodes:
    def test_an_incident_that_came_back_is_two_episodes(self) -> None:
        first, second = episodes(
            episode(),
            [
                event(5, EventKind.ACKNOWLEDGED), event(30, EventKind.RESOLVED),
                event(90, EventKind.REOPENED, None), event(100, EventKind.ENDED, None),
            ],
        )  # fmt: skip
        assert (first.started, first.acknowledged, first.over, first.by_itself) == (NOON, at(5), at(30), False)
        assert (second.started, second.acknowledged, second.over, second.by_itself) == (at(90), None, at(100), True)

    def test_each_episode_has_a_first_message_of_its_own(self) -> None:
        first, second, third = episodes(
            episode(told=None),
            [
                event(10, EventKind.TOLD, None), event(20, EventKind.TOLD, None), event(30, EventKind.ENDED, None),
                event(90, EventKind.REOPENED, None), event(95, EventKind.ESCALATED, None),
                event(99, EventKind.ENDED, None), event(200, EventKind.REOPENED, None),
            ],
        )  # fmt: skip
        assert (first.told, second.told, third.told) == (at(10), at(95), None)

    def test_only_whoever_takes_it_has_seen_it(self) -> None:
        (given,) = episodes(episode(), [event(5, EventKind.ASSIGNED, "ana", to="luis")])
        (taken,) = episodes(episode(), [event(5, EventKind.ASSIGNED, "luis", to="luis")])
        assert (given.acknowledged, taken.acknowledged) == (None, at(5))

    def test_to_resolve_it_at_once_is_to_have_seen_it(self) -> None:
        (one,) = episodes(episode(), [event(7, EventKind.RESOLVED)])
        assert one.acknowledged == one.over == at(7)

    def test_the_first_answer_counts_at_the_time_it_was_given_even_after_the_end(self) -> None:
        answered = event(50, EventKind.ANSWERED, None, at=at(12).isoformat())
        (one,) = episodes(episode(), [event(40, EventKind.ENDED, None), answered, event(60, EventKind.ANSWERED, None)])
        assert one.answered == at(12)

    def test_a_first_acknowledgement_is_not_moved_by_a_later_one(self) -> None:
        (one,) = episodes(episode(), [event(5, EventKind.ACKNOWLEDGED), event(50, EventKind.ACKNOWLEDGED)])
        assert one.acknowledged == at(5)


class TestMeasure:
    @pytest.mark.parametrize(
        ("one", "now", "expected"),
        [
            # (in time, judged, late and open, waiting, ended)
            (episode(acknowledged=at(60)), at(600), (1, 1, 0, 0, 0)),
            (episode(acknowledged=at(61)), at(600), (0, 1, 0, 0, 0)),
            (episode(), at(59), (0, 0, 0, 1, 0)),
            (episode(), at(61), (0, 1, 1, 0, 0)),
            (episode(over=at(30), by_itself=True), at(600), (0, 0, 0, 0, 1)),
            (episode(over=at(90), by_itself=True), at(600), (0, 1, 0, 0, 0)),
        ],
    )
    def test_what_counts_how(self, one: Episode, now: datetime, expected: tuple[int, ...]) -> None:
        found = measure([one], Promise.ACKNOWLEDGE, hour, now)
        judged = (found.within.part, found.within.whole) if found.within else (0, 0)
        assert (*judged, found.late_open, found.waiting, found.ended) == expected

    def test_what_ended_by_itself_was_resolved_by_nobody_however_long_it_took(self) -> None:
        found = measure([episode(over=at(6000), by_itself=True)], Promise.RESOLVE, hour, at(9000))
        assert (found.times, found.within, found.ended) == ((), None, 1)

    def test_without_a_promise_times_are_given_and_nothing_is_judged(self) -> None:
        found = measure([episode(answered=at(3)), episode()], Promise.ANSWER, hour, at(600))
        assert (found.times, found.within, found.promised) == ((timedelta(minutes=3),), None, False)

    def test_percentiles_are_times_that_somebody_took(self) -> None:
        found = measure([episode(acknowledged=at(m)) for m in range(1, 11)], Promise.ACKNOWLEDGE, hour, at(600))
        assert found.percentile(50) == timedelta(minutes=5)
        assert found.percentile(90) == timedelta(minutes=9)
        assert measure([], Promise.ACKNOWLEDGE, hour, NOON).percentile(50) is None

    def test_the_clock_starts_with_the_first_message(self) -> None:
        found = measure([episode(told=at(50), acknowledged=at(60))], Promise.ACKNOWLEDGE, hour, at(600))
        assert found.times == (timedelta(minutes=10),)

    def test_nobody_is_late_for_what_nobody_was_told_of(self) -> None:
        found = measure([episode(told=None), episode(told=None, over=at(90))], Promise.ACKNOWLEDGE, hour, at(600))
        assert (found.within, found.late_open, found.waiting, found.ended) == (None, 0, 0, 0)

    def test_an_answer_from_before_the_incident_was_opened_took_no_time(self) -> None:
        found = measure([episode(answered=at(-5))], Promise.ANSWER, lambda _: DEFAULT_SERVICE[Severity.WARNING], at(9))
        assert found.times == (timedelta(0),)


class TestFigures:
    def test_each_team_is_held_against_its_own_promise(self) -> None:
        strict = Team(name="press", service={Severity.WARNING: Level(acknowledge=timedelta(minutes=5))})
        found = figures(
            [episode(team="press", acknowledged=at(30)), episode(acknowledged=at(30))],
            Policy(teams=(strict,)), at(60), By.TEAM,
        )  # fmt: skip
        within = {one.name: one.measures[Promise.ACKNOWLEDGE].within for one in found}
        assert {name: share and share.part for name, share in within.items()} == {"press": 0, None: 1}

    def test_severities_come_from_the_worst_down(self) -> None:
        found = figures([episode(severity=severity) for severity in Severity], Policy(), NOON, By.SEVERITY)
        assert [one.name for one in found] == ["critical", "warning", "info"]

    def test_what_nobody_was_told_of_is_counted_apart(self) -> None:
        silent = episode(told=None, over=at(9), by_itself=True)
        (one,) = figures([episode(over=at(9), by_itself=True), silent, silent], Policy(), NOON)
        assert (one.episodes, one.by_themselves, one.untold) == (1, 1, 2)

    def test_nothing_at_all_is_one_row_of_nothing(self) -> None:
        (one,) = figures([], Policy(), NOON)
        assert (one.episodes, one.measures[Promise.RESOLVE].within) == (0, None)
