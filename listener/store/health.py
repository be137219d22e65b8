"""Whether work moves, and what waits for a person. Nothing here writes."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal

from sqlalchemy import Select, func, or_, select
from sqlmodel import Session

from alerts.durations import in_words
from alerts.wording import moment
from listener.coverage import in_part
from listener.rules import mention_rules, window_rules
from listener.store import coverage, deletion
from listener.store.brands import active_brands, collect_job, scheduled_sources
from listener.store.deliveries import OPEN, behind_another
from listener.store.tables import (
    Alert,
    Brand,
    ChannelState,
    Delivery,
    DeliveryAttempt,
    Gap,
    Interaction,
    Mention,
    MentionBrand,
    Score,
    Source,
    Task,
    table,
)

_PAIR, _MENTION, _DELIVERY = (table(model).c for model in (MentionBrand, Mention, Delivery))

_GAP_IS_NEWS = timedelta(days=1)


Name = Literal["scoring", "judging", "deciding", "delivering", "sending", "buttons", "collecting", "schedule"]
"""What can be stuck."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Something that has to move on. ``waiting``: since when the oldest waits; ``progress``: when anything came out of
    it last, where that shows that it moves."""

    name: Name
    words: str
    waiting: Select[Any]
    progress: Select[Any] | None = None


def unset(session: Session) -> list[str]:
    """What must be set up before anything is heard, and is not: "brand", "source"."""
    wanted = (("brand", table(Brand).c), ("source", table(Source).c))
    found = {name: session.connection().scalar(select(its.id).where(its.active).limit(1)) for name, its in wanted}
    return [name for name, number in found.items() if number is None]


def stuck(session: Session, now: datetime, patience: timedelta, channels: Sequence[str]) -> list[str]:
    """What should have moved on ``patience`` ago and has not, in words; empty = all is well.

    A long queue that moves is late, not stuck: scoring and delivering count as stuck when nothing came out of them
    for as long, too.
    """
    return list(stuck_stages(session, now, patience, channels).values())


def stuck_stages(session: Session, now: datetime, patience: timedelta, channels: Sequence[str]) -> dict[Name, str]:
    """The same by the name of the stage, for those who may know that alone."""
    late = now - patience
    found: dict[Name, str] = {}
    for stage in _stages(now, late, channels):
        since = session.connection().scalar(stage.waiting)
        if since is None or since >= late:
            continue
        moved = session.connection().scalar(stage.progress) if stage.progress is not None else None
        if moved is None or moved < late:
            found[stage.name] = f"{stage.words} {moment(since)}"
    for said in _not_fired(session, now, patience):
        found["schedule"] = said
    return found


def oldest(session: Session, now: datetime, channels: Sequence[str]) -> dict[str, float]:
    """For how many seconds the oldest of each stage waits; 0.0 = nothing does, or it is not due yet."""
    found: dict[str, float] = {}
    for stage in _stages(now, now, channels):
        since = session.connection().scalar(stage.waiting)
        found[stage.name] = max(0.0, (now - since).total_seconds()) if since is not None else 0.0
    return found


def _stages(now: datetime, late: datetime, channels: Sequence[str]) -> list[Stage]:
    attempt, score = table(DeliveryAttempt).c, table(Score).c
    scored_at = select(score.created_at).order_by(score.id.desc()).limit(1)
    tried_at = select(attempt.at).order_by(attempt.id.desc()).limit(1)
    # Without those in a scorer's hands, and those set aside because they cannot be scored.
    free = or_(_PAIR.lease_until.is_(None), _PAIR.lease_until <= now)
    # And without those that were edited after they were judged: when they came says nothing of how long they wait.
    unscored = (_PAIR.scored_at.is_(None), _PAIR.judged_at.is_(None), free)
    first_unscored = select(func.min(_PAIR.id)).where(*unscored).scalar_subquery()
    due = (_DELIVERY.channel.in_(channels), _DELIVERY.channel.not_in(_waiting(late)), ~behind_another())
    return [
        Stage(
            "scoring",
            "mentions wait to be scored since",
            select(_MENTION.collected_at)
            .join_from(table(MentionBrand), table(Mention), _MENTION.id == _PAIR.mention_id)
            .where(_PAIR.id == first_unscored),
            scored_at,
        ),
        Stage(
            "judging",
            "scored mentions wait to be judged since",
            select(func.min(_PAIR.scored_at)).where(_PAIR.scored_at.is_not(None), _PAIR.judged_at.is_(None)),
        ),
        Stage("deciding", "incidents wait to be decided upon since", select(func.min(table(Alert).c.decide_at))),
        Stage(
            "delivering",
            "deliveries are due since",
            select(func.min(_DELIVERY.not_before)).where(_DELIVERY.state == "pending", *due),
            tried_at,
        ),
        Stage(
            "sending",
            "deliveries were begun and not finished since",
            select(func.min(_DELIVERY.lease_until)).where(_DELIVERY.state == "sending", *due),
        ),
        Stage(
            "buttons",
            "buttons were pressed and nobody has seen to them since",
            select(func.min(table(Interaction).c.not_before)).where(table(Interaction).c.done_at.is_(None)),
        ),
        Stage(
            "collecting",
            "sources wait to be read since",
            select(func.min(table(Task).c.not_before)).where(
                or_(table(Task).c.lease_until.is_(None), table(Task).c.lease_until < late)
            ),
        ),
    ]


def attention(
    session: Session,
    now: datetime,
    patience: timedelta,
    channels: Sequence[str],
    demands: Mapping[str, timedelta] = MappingProxyType({}),
) -> list[str]:
    """What waits for a person: sources that stopped or are not read well, channels that are off, deliveries that
    are dead or meant for none of ``channels``, which are those set up here.

    ``patience``: how late a source may be without being mentioned. Imports are not: whoever began one has been told.
    ``demands``: platform -> within which time it wants stored posts looked up again.
    """
    state = table(ChannelState).c
    off = select(state.name, state.disabled_reason).where(state.disabled_at.is_not(None)).order_by(state.name)
    lost = (
        select(_DELIVERY.channel, func.count())
        .where(_DELIVERY.state.in_(OPEN), _DELIVERY.channel.not_in(channels))
        .group_by(_DELIVERY.channel)
        .order_by(_DELIVERY.channel)
    )
    found = _ailing(session, now, patience) + _not_looked_up(session, now, patience, demands) + _unreadable(session)
    found += [f"channel {name} is off: {reason}" for name, reason in session.connection().execute(off)]
    for name, number in session.connection().execute(lost):
        what = "delivery waits" if number == 1 else "deliveries wait"
        found.append(f"{number} {what} for channel {name}, which is not set up")
    if dead := session.connection().scalar(select(func.count()).where(_DELIVERY.state == "dead")):
        found.append(f"{dead} {'delivery is' if dead == 1 else 'deliveries are'} dead")
    return found


def _not_looked_up(session: Session, now: datetime, patience: timedelta, demands: Mapping[str, timedelta]) -> list[str]:
    found = []
    for kind in sorted(demands):
        late = deletion.unseen_since(session, kind, now - demands[kind] - patience)
        if late:
            which = "mention was" if late == 1 else "mentions were"
            number = f"{late:,}" if late <= deletion.MOST_COUNTED else f"more than {deletion.MOST_COUNTED:,}"
            found.append(
                f"{number} {which} not looked up on {kind} within {in_words(demands[kind])}, as its terms want: see "
                "`escucha sources` for why, and whether its quota or daily_cap is too small"
            )
    return found


def _ailing(session: Session, now: datetime, patience: timedelta) -> list[str]:
    """The sources read on a schedule that a person should look at, in words."""
    task = table(Task).c
    being_read = set(session.connection().scalars(select(task.key).where(task.lease_until > now)))
    missed = coverage.missed(session, now - _GAP_IS_NEWS)
    found = []
    for source in scheduled_sources(session, stopped=True):
        mend = f"mend it and restart, or run `escucha collect --once {shlex.quote(source.name)}`"
        read_well = source.last_success_at or source.created_at
        if source.stopped:
            found.append(f"source {source.name} stopped: {source.last_error}; {mend}")
        elif now - read_well > _every(source) + patience and (
            source.last_error or collect_job(source.id or 0) not in being_read
        ):
            last = f"was last read well at {moment(read_well)}" if source.last_success_at else "was never read well"
            found.append(f"source {source.name} {last}: {source.last_error or 'is `escucha run` running?'}")
        elif source.unread:
            found.append(f"source {source.name} is {in_part(source.unread)}")
        elif gaps := missed.get(source.id or 0):
            found.append(f"source {source.name} {_missing(gaps)}")
    return found


def _unreadable(session: Session) -> list[str]:
    """Brands whose stored rules no longer read, as after an upgrade: nothing about them is judged meanwhile."""
    found = []
    for brand in active_brands(session):
        try:
            mention_rules(brand.role, brand.alerting)
            window_rules(brand.role, brand.alerting)
        except ValueError as error:
            found.append(
                f"brand {brand.name} is not judged: {error}; mend its alerts: in escucha.yml and restart `escucha run`"
            )
    return found


def _missing(gaps: Sequence[Gap]) -> str:
    """What is lost for good, in one line however many pieces it is in."""
    since, until = min(gap.since for gap in gaps), max(gap.until for gap in gaps)
    several = f", in {len(gaps)} pieces" if len(gaps) > 1 else ""
    last = gaps[-1]
    what = "misses some of" if any(gap.state == "partly" for gap in gaps) else "misses"
    advice = {"capped": "read it more often (every)", "history": "keep `escucha run` running"}.get(last.cause)
    said = f"{what} what was said from {moment(since)} to {moment(until)}{several}: {last.why}"
    return f"{said}; {advice}" if advice else said


def _not_fired(session: Session, now: datetime, patience: timedelta) -> list[str]:
    """Sources that are overdue although nothing is wrong with them: no scheduler queues them."""
    task = table(Task).c
    # Once it is queued, the age of the task says whether workers come for it; and a long run notes itself at its end.
    queued = set(session.connection().scalars(select(task.key)))
    due = [
        _last_run(source, now) + _every(source)
        for source in scheduled_sources(session)
        if source.last_error is None and collect_job(source.id or 0) not in queued
    ]
    since = min(due, default=now)
    return [f"sources wait to be queued since {moment(since)}"] if since < now - patience else []


def _last_run(source: Source, now: datetime) -> datetime:
    """When it was read last; a time to come was a wrong clock's and says nothing."""
    last = source.last_run_at
    return source.created_at if last is None or last > now else last


def _every(source: Source) -> timedelta:
    return timedelta(seconds=source.every_s or 0)


def _waiting(late: datetime) -> Select[Any]:
    """Channels that are off or were told to wait: their deliveries are not stuck."""
    state = table(ChannelState).c
    return select(state.name).where(or_(state.disabled_at.is_not(None), state.not_before > late))
