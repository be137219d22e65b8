"""Interact: what people did with a message's buttons, done once and told to whoever pressed.

What was done and its named outcome are kept in one transaction, so that a process killed anywhere neither loses a press
nor does it twice. The message itself is brought up to date by the decision that ``store.life`` asks for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Protocol, runtime_checkable
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select
from sqlmodel import Session

from alerts.channel import Channel, TryLater, Undeliverable
from alerts.incident import Incident
from alerts.life import NotPossible
from alerts.notice import Action
from alerts.policy import Policy
from alerts.slack.buttons import Snooze, Target
from alerts.slack.feedback import Outcome, Told, in_words
from alerts.slack.press import MalformedError, Press, unreadable
from listener.store import incidents, interactions
from listener.store.engine import Store
from listener.store.interactions import Pressed
from listener.store.life import Act, Done, perform
from listener.store.tables import Alert, table

log = structlog.get_logger()

LEASE = timedelta(seconds=60)
"""Longer than telling somebody may take (`alerts.channels.slack_bot.LONGEST_TIMEOUT`, three times)."""

MOST_ATTEMPTS = 8
ANSWERABLE = timedelta(minutes=30)
"""How long Slack takes answers to a press (docs.slack.dev/interactivity/handling-user-interaction)."""

KEPT = timedelta(days=30)
"""How long presses are kept; a replay is refused after five minutes in any case."""

MORNING = time(9)
"""When a snooze until tomorrow ends, in the team's time zone."""

_ACTS: Mapping[Action, Act] = {
    Action.ACKNOWLEDGE: Act.ACKNOWLEDGE,
    Action.ASSIGN: Act.ASSIGN,
    Action.SNOOZE: Act.SNOOZE,
    Action.USEFUL: Act.FEEDBACK,
    Action.NOT_USEFUL: Act.FEEDBACK,
}


@runtime_checkable
class Answering(Protocol):
    """A channel that can tell the person who pressed. ``team``: whose members' presses count; None = anybody's."""

    team: str | None

    def tell(self, response_url: str, text: str) -> None:
        """Raises TryLater or Undeliverable."""
        ...


@dataclass(frozen=True, slots=True)
class _Result:
    outcome: Outcome
    words: str


def interact_next(
    store: Store, channels: Mapping[str, Channel], policy: Policy, clock: Callable[[], datetime]
) -> int:  # fmt: skip
    """See to the press that has waited longest, if one is due; how many there were: 1 or 0."""
    with store.reading() as session:
        # A look first, which keeps no writer waiting.
        if not interactions.waiting(session, clock()):
            return 0
    with store.transaction() as session:
        pressed = interactions.claim(session, clock(), LEASE)
    if pressed is None:
        return 0
    channel = channels.get(pressed.channel)
    answering = channel if isinstance(channel, Answering) else None
    try:
        press = Press.from_json(pressed.payload)
    except MalformedError as error:
        _set_aside(store, pressed, str(error), clock)
    else:
        _Seeing(store, pressed, press, answering, policy, clock).through()
    return 1


def _set_aside(store: Store, pressed: Pressed, why: str, clock: Callable[[], datetime]) -> None:
    """Be done with what nobody can read: it would be the one that has waited longest for ever."""
    log.error("press_malformed", channel=pressed.channel, press=pressed.digest[:12], error=why)
    left = unreadable(pressed.payload, why)
    with store.transaction() as session:
        if pressed.outcome is None:
            if not interactions.still_ours(session, pressed):
                return
            interactions.acted(session, pressed, Outcome.MALFORMED, left)
        interactions.done(session, pressed, clock(), left)


