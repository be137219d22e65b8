"""Sources that fell silent, fail, or have stopped: one incident each."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.reasons import Reason
from alerts.rule import Assessment, SourceState, Window
from alerts.rules.coverage import RULE, CoverageSettings, assess

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def state(**changes: Any) -> SourceState:
    fields: dict[str, Any] = {
        "name": "news", "kind": "rss", "every": timedelta(minutes=10), "listened_from": NOON - timedelta(days=30),
        "last_success_at": NOON, "silent": HOUR, "usual_gap": 4 * HOUR, "failing_since": None,
        "stopped": False, "error": None,
    }  # fmt: skip
    return SourceState(**fields | changes)


def judge(*states: SourceState, **options: Any) -> list[Assessment]:
    return list(assess(Window(NOON, sources=states), CoverageSettings(**options)))


def test_a_source_that_is_read_and_speaks_is_well() -> None:
    (found,) = judge(state())

    assert (found.fires, found.reason, found.group) == (False, Reason.SOURCE_WELL, "news")


def test_each_source_is_a_matter_of_its_own() -> None:
    found = judge(state(name="a"), state(name="b", stopped=True), state(name="c", failing_since=NOON - 2 * HOUR))

    assert [(one.group, one.fires) for one in found] == [("a", False), ("b", True), ("c", True)]


def test_silence_counts_against_what_is_usual_for_the_source() -> None:
    (quiet,) = judge(state(silent=11 * HOUR))
    (silent,) = judge(state(silent=12 * HOUR))

    assert (quiet.fires, silent.fires, silent.reason) == (False, True, Reason.SOURCE_SILENT)
    assert silent.because == ("nothing new from the source news in 12h of reading it; its longest usual silence is 4h")


def test_a_source_that_is_never_silent_for_long_has_six_hours_all_the_same() -> None:
    usual = timedelta(minutes=5)
    assert not judge(state(usual_gap=usual, silent=5 * HOUR))[0].fires
    assert judge(state(usual_gap=usual, silent=6 * HOUR))[0].fires
    assert judge(state(usual_gap=usual, silent=2 * HOUR), silent=HOUR)[0].fires


def test_of_a_source_that_hardly_ever_spoke_nobody_knows_what_is_usual() -> None:
    assert not judge(state(usual_gap=None, silent=timedelta(days=20)))[0].fires
    assert not judge(state(silent=None, usual_gap=HOUR))[0].fires


def test_failures_are_told_after_an_hour_or_two_intervals() -> None:
    (found,) = judge(state(failing_since=NOON - HOUR, error="503 Service\nUnavailable"))

    assert (found.fires, found.reason) == (True, Reason.SOURCE_FAILING)
    assert found.because.startswith("reading the source news has failed since 2026-11-21 11:00 UTC (1h): 503 Service")
    assert "\n" not in found.because
    assert not judge(state(failing_since=NOON - HOUR / 2))[0].fires
    assert not judge(state(failing_since=NOON - 5 * HOUR, every=6 * HOUR))[0].fires
    assert judge(state(failing_since=NOON - 12 * HOUR, every=6 * HOUR))[0].fires


def test_a_stopped_source_is_told_at_once() -> None:
    (found,) = judge(state(stopped=True, error="401 Unauthorized"))

    assert (found.fires, found.reason) == (True, Reason.SOURCE_STOPPED)
    assert found.because.endswith("waits for a person: 401 Unauthorized")


def test_it_is_asked_once_for_the_whole_installation() -> None:
    assert (RULE.per, RULE.needs) == ("installation", {"sources"})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"failing": timedelta(0)}, "failing"),
        ({"silent": timedelta(0)}, "silent"),
        ({"silent_times": 0.5}, "silent_times"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        CoverageSettings(**options)
