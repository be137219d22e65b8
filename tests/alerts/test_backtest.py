"""What a change of settings changes, and what counts in a rate."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alerts.backtest import Backtest, Found, MentionReplay, WindowReplay, compare
from alerts.incident import Incident
from alerts.mentions import ScoredMention
from alerts.reasons import Reason
from alerts.rule import Assessment, WindowSettings
from alerts.rules.detractor import DetractorSettings, judge
from tests.alerts.conftest import NOON

HOUR = timedelta(hours=1)
DAY = [(NOON - 12 * HOUR, NOON + 12 * HOUR)]


def replay(**settings: Any) -> MentionReplay:
    rule = DetractorSettings(**settings)
    return MentionReplay("detractor", rule, lambda one: judge(one, rule))


def found(replayed: MentionReplay | WindowReplay, read: Sequence[tuple[datetime, datetime]] = DAY) -> Backtest:
    return replayed.result("Aeroluz", NOON - 12 * HOUR, NOON + 12 * HOUR, read)


def said(number: int, hours: float, **more: Any) -> ScoredMention:
    """A clear detractor, written and collected so many hours after noon."""
    at = NOON + hours * HOUR
    fields: dict[str, Any] = {
        "id": number, "brand": "Aeroluz", "text": "Aeroluz lost my bag", "source": "rss", "created_at": at,
        "collected_at": at, "label": "detractor", "stance": {"-2": 0.9, "0": 0.1}, "polarity": {"negative": 0.9},
        "model": "m", "revision": "1",
    }  # fmt: skip
    return ScoredMention(**fields | more)


def test_a_stricter_setting_keeps_drops_and_adds_nothing() -> None:
    mentions = [said(1, 0, reach=10), said(2, 1, reach=500), said(3, 6, reach=20)]
    loose, strict = replay(), replay(min_reach=100)
    for one in mentions:
        loose.show(one)
        strict.show(one)

    change = compare(found(loose), found(strict))

    assert [one.members for one in change.gone] == [{3}]
    assert [(before.members, after.members) for before, after in change.staying] == [({1, 2}, {2})]
    assert (change.new, change.kept) == ([], 1)


def test_two_that_become_one_are_both_kept() -> None:
    short, long = replay(window=HOUR), replay(window=4 * HOUR)
    for one in (said(1, 0), said(2, 2)):
        short.show(one)
        long.show(one)

    change = compare(found(short), found(long))

    assert (len(change.staying), change.kept, change.new, change.gone) == (1, 2, [], [])


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 9)), max_size=30), st.integers(0, 9), st.integers(0, 9))
def test_every_incident_stays_goes_or_is_new(mentions: list[tuple[int, int]], one: int, other: int) -> None:
    first, second = replay(min_reach=one, window=HOUR), replay(min_reach=other, window=2 * HOUR)
    for number, (hour, reach) in enumerate(mentions):
        for each in (first, second):
            each.show(said(number, hour - 10, reach=reach))

    change = compare(found(first), found(second))

    assert len(change.new) + len(change.staying) == len(change.proposed.told)
    assert len(change.gone) + change.kept == len(change.in_force.told)
    if one == other:
        assert not change.gone


def test_only_what_began_in_time_that_was_read_is_in_the_rate() -> None:
    rule = replay()
    for one in (said(1, -11), said(2, 3)):
        rule.show(one)

    backtest = found(rule, [(NOON, NOON + 12 * HOUR)])

    assert [one.covered for one in backtest.found] == [False, True]
    assert backtest.rate is not None
    assert (backtest.rate.count, backtest.rate.exposure) == (1, 12 * HOUR)
    assert found(rule, []).rate is None


def test_what_is_too_small_to_tell_is_found_and_not_counted() -> None:
    rule = replay(tell_at=2)
    for one in (said(1, -6), said(2, 3), said(3, 4)):
        rule.show(one)

    backtest = found(rule)

    assert [one.told for one in backtest.found] == [False, True]
    assert backtest.rate is not None
    assert backtest.rate.count == 1


def test_copies_join_what_the_first_one_led_to() -> None:
    rule = replay(min_reach=100)
    reasons = [
        rule.show(said(1, 0, reach=10), 1), rule.show(said(2, 1, reach=300), 1), rule.show(said(3, 2, reach=7), 1),
        rule.show(said(4, 3, reach=900), 4),
    ]  # fmt: skip
    rule.speak_for(9)

    assert reasons == [Reason.BELOW_REACH, Reason.OPENED_INCIDENT, Reason.COPY, Reason.JOINED_INCIDENT]
    assert rule.show(said(5, 4, reach=900), 9) is Reason.COPY
    (one,) = found(rule).found
    assert (one.members, one.incident.count, one.incident.reach) == ({2, 3, 4}, 2, 1207)
    assert one.incident.id is None
    assert one.example is not None
    assert one.example.id == 4


def test_a_window_rules_incident_goes_on_wavers_and_ends() -> None:
    windows = WindowReplay("spike", "Aeroluz", WindowSettings())
    people = {number: said(number, 0, reach=number) for number in range(5)}

    def window(minutes: int, *mentions: int, fires: bool = True, group: str = "") -> None:
        reason = Reason.WINDOW_FIRES if fires else Reason.WINDOW_QUIET
        until = NOON + timedelta(minutes=minutes)
        windows.show([Assessment(fires, reason, "much", group=group, mentions=mentions)], until, people.get)

    window(0, 1, 2)
    assert windows.firing() is not None
    window(5, 2, 3)
    window(10, fires=False)
    window(30, 4)
    window(35, fires=False)
    window(70, 1)

    first, second = found(windows).found
    assert (first.incident.opened_at, first.incident.last_at) == (NOON, NOON + timedelta(minutes=35))
    assert (first.members, first.incident.count, first.incident.reach) == ({1, 2, 3, 4}, 4, 10)
    assert second.incident.opened_at == NOON + timedelta(minutes=70)


def test_incidents_without_mentions_are_counterparts_where_they_overlap() -> None:
    def backtest(*hours: tuple[float, float], group: str = "feed") -> Backtest:
        incidents = [
            Incident(None, None, "coverage", NOON + begin * HOUR, NOON + end * HOUR, 0, 0, group)
            for begin, end in hours
        ]
        made = tuple(Found(one, frozenset(), None) for one in incidents)
        return Backtest("coverage", None, WindowSettings(), NOON, NOON + 9 * HOUR, made, 9 * HOUR, None, {})

    change = compare(backtest((0, 2), (5, 6)), backtest((1, 3), (7, 8)))

    assert (len(change.staying), len(change.gone), len(change.new)) == (1, 1, 1)
    assert compare(backtest((0, 2)), backtest((0, 2), group="other")).staying == []
