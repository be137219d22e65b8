"""What holds messages back, and until when: silences, quiet hours, greater incidents."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.incident import Incident, State
from alerts.muting import HORIZON, Silence, inhibited_by, quiet_until, silenced_by
from alerts.policy import DAYS, DEFAULT_INHIBITIONS, Inhibition, Team
from alerts.severity import Severity

Make = Callable[..., Incident]
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MADRID = ZoneInfo("Europe/Madrid")


def quiet(*hours: dict[str, Any], timezone: str = "Europe/Madrid") -> Team:
    return Team.model_validate({"name": "care", "timezone": timezone, "quiet": list(hours)})


NIGHT = {"from": "22:00", "to": "07:00"}


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=MADRID)


@pytest.mark.parametrize(
    ("matchers", "mutes"),
    [
        ({}, True), ({"brand": ["Aeroluz"]}, True), ({"brand": ["Nubia", "Aeroluz"]}, True), ({"brand": ["X"]}, False),
        ({"severity": ["warning"]}, True), ({"severity": ["critical"]}, False), ({"language": ["es"]}, True),
        ({"platform": ["rss"]}, False), ({"brand": ["Aeroluz"], "rule": ["spike"]}, False),
    ],
)  # fmt: skip
def test_a_silence_mutes_what_is_all_of_what_it_asks(an_incident: Make, matchers: Any, mutes: bool) -> None:
    incident = an_incident(languages=frozenset({"es"}), platforms=frozenset({"x"}))
    assert Silence(1, matchers, NOON, NOON + HOUR).holds(incident, NOON) is mutes


def test_a_silence_holds_from_its_beginning_to_just_before_its_end(an_incident: Make) -> None:
    silence = Silence(1, {}, NOON, NOON + HOUR)
    instants = [NOON - timedelta(microseconds=1), NOON, NOON + HOUR - timedelta(microseconds=1), NOON + HOUR]
    assert [silence.holds(an_incident(), at) for at in instants] == [False, True, True, False]


def test_of_several_silences_the_one_that_ends_last_is_named(an_incident: Make) -> None:
    some = [Silence(1, {}, NOON, NOON + HOUR), Silence(2, {}, NOON, NOON + 2 * HOUR), Silence(3, {}, NOON - HOUR, NOON)]
    found = silenced_by(an_incident(), some, NOON)
    assert found is not None
    assert found.id == 2
    assert silenced_by(an_incident(), some, NOON + 2 * HOUR) is None


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-21T21:59", None), ("2026-11-21T22:00", "2026-11-22T07:00"), ("2026-11-22T00:00", "2026-11-22T07:00"),
        ("2026-11-22T06:59", "2026-11-22T07:00"), ("2026-11-22T07:00", None),
        # The clocks go forward at two on this night, and back at three on the other.
        ("2026-03-28T23:00", "2026-03-29T07:00"), ("2026-10-24T23:00", "2026-10-25T07:00"),
    ],
)  # fmt: skip
def test_a_night_goes_past_midnight_in_the_team_s_own_time(at: str, until: str | None) -> None:
    found = quiet_until(quiet(NIGHT), Severity.WARNING, local(at).astimezone(UTC))
    assert found == (None if until is None else local(until))


@pytest.mark.parametrize(
    ("start", "hours"), [("2026-03-28T22:00", 8), ("2026-10-24T22:00", 10), ("2026-11-21T22:00", 9)]
)
def test_a_night_on_which_the_clocks_change_is_an_hour_shorter_or_longer(start: str, hours: int) -> None:
    began = local(start).astimezone(UTC)
    assert quiet_until(quiet(NIGHT), Severity.INFO, began) == began + timedelta(hours=hours)


def test_quiet_hours_may_begin_at_a_time_that_does_not_exist() -> None:
    team = quiet({"from": "02:30", "to": "05:00"})
    at = datetime(2026, 3, 29, 1, 45, tzinfo=UTC)  # 03:45 in Madrid
    assert quiet_until(team, Severity.INFO, at) == local("2026-03-29T05:00")


def test_days_are_those_on_which_the_hours_begin() -> None:
    team = quiet(NIGHT | {"days": ["fri"]})
    assert quiet_until(team, Severity.INFO, local("2026-11-20T23:00")) == local("2026-11-21T07:00")
    assert quiet_until(team, Severity.INFO, local("2026-11-21T06:00")) == local("2026-11-21T07:00")
    assert quiet_until(team, Severity.INFO, local("2026-11-20T06:00")) is None
    assert quiet_until(team, Severity.INFO, local("2026-11-21T23:00")) is None


def test_hours_that_follow_on_each_other_end_together() -> None:
    weekend = {"days": ["sat", "sun"], "from": "00:00", "to": "24:00"}
    team = quiet(NIGHT, weekend)
    assert quiet_until(team, Severity.INFO, local("2026-11-20T23:00")) == local("2026-11-23T07:00")


def test_what_matters_enough_is_not_held_back() -> None:
    at = local("2026-11-21T23:00")
    assert quiet_until(quiet(NIGHT), Severity.CRITICAL, at) is None
    assert quiet_until(quiet(NIGHT | {"unless": "warning"}), Severity.WARNING, at) is None
    assert quiet_until(quiet(NIGHT | {"unless": "warning"}), Severity.INFO, at) is not None
    assert quiet_until(None, Severity.INFO, at) is None


def test_hours_that_never_end_are_looked_at_again() -> None:
    team = quiet({"from": "00:00", "to": "24:00"})
    found = quiet_until(team, Severity.INFO, NOON)
    assert found is not None
    assert HORIZON <= found - NOON <= HORIZON + timedelta(days=1)


hours = st.fixed_dictionaries(
    {
        "days": st.lists(st.sampled_from(DAYS), min_size=1, unique=True),
        "from": st.integers(0, 47).map(lambda half: f"{half // 2:02}:{half % 2 * 30:02}"),
        "to": st.integers(0, 47).map(lambda half: f"{half // 2:02}:{half % 2 * 30:02}"),
    }
)


@settings(deadline=None, max_examples=25)
@given(
    some=st.lists(hours, max_size=3),
    zone=st.sampled_from(["Europe/Madrid", "America/New_York", "Pacific/Auckland", "Asia/Kolkata", "UTC"]),
    at=st.integers(0, 366 * 48).map(lambda half: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=30 * half)),
)
def test_quiet_hours_end_and_at_their_end_people_are_told(some: list[Any], zone: str, at: datetime) -> None:
    team = quiet(*some, timezone=zone)
    until = quiet_until(team, Severity.INFO, at)
    if until is None:
        return
    assert until > at
    if until - at < HORIZON:
        assert quiet_until(team, Severity.INFO, until) is None
        assert quiet_until(team, Severity.INFO, until - timedelta(seconds=1)) == until


@settings(deadline=None, max_examples=25)
@given(
    some=hours,
    at=st.integers(0, 300 * 48).map(lambda half: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=30 * half)),
)
def test_where_no_clock_changes_it_is_quiet_when_the_clock_on_the_wall_says_so(some: Any, at: datetime) -> None:
    team = quiet(some, timezone="Asia/Kolkata")
    wall = at.astimezone(ZoneInfo("Asia/Kolkata"))
    since, until, now = some["from"], some["to"], wall.strftime("%H:%M")
    today, yesterday = DAYS[wall.weekday()], DAYS[wall.weekday() - 1]
    if since < until:
        expected = today in some["days"] and since <= now < until
    else:
        expected = (today in some["days"] and now >= since) or (yesterday in some["days"] and now < until)
    assert (quiet_until(team, Severity.INFO, at) is not None) is expected


def test_an_open_greater_incident_of_the_same_brand_speaks_for_a_lesser(an_incident: Make) -> None:
    mine = an_incident()
    spike = an_incident(id=8, rule="spike", opened_at=NOON - HOUR)
    for state in (State.OPEN, State.ACKNOWLEDGED):
        other = an_incident(id=8, rule="spike", state=state)
        assert inhibited_by(mine, [other], DEFAULT_INHIBITIONS) == other
    assert inhibited_by(mine, [an_incident(id=8, rule="spike", state=State.RESOLVED)], DEFAULT_INHIBITIONS) is None
    assert inhibited_by(mine, [an_incident(id=8, rule="spike", brand="Nubia")], DEFAULT_INHIBITIONS) is None
    assert inhibited_by(mine, [an_incident(id=8, rule="reach")], DEFAULT_INHIBITIONS) is None
    assert inhibited_by(spike, [mine], DEFAULT_INHIBITIONS) is None
    assert inhibited_by(mine, [an_incident(id=9, rule="crisis"), spike], DEFAULT_INHIBITIONS) == spike


def test_what_is_snoozed_speaks_for_nothing(an_incident: Make) -> None:
    asleep = an_incident(id=8, rule="spike", state=State.SNOOZED, snoozed_until=NOON + 20 * 24 * HOUR)
    assert inhibited_by(an_incident(), [asleep], DEFAULT_INHIBITIONS) is None


@pytest.mark.parametrize("mine", Severity)
@pytest.mark.parametrize("theirs", Severity)
def test_nothing_is_muted_by_what_is_less_severe(an_incident: Make, mine: Severity, theirs: Severity) -> None:
    spike = an_incident(id=8, rule="spike", severity=theirs)
    speaker = inhibited_by(an_incident(severity=mine), [spike], DEFAULT_INHIBITIONS)
    assert (speaker is not None) is (theirs.rank >= mine.rank)


def test_what_both_must_share_is_said_by_the_inhibition(an_incident: Make) -> None:
    rules = [Inhibition(by=("spike",), of=("detractor",), same=("brand", "platform"))]
    spike = an_incident(id=8, rule="spike", platforms=frozenset({"x", "rss"}))
    assert inhibited_by(an_incident(platforms=frozenset({"x"})), [spike], rules) == spike
    assert inhibited_by(an_incident(platforms=frozenset({"reddit"})), [spike], rules) is None
    anywhere = [Inhibition(by=("spike",), of=("detractor",), same=())]
    assert inhibited_by(an_incident(brand="Nubia"), [spike], anywhere) == spike


def test_incidents_on_both_sides_do_not_mute_each_other(an_incident: Make) -> None:
    rules = [Inhibition(by=("spike", "crisis"), of=("spike", "crisis", "detractor"))]
    spike, crisis = an_incident(id=8, rule="spike"), an_incident(id=9, rule="crisis")
    assert inhibited_by(spike, [crisis, spike], rules) is None
    assert inhibited_by(crisis, [crisis, spike], rules) is None
    assert inhibited_by(an_incident(), [crisis, spike], rules) is not None


def test_an_incident_never_mutes_itself(an_incident: Make) -> None:
    rules = [Inhibition(by=("detractor",), of=("detractor",))]
    assert inhibited_by(an_incident(), [an_incident()], rules) is None
