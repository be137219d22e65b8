"""What holds of deciding whatever happens: nothing twice, nothing lost, and no difference by order."""

import random
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alerts.grouping import join, open_incident
from alerts.incident import Incident, State
from alerts.mentions import ScoredMention
from alerts.muting import Silence, quiet_until
from alerts.news import Growth, Record, Told, is_kept
from alerts.notice import NoticeKind
from alerts.pipeline import LOOK_AGAIN, Case, Decision, decide, told_after
from alerts.policy import DAYS, Inhibition, Policy, Quiet, Route, Step, Team
from alerts.reasons import Reason
from alerts.routing import route
from alerts.severity import Severity

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ENDS = (Reason.QUIET.value, Reason.WINDOW_ENDED.value, "by hand")
CHANNELS = {"bot": True, "log": False, "boss": True, "mail": False}
MINUTES = st.integers(0, 3 * 24 * 60)
NEWS = (NoticeKind.OPENED, NoticeKind.REOPENED, NoticeKind.GREW, NoticeKind.ESCALATED, NoticeKind.RESOLVED)
INHIBIT = (Inhibition(by=("spike",), of=("detractor",)),)

lengths = st.sampled_from([timedelta(0), timedelta(minutes=2), timedelta(minutes=5), timedelta(hours=4)])
names = st.lists(st.sampled_from(sorted(CHANNELS)), min_size=1, max_size=3, unique=True).map(tuple)