class _Seeing:
    """One press that is ours to see to."""

    def __init__(
        self,
        store: Store,
        pressed: Pressed,
        press: Press,
        channel: Answering | None,
        policy: Policy,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._pressed = pressed
        self._press = press
        self._channel = channel
        self._policy = policy
        self._clock = clock
        self._told = log.bind(channel=pressed.channel, press=pressed.digest[:12], attempt=pressed.attempt)

    def through(self) -> None:
        if self._pressed.outcome is None and not self._act():
            return
        try:
            self._tell()
        except TryLater as error:
            if self._pressed.attempt < MOST_ATTEMPTS:
                self._told.warning("press_not_told", error=error.message)
                self._later(error.after or 0.0)
                return
            self._told.warning("press_never_told", error=error.message)
        except Undeliverable as error:
            self._told.warning("press_never_told", error=error.message)
        now = self._clock()
        with self._store.transaction() as session:
            # With that address anybody could write there in our name, for as long as it is good.
            interactions.done(session, self._pressed, now, replace(self._press, response_url="").to_json())
            interactions.forget(session, now - KEPT)

    def _act(self) -> bool:
        """Do it and keep the outcome; whether the person can be told now."""
        try:
            with self._store.transaction() as session:
                if not interactions.still_ours(session, self._pressed):
                    return False
                result = self._result(session)
                self._press = replace(self._press, told=result.words)
                interactions.acted(session, self._pressed, result.outcome, self._press.to_json())
        except Exception:
            self._told.exception("press_failed")
            self._later(0.0)
            return False
        self._told.info("pressed", action=self._press.action_id, outcome=str(result.outcome), actor=self._press.actor)
        return True

    def _tell(self) -> None:
        late = self._clock() - self._pressed.received_at > ANSWERABLE
        if self._channel is not None and self._press.response_url and self._press.told and not late:
            self._channel.tell(self._press.response_url, self._press.told)

    def _later(self, after: float) -> None:
        wait = max(timedelta(seconds=after), timedelta(seconds=2**self._pressed.attempt))
        with self._store.transaction() as session:
            interactions.again(session, self._pressed, self._clock() + wait)

    def _result(self, session: Session) -> _Result:
        target, action = self._press.target, self._press.action
        about = Told(target.language if target else "en", self._clock(), ZoneInfo("UTC"), action)
        strange = self._channel is not None and self._channel.team not in (None, self._press.team)
        early = (
            Outcome.OTHER_WORKSPACE if strange
            else Outcome.UNKNOWN_ACTION if action is None
            else Outcome.MALFORMED if target is None or (action is Action.SNOOZE) != (target.snooze is not None)
            else Outcome.FAILED if self._pressed.attempt > MOST_ATTEMPTS
            else None
        )  # fmt: skip
        if early is not None or action is None or target is None:
            outcome = early or Outcome.MALFORMED
            return _Result(outcome, in_words(outcome, about))
        before = incidents.held(session, target.alert_id)
        if before is None:
            return _Result(Outcome.GONE, in_words(Outcome.GONE, about))
        about = replace(about, zone=self._zone(session, target.alert_id), incident=before)
        try:
            done = self._perform(session, action, target, about)
        except NotPossible as error:
            outcome = _why_not(before, action)
            return _Result(outcome, in_words(outcome, replace(about, detail=str(error))))
        outcome = Outcome.DONE if before.version == target.version else Outcome.DONE_ON_NEWER
        if done.event is None:
            outcome = Outcome.ALREADY
        return _Result(outcome, in_words(outcome, replace(about, incident=done.incident)))

    def _perform(self, session: Session, action: Action, target: Target, about: Told) -> Done:
        what: dict[str, object] = {}
        if action is Action.SNOOZE and target.snooze is not None:
            what = {"until": snoozed_until(self._pressed.received_at, target.snooze, about.zone)}
        elif action in (Action.USEFUL, Action.NOT_USEFUL):
            what = {"useful": action is Action.USEFUL, "via": "slack"}
        return perform(session, target.alert_id, _ACTS[action], self._press.actor, about.at, **what)

    def _zone(self, session: Session, alert_id: int) -> ZoneInfo:
        """The time zone of the team that the incident was routed to."""
        alert = table(Alert).c
        team = self._policy.team(session.connection().scalar(select(alert.team).where(alert.id == alert_id)))
        return team.zone if team is not None else ZoneInfo("UTC")


def snoozed_until(pressed_at: datetime, length: Snooze, zone: ZoneInfo) -> datetime:
    """When a snooze ends that was asked for at ``pressed_at``: a day begins in the team's own time zone."""
    if length is Snooze.TOMORROW:
        day = pressed_at.astimezone(zone).date() + timedelta(days=1)
        return datetime.combine(day, MORNING, zone).astimezone(pressed_at.tzinfo)
    return pressed_at + timedelta(hours=1 if length is Snooze.AN_HOUR else 4)


def _why_not(incident: Incident, action: Action) -> Outcome:
    if incident.resolved:
        return Outcome.RESOLVED
    return Outcome.TAKEN if action is Action.ASSIGN else Outcome.NOT_POSSIBLE
