"""Deciding: what is told, to whom, how, and the first reason why not."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from alerts.channel import Mode
from alerts.incident import Incident, State
from alerts.muting import Silence
from alerts.news import Growth, Record, Told, is_kept
from alerts.notice import NoticeKind
from alerts.pipeline import Case, Decision, decide, told_after
from alerts.policy import Inhibition, Quiet, Route, Step, Team
from alerts.policy import Policy as Rules
from alerts.reasons import Reason
from alerts.routing import route
from alerts.severity import Severity

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EDITS = {"bot": True, "log": False, "boss": False}
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

Make = Callable[..., Incident]


class World:
    """One incident, what is set up around it, and what its channels have been told so far."""

    def __init__(self, incident: Incident, *channels: str, **route_says: Any) -> None:
        self.incident = incident
        self.policy = Rules(routes=(Route(channels=channels or ("log",), **route_says),))
        self.told: dict[str, Told] = {}
        self.at = NOON
        self.growth = Growth((5, 25))
        self.around: dict[str, Any] = {}
        self.woken_at: datetime | None = None
        self.acted_at: datetime | None = None
        self.next_look: datetime | None = None
        self.muted: dict[str, NoticeKind] = {}

    def case(self) -> Case:
        record = Record(NOON, self.told, self.growth, self.woken_at, self.acted_at, self.muted)
        destinations = route(self.incident, self.policy, None, tuple(EDITS))
        teams = {team.name: team for team in self.policy.teams}
        return Case(self.incident, destinations, record, EDITS, teams=teams, **self.around)

    def decide(self, **later: float) -> tuple[Decision, ...]:
        """Decide after some time, and carry it out."""
        self.at += timedelta(**later)
        case = self.case()
        outcome = decide(case, self.at)
        self.told |= told_after(case, outcome.decisions, self.at)
        self.next_look = outcome.next_look
        self.muted = kept(outcome.decisions)
        return outcome.decisions

    def change(self, *, acting: bool = False, **changes: Any) -> None:
        self.incident = replace(self.incident, version=self.incident.version + 1, **changes)
        if acting:
            self.acted_at = self.at


def kept(decisions: tuple[Decision, ...]) -> dict[str, NoticeKind]:
    """What the store gives back of these decisions at the next look."""
    held = [one for one in decisions if one.action == "hold" and one.kind is not None]
    return {one.channel: one.kind for one in held if one.kind is not None and is_kept(one.reason, one.kind)}


@pytest.fixture
def world(an_incident: Make) -> Callable[..., World]:
    return lambda *channels, **says: World(an_incident(), *channels, **says)


def only(decisions: tuple[Decision, ...], action: str, reason: Reason, **also: Any) -> Decision:
    """The one decision there is, which must be this."""
    (one,) = decisions
    assert (one.action, one.reason) == (action, reason)
    assert {name: getattr(one, name) for name in also} == also
    return one


def said(decisions: tuple[Decision, ...]) -> list[tuple[str, str, Reason]]:
    return [(one.channel, one.action, one.reason) for one in decisions]


def test_an_opening_is_told_once(world: Callable[..., World]) -> None:
    here = world()

    only(here.decide(), "send", Reason.INCIDENT_OPENED, channel="log", kind=NoticeKind.OPENED, mode=Mode.POST, step=1)
    only(here.decide(), "hold", Reason.ALREADY_NOTIFIED, kind=None, key=None)
    assert here.next_look == NOON + DAY


@pytest.mark.parametrize(
    ("count", "step", "told"),
    [(2, 1, False), (4, 1, False), (5, 5, True), (24, 5, True), (25, 25, True), (900, 25, True)],
)  # fmt: skip
def test_growth_is_told_at_its_sizes(world: Callable[..., World], count: int, step: int, told: bool) -> None:
    here = world()
    here.decide()
    here.change(count=count)
    decisions = here.decide(hours=1)

    if told:
        only(decisions, "send", Reason.INCIDENT_GREW, kind=NoticeKind.GREW, step=step)
        only(here.decide(hours=1), "hold", Reason.ALREADY_NOTIFIED)
    else:
        only(decisions, "hold", Reason.ALREADY_NOTIFIED)


def test_an_opening_tells_of_the_size_it_has_by_then(world: Callable[..., World]) -> None:
    here = world()
    here.change(count=30)

    only(here.decide(), "send", Reason.INCIDENT_OPENED, step=25)
    only(here.decide(hours=1), "hold", Reason.ALREADY_NOTIFIED)


def test_without_sizes_twice_as_large_is_news(world: Callable[..., World]) -> None:
    here = world()
    here.growth = Growth(None)
    here.change(count=40)
    here.decide()
    here.change(count=79)
    only(here.decide(hours=1), "hold", Reason.ALREADY_NOTIFIED)
    here.change(count=80)
    first = only(here.decide(hours=1), "send", Reason.INCIDENT_GREW, step=2)
    here.change(count=200)
    second = only(here.decide(hours=1), "send", Reason.INCIDENT_GREW, step=3)
    assert first.key != second.key


def test_what_has_no_mentions_does_not_double(world: Callable[..., World]) -> None:
    here = world()
    here.growth = Growth(None)
    here.change(count=0)
    here.decide()
    here.change(count=0)
    only(here.decide(hours=1), "hold", Reason.ALREADY_NOTIFIED)


def test_what_has_become_more_severe_is_news_and_what_has_become_less_is_not(world: Callable[..., World]) -> None:
    here = world()
    here.decide()
    here.change(severity=Severity.CRITICAL)
    only(here.decide(hours=1), "send", Reason.SEVERITY_ROSE, kind=NoticeKind.GREW)
    here.change(severity=Severity.WARNING)
    only(here.decide(hours=1), "hold", Reason.ALREADY_NOTIFIED)


def test_what_a_channel_knows_from_another_incident_is_held_there_until_that_is_no_longer_all(
    world: Callable[..., World],
) -> None:
    here = world("log", "boss")
    here.around = {"elsewhere": {"log": "crisis incident 9"}}
    first = here.decide()
    assert said(first) == [("log", "hold", Reason.TOLD_ELSEWHERE), ("boss", "send", Reason.INCIDENT_OPENED)]
    assert (first[0].detail, first[0].until) == ("crisis incident 9", None)
    assert said(here.decide(hours=1))[0] == ("log", "hold", Reason.TOLD_ELSEWHERE)
    here.around = {}
    assert said(here.decide(hours=1))[0] == ("log", "send", Reason.INCIDENT_OPENED)


def test_a_rule_can_want_a_size_before_anybody_is_told(world: Callable[..., World]) -> None:
    here = world()
    here.growth = Growth((5,), worth_telling=False)
    only(here.decide(), "hold", Reason.TOO_SMALL, kind=NoticeKind.OPENED)
    assert here.next_look is None
    here.growth = Growth((5,))
    only(here.decide(hours=1), "send", Reason.INCIDENT_OPENED)
    here.growth = Growth((5,), worth_telling=False)
    only(here.decide(hours=24), "send", Reason.STILL_OPEN)


def test_a_message_that_can_be_changed_is_kept_up_to_date_once_per_interval(world: Callable[..., World]) -> None:
    here = world("bot")
    here.decide()
    here.change(count=2)
    assert said(here.decide(minutes=1)) == [("bot", "hold", Reason.ALREADY_NOTIFIED)]
    assert here.next_look == NOON + 5 * MINUTE
    here.change(count=3)
    held, update = here.decide(minutes=4)
    assert (held.reason, update.reason, update.mode) == (
        Reason.ALREADY_NOTIFIED, Reason.INCIDENT_CHANGED, Mode.UPDATE,
    )  # fmt: skip
    assert here.told["bot"].posted_at == NOON
    assert here.told["bot"].times == 1


def test_what_a_person_does_is_shown_at_once(world: Callable[..., World]) -> None:
    here = world("bot", "log")
    here.decide()
    here.change(acting=True, state=State.ACKNOWLEDGED)
    assert said(here.decide(seconds=1)) == [
        ("bot", "hold", Reason.ALREADY_NOTIFIED), ("bot", "send", Reason.STATE_CHANGED),
        ("log", "hold", Reason.ALREADY_NOTIFIED),
    ]  # fmt: skip


def test_news_goes_under_a_message_that_can_be_changed_which_is_changed_as_well(world: Callable[..., World]) -> None:
    here = world("bot")
    here.decide()
    here.change(count=5)
    note, update = here.decide(hours=1)
    assert (note.mode, note.kind) == (Mode.THREAD, NoticeKind.GREW)
    assert (update.mode, update.kind) == (Mode.UPDATE, NoticeKind.UPDATED)
    assert (here.told["bot"].step, here.told["bot"].times) == (5, 2)


def test_people_are_reminded_until_somebody_acknowledges(world: Callable[..., World]) -> None:
    here = world(repeat="4h")
    here.decide()
    first = only(here.decide(hours=4), "send", Reason.STILL_OPEN, kind=NoticeKind.REMINDER)
    second = only(here.decide(hours=4), "send", Reason.STILL_OPEN)
    assert first.key != second.key
    here.change(acting=True, state=State.ACKNOWLEDGED)
    only(here.decide(hours=4), "hold", Reason.IS_ACKNOWLEDGED)
    assert here.next_look is None
    here.change(count=5)
    only(here.decide(hours=1), "send", Reason.INCIDENT_GREW)


def test_what_is_for_information_only_is_not_brought_up_again(world: Callable[..., World]) -> None:
    here = world(repeat="4h")
    here.change(severity=Severity.INFO)
    here.decide()
    only(here.decide(days=30), "hold", Reason.ALREADY_NOTIFIED)


def test_that_nothing_more_came_is_no_message_but_changes_the_one_there_is(world: Callable[..., World]) -> None:
    here = world("log", "bot")
    here.decide()
    here.change(state=State.RESOLVED, resolved_why=str(Reason.QUIET))
    decisions = here.decide(days=1)
    assert [(one.channel, one.action, one.reason, one.mode) for one in decisions] == [
        ("log", "hold", Reason.ENDED_QUIETLY, Mode.POST),
        ("bot", "hold", Reason.ENDED_QUIETLY, Mode.POST),
        ("bot", "send", Reason.INCIDENT_CHANGED, Mode.UPDATE),
    ]
    assert here.next_look is None


def test_a_route_can_do_without_reminders(world: Callable[..., World]) -> None:
    here = world(repeat="0s")
    here.decide()
    only(here.decide(days=30), "hold", Reason.ALREADY_NOTIFIED)
    assert here.next_look is None


def test_a_snooze_holds_until_it_is_over_and_ends_with_a_reminder(world: Callable[..., World]) -> None:
    here = world()
    here.decide()
    here.change(acting=True, state=State.SNOOZED, snoozed_until=NOON + 2 * HOUR)
    only(here.decide(minutes=30), "hold", Reason.ALREADY_NOTIFIED)
    here.change(count=5)
    only(here.decide(minutes=30), "hold", Reason.IS_SNOOZED, until=NOON + 2 * HOUR)
    assert here.next_look == NOON + 2 * HOUR
    here.change(state=State.OPEN, snoozed_until=None, count=4)
    here.at = here.woken_at = NOON + 2 * HOUR
    only(here.decide(), "send", Reason.STILL_OPEN)
    only(here.decide(minutes=10), "hold", Reason.ALREADY_NOTIFIED)


def test_a_new_incident_waits_as_its_route_says(world: Callable[..., World]) -> None:
    here = world(wait="2m")
    only(here.decide(), "hold", Reason.WAITING, until=NOON + 2 * MINUTE, kind=NoticeKind.OPENED)
    assert here.next_look == NOON + 2 * MINUTE
    only(here.decide(minutes=2), "send", Reason.INCIDENT_OPENED)


def test_two_messages_about_one_incident_lie_an_interval_apart(world: Callable[..., World]) -> None:
    here = world(interval="30m")
    here.decide()
    here.change(count=5)
    only(here.decide(minutes=29), "hold", Reason.INTERVAL, until=NOON + 30 * MINUTE)
    only(here.decide(minutes=1), "send", Reason.INCIDENT_GREW)


def test_a_greater_incident_speaks_for_a_lesser_until_it_is_over(world: Callable[..., World]) -> None:
    here = world()
    spike = replace(here.incident, id=3, rule="spike")
    here.around = {"others": [spike], "inhibitions": [Inhibition(by=("spike",), of=("detractor",))]}
    only(here.decide(), "hold", Reason.INHIBITED, detail="spike incident 3", until=None)
    assert here.next_look == NOON + MINUTE
    here.around["others"] = [replace(spike, state=State.RESOLVED)]
    only(here.decide(minutes=1), "send", Reason.INCIDENT_OPENED)


def test_a_silence_is_named_and_over_at_its_end(world: Callable[..., World]) -> None:
    here = world()
    silence = Silence(9, {"brand": ["Aeroluz"]}, NOON - HOUR, NOON + HOUR, "ana", "planned\noutage")
    here.around = {"silences": [silence]}
    only(here.decide(), "hold", Reason.SILENCED, until=NOON + HOUR, detail="silence 9 by ana: planned outage")
    assert here.next_look == NOON + HOUR
    only(here.decide(hours=1), "send", Reason.INCIDENT_OPENED)


def test_quiet_hours_hold_all_but_the_worst(world: Callable[..., World]) -> None:
    here = world(team="care")
    night = Quiet.model_validate({"from": time(11), "to": time(13)})
    here.policy = here.policy.model_copy(update={"teams": (Team(name="care", quiet=(night,)),)})
    only(here.decide(), "hold", Reason.QUIET_HOURS, until=NOON + HOUR, detail="team care")
    here.change(severity=Severity.CRITICAL)
    only(here.decide(minutes=1), "send", Reason.INCIDENT_OPENED, team="care")


def test_a_channel_that_is_off_keeps_no_other_from_being_told(world: Callable[..., World]) -> None:
    here = world("bot", "log")
    here.around = {"disabled": frozenset({"bot"})}
    assert said(here.decide()) == [
        ("bot", "hold", Reason.CHANNEL_DISABLED), ("log", "send", Reason.INCIDENT_OPENED),
    ]  # fmt: skip
    assert here.next_look == NOON + 5 * MINUTE
    here.around = {}
    assert said(here.decide(minutes=5))[0] == ("bot", "send", Reason.INCIDENT_OPENED)


@pytest.mark.parametrize(("edits", "reason"), [(EDITS, Reason.NO_ROUTE), ({}, Reason.NO_CHANNEL)])
def test_nobody_to_tell(an_incident: Make, edits: Mapping[str, bool], reason: Reason) -> None:
    incident = an_incident()
    nowhere = route(incident, Rules(routes=(Route(channels=()),)), None, tuple(edits))
    outcome = decide(Case(incident, nowhere, Record(NOON, {}), edits), NOON)
    only(outcome.decisions, "hold", reason, channel="", kind=NoticeKind.OPENED)
    assert outcome.next_look == NOON + HOUR


def test_the_first_stage_that_holds_gives_the_reason(world: Callable[..., World]) -> None:
    here = world(wait="1h", team="care")
    all_day = Quiet.model_validate({"from": time(0), "to": time(0)})
    here.policy = here.policy.model_copy(update={"teams": (Team(name="care", quiet=(all_day,)),)})
    here.growth = Growth((5,), worth_telling=False)
    here.around = {
        "others": [replace(here.incident, id=3, rule="spike")],
        "inhibitions": [Inhibition(by=("spike",), of=("detractor",))],
        "silences": [Silence(9, {}, NOON - HOUR, NOON + DAY)],
        "disabled": frozenset({"log"}),
    }
    here.change(state=State.SNOOZED, snoozed_until=NOON + DAY)
    seen = []
    for mend in (
        lambda: here.change(state=State.OPEN, snoozed_until=None),
        lambda: setattr(here, "growth", Growth((5,))),
        lambda: setattr(here, "at", NOON + HOUR),
        lambda: here.around.update(others=[]),
        lambda: here.around.update(silences=[]),
        lambda: here.change(severity=Severity.CRITICAL),
        lambda: here.around.update(disabled=frozenset()),
        lambda: None,
    ):
        seen += [one.reason for one in here.decide()]
        mend()
    assert seen == [
        Reason.IS_SNOOZED, Reason.TOO_SMALL, Reason.WAITING, Reason.INHIBITED, Reason.SILENCED, Reason.QUIET_HOURS,
        Reason.CHANNEL_DISABLED, Reason.INCIDENT_OPENED,
    ]  # fmt: skip


def test_the_end_is_told_once_to_those_who_were_told(world: Callable[..., World]) -> None:
    here = world("bot", "log")
    here.decide()
    here.change(state=State.RESOLVED)
    assert said(here.decide(hours=1)) == [
        ("bot", "send", Reason.INCIDENT_RESOLVED), ("bot", "send", Reason.INCIDENT_CHANGED),
        ("log", "send", Reason.INCIDENT_RESOLVED),
    ]  # fmt: skip
    assert said(here.decide(hours=1)) == [
        ("bot", "hold", Reason.IS_RESOLVED), ("log", "hold", Reason.IS_RESOLVED),
    ]  # fmt: skip
    assert here.next_look is None


def test_what_ended_before_anybody_was_told_is_not_told(world: Callable[..., World]) -> None:
    here = world(wait="1h")
    here.decide()
    here.change(state=State.RESOLVED)
    only(here.decide(hours=2), "hold", Reason.NOT_YET_TOLD)
    assert here.next_look is None


ALL_DAY = Quiet.model_validate({"days": ["sat", "sun"], "from": "00:00", "to": "24:00"})
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
MUTED = {"silence": Reason.SILENCED, "quiet": Reason.QUIET_HOURS, "off": Reason.CHANNEL_DISABLED}


def muted_by(here: World, how: str) -> datetime:
    """Mute what is to be told; until when it is."""
    if how == "silence":
        here.around = {"silences": [Silence(9, {}, NOON - HOUR, NOON + DAY)]}
        return NOON + DAY
    if how == "quiet":
        here.policy = here.policy.model_copy(update={"teams": (Team(name="care", quiet=(ALL_DAY,)),)})
        return MONDAY
    here.around = {"disabled": frozenset({"log"})}
    return NOON + DAY


@pytest.mark.parametrize("why", [Reason.QUIET.value, "by hand"])
@pytest.mark.parametrize("how", ["silence", "quiet", "off"])
def test_what_began_and_ended_under_a_mute_is_told_once_at_its_end(
    world: Callable[..., World], how: str, why: str
) -> None:
    here = world(team="care")
    until = muted_by(here, how)
    only(here.decide(), "hold", MUTED[how], kind=NoticeKind.OPENED)
    here.change(state=State.RESOLVED, resolved_why=why)
    for _ in range(2):
        only(here.decide(hours=2), "hold", MUTED[how], kind=NoticeKind.RESOLVED)
        assert here.next_look is not None
        assert here.next_look <= until
    if how == "off":
        here.around = {}
    here.at = until
    only(here.decide(), "send", Reason.ENDED_MEANWHILE, kind=NoticeKind.RESOLVED, mode=Mode.POST)
    only(here.decide(hours=1), "hold", Reason.IS_RESOLVED)
    assert here.next_look is None


def test_what_came_back_or_grew_under_a_mute_is_told_at_its_end_too(world: Callable[..., World]) -> None:
    here = world(team="care")
    here.decide()
    until = muted_by(here, "silence")
    here.change(count=5)
    only(here.decide(hours=1), "hold", Reason.SILENCED, kind=NoticeKind.GREW)
    here.change(state=State.RESOLVED, resolved_why=Reason.QUIET.value)
    only(here.decide(hours=1), "hold", Reason.SILENCED, kind=NoticeKind.RESOLVED)
    here.at = until
    only(here.decide(), "send", Reason.ENDED_MEANWHILE)
    here.around = {"silences": [Silence(10, {}, until, until + DAY)]}
    here.change(state=State.OPEN, reopened=1)
    only(here.decide(hours=1), "hold", Reason.SILENCED, kind=NoticeKind.REOPENED)
    here.change(state=State.RESOLVED, resolved_why="by hand")
    only(here.decide(hours=1), "hold", Reason.SILENCED, kind=NoticeKind.RESOLVED)
    here.at = until + DAY
    only(here.decide(), "send", Reason.ENDED_MEANWHILE)
    only(here.decide(), "hold", Reason.IS_RESOLVED)


def test_a_reminder_that_a_mute_held_back_is_not_made_up_for(world: Callable[..., World]) -> None:
    here = world(repeat="1h")
    here.decide()
    muted_by(here, "silence")
    only(here.decide(hours=1), "hold", Reason.SILENCED, kind=NoticeKind.REMINDER)
    here.change(state=State.RESOLVED, resolved_why=Reason.QUIET.value)
    only(here.decide(hours=1), "hold", Reason.ENDED_QUIETLY)


@pytest.mark.parametrize("how", ["size", "inhibition"])
def test_what_a_size_or_a_greater_incident_held_back_is_not_made_up_for(world: Callable[..., World], how: str) -> None:
    here = world()
    if how == "size":
        here.growth = Growth((5,), worth_telling=False)
    else:
        spike = replace(here.incident, id=3, rule="spike")
        here.around = {"others": [spike], "inhibitions": [Inhibition(by=("spike",), of=("detractor",))]}
    only(here.decide(), "hold", Reason.TOO_SMALL if how == "size" else Reason.INHIBITED)
    here.change(state=State.RESOLVED)
    only(here.decide(hours=1), "hold", Reason.NOT_YET_TOLD)


def test_what_comes_back_is_told_again(world: Callable[..., World]) -> None:
    here = world()
    here.decide()
    for number in (1, 2):
        here.change(state=State.RESOLVED)
        here.decide(hours=1)
        here.change(state=State.OPEN, reopened=number)
        only(here.decide(hours=1), "send", Reason.INCIDENT_REOPENED, kind=NoticeKind.REOPENED)
    assert here.told["log"].times == 5


def test_the_end_is_shown_at_once_even_where_the_word_of_it_is_held(world: Callable[..., World]) -> None:
    here = world("bot")
    here.decide()
    here.around = {"silences": [Silence(9, {}, NOON, NOON + DAY)]}
    here.change(state=State.RESOLVED)
    assert said(here.decide(minutes=1)) == [
        ("bot", "hold", Reason.SILENCED), ("bot", "send", Reason.INCIDENT_CHANGED),
    ]  # fmt: skip
    assert said(here.decide(days=1)) == [("bot", "send", Reason.INCIDENT_RESOLVED)]


ESCALATE = (Step(after=timedelta(minutes=15), channels=("log",)), Step(after=timedelta(hours=1), channels=("boss",)))


def test_the_next_ones_are_told_when_nobody_acknowledges_in_time(world: Callable[..., World]) -> None:
    here = world(escalate=ESCALATE)
    here.decide()
    assert here.next_look == NOON + 15 * MINUTE
    only(here.decide(minutes=15), "send", Reason.NOT_ACKNOWLEDGED, channel="log", escalation=1)
    assert said(here.decide(minutes=45)) == [
        ("log", "hold", Reason.ALREADY_NOTIFIED), ("boss", "send", Reason.NOT_ACKNOWLEDGED),
    ]  # fmt: skip
    here.change(count=5)
    assert said(here.decide(hours=1)) == [
        ("log", "send", Reason.INCIDENT_GREW), ("boss", "hold", Reason.ALREADY_NOTIFIED),
    ]  # fmt: skip
    here.change(state=State.RESOLVED)
    assert said(here.decide(hours=1)) == [
        ("log", "send", Reason.INCIDENT_RESOLVED), ("boss", "send", Reason.INCIDENT_RESOLVED),
    ]  # fmt: skip


def test_nobody_further_up_hears_of_what_is_acknowledged(world: Callable[..., World]) -> None:
    here = world(escalate=ESCALATE)
    here.decide()
    here.change(acting=True, state=State.ACKNOWLEDGED)
    only(here.decide(hours=2), "hold", Reason.ALREADY_NOTIFIED)


def test_what_is_given_to_somebody_who_has_not_seen_it_is_escalated_all_the_same(world: Callable[..., World]) -> None:
    here = world(escalate=ESCALATE)
    here.decide()
    here.change(acting=True, assigned_to="luz")
    only(here.decide(minutes=15), "send", Reason.NOT_ACKNOWLEDGED)


def test_a_reopened_incident_is_escalated_anew(world: Callable[..., World]) -> None:
    here = world(escalate=ESCALATE)
    keys = set()
    for number in (1, 2):
        here.decide(hours=1)
        keys |= {one.key for one in here.decide(minutes=15) if one.reason is Reason.NOT_ACKNOWLEDGED}
        here.change(state=State.RESOLVED)
        here.decide(hours=1)
        here.change(state=State.OPEN, reopened=number)
    assert len(keys) == 2


def test_a_snooze_starts_the_clock_of_the_escalation_anew(world: Callable[..., World]) -> None:
    here = world(escalate=ESCALATE)
    here.decide()
    here.change(acting=True, state=State.SNOOZED, snoozed_until=NOON + HOUR)
    here.change(state=State.OPEN, snoozed_until=None)
    here.at = here.woken_at = NOON + HOUR
    only(here.decide(), "send", Reason.STILL_OPEN)
    assert here.next_look == NOON + 75 * MINUTE


def test_after_a_snooze_the_same_steps_come_again(world: Callable[..., World]) -> None:
    here = world(escalate=ESCALATE)
    here.decide()
    keys = [one.key for minutes in (15, 45) for one in here.decide(minutes=minutes) if one.action == "send"]
    here.change(acting=True, state=State.SNOOZED, snoozed_until=NOON + 5 * HOUR)
    here.change(state=State.OPEN, snoozed_until=None)
    here.at = here.woken_at = NOON + 5 * HOUR
    assert said(here.decide()) == [
        ("log", "send", Reason.STILL_OPEN), ("boss", "hold", Reason.ALREADY_NOTIFIED),
    ]  # fmt: skip
    again = [one.key for minutes in (15, 45) for one in here.decide(minutes=minutes) if one.action == "send"]
    assert (len(keys), len(again)) == (2, 2)
    assert not set(keys) & set(again)
    assert {one.reason for one in here.decide(hours=1)} == {Reason.ALREADY_NOTIFIED}


def test_an_escalation_is_told_as_the_route_that_escalates_says(an_incident: Make) -> None:
    here = World(an_incident())
    quiet = {"from": "00:00", "to": "24:00"}
    here.policy = Rules.model_validate(
        {
            "teams": [{"name": "care", "quiet": [quiet]}, {"name": "pr", "language": "es"}],
            "routes": [
                {"team": "care", "channels": ["bot"], "go_on": True,
                 "escalate": [{"after": "1h", "channels": ["boss"]}]},
                {"team": "pr", "channels": ["log"], "escalate": [{"after": "15m", "channels": ["boss"]}]},
            ],
        }
    )  # fmt: skip
    here.decide()
    (told,) = [one for one in here.decide(minutes=15) if one.channel == "boss"]
    assert (told.action, told.reason, told.team) == ("send", Reason.NOT_ACKNOWLEDGED, "pr")


def test_where_every_channel_of_the_route_is_left_out_the_next_ones_are_told(an_incident: Make) -> None:
    here = World(an_incident(), "renamed", escalate=(Step(after=timedelta(minutes=15), channels=("boss",)),))
    only(here.decide(), "hold", Reason.NO_ROUTE, channel="")
    assert here.next_look == NOON + 15 * MINUTE
    only(here.decide(minutes=15), "send", Reason.NOT_ACKNOWLEDGED, channel="boss")


def test_a_route_that_leads_nowhere_on_purpose_escalates_to_nobody(an_incident: Make) -> None:
    here = World(an_incident())
    step = {"after": "15m", "channels": ["boss"]}
    here.policy = Rules.model_validate({"routes": [{"escalate": [step], "routes": [{"channels": []}]}]})
    only(here.decide(minutes=30), "hold", Reason.NO_ROUTE, channel="")


def test_where_every_channel_of_the_route_is_off_the_next_ones_are_told(world: Callable[..., World]) -> None:
    here = world(escalate=(Step(after=timedelta(minutes=15), channels=("boss",)),))
    here.around = {"disabled": frozenset({"log"})}
    only(here.decide(), "hold", Reason.CHANNEL_DISABLED)
    assert ("boss", "send", Reason.NOT_ACKNOWLEDGED) in said(here.decide(minutes=15))


def test_an_incident_that_takes_another_route_later_is_opened_there_and_ends_on_both(an_incident: Make) -> None:
    here = World(an_incident())
    here.policy = Rules.model_validate(
        {"routes": [{"match": {"severity": "critical"}, "channels": ["boss"]}, {"channels": ["bot"]}]}
    )
    assert said(here.decide()) == [("bot", "send", Reason.INCIDENT_OPENED)]
    here.change(severity=Severity.CRITICAL)
    assert said(here.decide(hours=1)) == [
        ("boss", "send", Reason.INCIDENT_OPENED), ("bot", "send", Reason.SEVERITY_ROSE),
        ("bot", "send", Reason.INCIDENT_CHANGED),
    ]  # fmt: skip
    here.change(state=State.RESOLVED)
    assert [one for one in said(here.decide(hours=1)) if one[2] is Reason.INCIDENT_RESOLVED] == [
        ("boss", "send", Reason.INCIDENT_RESOLVED), ("bot", "send", Reason.INCIDENT_RESOLVED),
    ]  # fmt: skip


def test_a_channel_that_is_not_set_up_any_more_is_passed_over(world: Callable[..., World]) -> None:
    here = world()
    here.decide()
    here.told["gone"] = replace(here.told["log"], channel="gone")
    here.change(state=State.RESOLVED)
    only(here.decide(hours=1), "send", Reason.INCIDENT_RESOLVED, channel="log")