def at(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


quiet_hours = st.builds(
    lambda days, since, until, unless: Quiet.model_validate(
        {"days": days, "from": time(since), "to": time(until), "unless": unless}
    ),
    st.lists(st.sampled_from(DAYS), min_size=1, unique=True).map(tuple),
    st.integers(0, 23),
    st.integers(0, 23),
    st.sampled_from(Severity),
)

teams = st.builds(
    lambda zone, quiet: Team(name="care", timezone=zone, quiet=quiet),
    st.sampled_from(["UTC", "Europe/Madrid", "Pacific/Auckland", "America/St_Johns"]),
    st.lists(quiet_hours, max_size=2).map(tuple),
)

routes = st.builds(
    lambda channels, wait, interval, repeat, escalate, go_on: Route(
        team="care", channels=channels, wait=wait, interval=interval, repeat=repeat, escalate=escalate, go_on=go_on
    ),
    names, lengths, lengths, lengths,
    st.lists(st.builds(lambda after, to: Step(after=after, channels=to), lengths.filter(bool), names), max_size=2).map(
        tuple
    ),
    st.booleans(),
)  # fmt: skip

policies = st.builds(
    lambda team, branches: Policy(teams=(team,), routes=branches), teams, st.lists(routes, max_size=2).map(tuple)
)

silences = st.lists(
    st.builds(
        lambda start, length, mine: Silence(
            1, {"brand": ["Aeroluz" if mine else "Nubia"]}, at(start), at(start + length)
        ),
        MINUTES, MINUTES, st.booleans(),
    ),
    max_size=4,
)  # fmt: skip


@st.composite
def incidents(draw: st.DrawFn) -> Incident:
    state = draw(st.sampled_from(State))
    return Incident(
        id=7, brand="Aeroluz", rule="detractor", opened_at=NOON, last_at=NOON, count=draw(st.integers(0, 40)),
        reach=0, severity=draw(st.sampled_from(Severity)), state=state, version=draw(st.integers(1, 5)),
        reopened=draw(st.integers(0, 2)),
        snoozed_until=at(draw(MINUTES)) + timedelta(days=4) if state is State.SNOOZED else None,
        resolved_why=draw(st.sampled_from(ENDS)) if state is State.RESOLVED else None,
    )  # fmt: skip


@st.composite
def told_rows(draw: st.DrawFn, incident: Incident) -> dict[str, Told]:
    """What some channels were told before, at any time until now."""
    found = {}
    for channel in draw(st.sets(st.sampled_from(sorted(CHANNELS)))):
        first, posted, told = sorted(at(draw(MINUTES)) for _ in range(3))
        found[channel] = Told(
            channel, first, told, posted, step=draw(st.sampled_from([1, 5, 25])), escalation=draw(st.integers(0, 2)),
            version=draw(st.integers(1, incident.version)), state=draw(st.sampled_from(State)).value,
            reopened=draw(st.integers(0, incident.reopened)), count=draw(st.integers(0, max(incident.count, 1))),
            severity=draw(st.sampled_from(Severity)), times=draw(st.integers(1, 9)),
        )  # fmt: skip
    return found


@st.composite
def cases(draw: st.DrawFn) -> Case:
    incident = draw(incidents())
    woken_at, acted_at = (draw(st.none() | MINUTES.map(at)) for _ in range(2))
    muted = draw(st.dictionaries(st.sampled_from(sorted(CHANNELS)), st.sampled_from(NEWS), max_size=2))
    growth = Growth(draw(st.none() | st.just((5, 25))), draw(st.booleans()))
    record = Record(at(draw(MINUTES)), draw(told_rows(incident)), growth, woken_at, acted_at, muted)
    spike = replace(incident, id=8, rule="spike", state=draw(st.sampled_from(State)))
    policy = draw(policies)
    return Case(
        incident, route(incident, policy, None, tuple(CHANNELS)), record, CHANNELS,
        teams={team.name: team for team in policy.teams}, silences=draw(silences),
        others=draw(st.sampled_from([(), (spike,)])), inhibitions=INHIBIT,
        disabled=draw(st.frozensets(st.sampled_from(sorted(CHANNELS)))),
    )  # fmt: skip


def sends(decisions: Any) -> list[tuple[str, str | None]]:
    return [(one.channel, one.key) for one in decisions if one.action == "send"]


@settings(deadline=None, max_examples=25)
@given(case=cases(), later=st.floats(0, 0.999))
def test_one_state_is_never_told_twice(case: Case, later: float) -> None:
    """Nothing changes before the next look but time, so nothing more is sent; nor is anything sent again after it."""
    now = at(3 * 24 * 60)
    outcome = decide(case, now)
    first = sends(outcome.decisions)
    assert len(set(first)) == len(first)
    told = {**case.record.told, **told_after(case, outcome.decisions, now)}
    case = replace(case, record=replace(case.record, told=told))
    until = outcome.next_look or now + timedelta(days=400)
    assert until > now
    again = decide(case, now + (until - now) * later)
    assert sends(again.decisions) == []
    after = decide(case, until)
    assert not set(sends(after.decisions)) & set(first)


@settings(deadline=None, max_examples=25)
@given(case=cases(), seed=st.randoms(use_true_random=False))
def test_the_order_of_what_is_known_makes_no_difference(case: Case, seed: random.Random) -> None:
    now = at(3 * 24 * 60)

    def shuffled(some: Any) -> list[Any]:
        return seed.sample(list(some), len(some))

    told = dict(shuffled(case.record.told.items()))
    other = replace(
        case, record=replace(case.record, told=told), edits=dict(shuffled(case.edits.items())),
        silences=shuffled(case.silences), others=shuffled(case.others),
    )  # fmt: skip
    assert decide(other, now) == decide(case, now)


def followed(case: Case, start: datetime, ends_at: datetime | None, why: str, off_until: datetime) -> list[Decision]:
    """Decide whenever it is time to, and carry it out, until an incident that ends then is over and no look is left, or
    until one that does not end is told; all decisions on the way. Some channels are off until `off_until`."""
    now, told, muted, seen = start, dict(case.record.told), dict(case.record.muted), []
    for _ in range(2_000):
        over = ends_at is not None and now >= ends_at
        incident = replace(case.incident, state=State.RESOLVED, resolved_why=why, version=2) if over else case.incident
        here = replace(
            case, incident=incident, record=replace(case.record, told=told, muted=muted),
            disabled=case.disabled if now < off_until else frozenset(),
        )  # fmt: skip
        outcome = decide(here, now)
        seen += outcome.decisions
        told |= told_after(here, outcome.decisions, now)
        # What the store gives back: of each channel, the last decision that was not about keeping a message up to date.
        for one in outcome.decisions:
            if one.kind is not NoticeKind.UPDATED:
                muted.pop(one.channel, None)
                if one.action == "hold" and one.kind is not None and is_kept(one.reason, one.kind):
                    muted[one.channel] = one.kind
        if over and outcome.next_look is None:
            return seen
        if ends_at is None and set(here.destinations.by_channel) <= set(told):
            return seen
        times = [outcome.next_look, None if over else ends_at]
        assert any(times), seen[-3:]
        later = min(when for when in times if when is not None)
        assert later > now
        now = later
    raise AssertionError(f"never done: {seen[-3:]}")


ENTRANCES = {NoticeKind.OPENED, NoticeKind.ESCALATED, NoticeKind.RESOLVED}


@settings(deadline=None, max_examples=25)
@given(
    muted=silences, policy=policies, severity=st.sampled_from(Severity), why=st.sampled_from(ENDS),
    ended=st.none() | st.integers(1, 4 * 24 * 60), off=st.frozensets(st.sampled_from(sorted(CHANNELS))),
    off_for=st.integers(0, 6 * 60),
)  # fmt: skip
def test_no_silence_no_quiet_hour_and_no_channel_that_is_off_loses_an_incident(
    muted: list[Silence],
    policy: Policy,
    severity: Severity,
    why: str,
    ended: int | None,
    off: frozenset[str],
    off_for: int,
) -> None:
    """Whether it goes on or ends at any time, for any reason: whoever it leads to is told of it, unless it was over
    before the route's wait was."""
    # Reminders only make the way longer.
    unreminded = tuple(branch.model_copy(update={"repeat": timedelta(0)}) for branch in policy.routes)
    policy = policy.model_copy(update={"routes": unreminded})
    incident = Incident(7, "Aeroluz", "detractor", NOON, NOON, 1, 0, severity=severity)
    destinations = route(incident, policy, None, tuple(CHANNELS))
    case = Case(
        incident, destinations, Record(NOON, {}, Growth((5,))), CHANNELS, {team.name: team for team in policy.teams},
        silences=muted, disabled=off,
    )  # fmt: skip
    last = max([silence.ends_at for silence in muted], default=NOON)
    half_hours = (last + timedelta(minutes=30 * number) for number in range(2 * 24 * 8))
    assume(any(quiet_until(policy.teams[0], severity, when) is None for when in half_hours))
    seen = followed(case, NOON, None if ended is None else at(ended), why, at(off_for))
    sent = sends(seen)
    assert len(set(sent)) == len(sent)
    for channel, leaf in destinations.by_channel.items():
        mine = [one for one in seen if one.channel == channel and one.kind is not NoticeKind.UPDATED]
        told = [one.kind for one in mine if one.action == "send"]
        if told:
            assert told[0] in ENTRANCES
            assert told.count(NoticeKind.RESOLVED) <= 1
        else:
            assert ended is not None
            assert at(ended) <= NOON + leaf.wait
            assert {one.reason for one in mine} <= {Reason.WAITING, Reason.NOT_YET_TOLD}


@settings(deadline=None, max_examples=25)
@given(over=st.integers(1, 300), ended=st.none() | st.integers(1, 300), policy=policies)
def test_an_inhibited_incident_is_told_or_has_ended(over: int, ended: int | None, policy: Policy) -> None:
    policy = policy.model_copy(update={"teams": (Team(name="care"),)})
    incident = Incident(7, "Aeroluz", "detractor", NOON, NOON, 1, 0)
    spike = replace(incident, id=8, rule="spike")
    case = Case(
        incident, route(incident, policy, None, tuple(CHANNELS)), Record(NOON, {}), CHANNELS, inhibitions=INHIBIT
    )
    now = NOON
    for _ in range(2_000):
        others = (spike,) if now < at(over) else ()
        mine = replace(incident, state=State.RESOLVED) if ended is not None and now >= at(ended) else incident
        outcome = decide(replace(case, incident=mine, others=others), now)
        if sends(outcome.decisions):
            assert at(over) <= now <= at(over) + LOOK_AGAIN[Reason.INHIBITED] + timedelta(hours=4)
            return
        if mine.resolved:
            assert {one.reason for one in outcome.decisions} == {Reason.NOT_YET_TOLD}
            return
        assert outcome.next_look is not None
        now = min(outcome.next_look, at(ended)) if ended is not None and now < at(ended) else outcome.next_look
    raise AssertionError("neither told nor ended")


@settings(deadline=None, max_examples=25)
@given(order=st.permutations(range(12)))
def test_the_order_in_which_mentions_come_changes_no_size_that_is_told(order: list[int]) -> None:
    """What is told of sizes depends on how many came, not on which came first."""

    def keys(numbers: list[int]) -> list[str | None]:
        first = mention(0)
        incident = replace(open_incident(first, "detractor"), id=7)
        told: dict[str, Told] = {}
        found: list[str | None] = []
        for step, number in enumerate([None, *numbers]):
            if number is not None:
                incident = join(incident, mention(number))
            case = Case(
                incident, route(incident, Policy(), None, ("bot", "log")), Record(NOON, told, Growth((2, 5, 9))),
                CHANNELS,
            )  # fmt: skip
            now = at(10 * step)
            decisions = decide(case, now).decisions
            told |= told_after(case, decisions, now)
            found += [one.key for one in decisions if one.action == "send"]
        return sorted(key for key in found if key is not None)

    assert keys(order) == keys(sorted(order))


def mention(number: int) -> ScoredMention:
    written = NOON + timedelta(seconds=number)
    return ScoredMention(
        id=number, brand="Aeroluz", text="lost", source="rss", created_at=written, collected_at=written,
        label="detractor", stance={"-2": 0.9}, polarity={}, model="m", revision="1", reach=number,
    )  # fmt: skip
