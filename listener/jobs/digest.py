"""Digest: what a team is told of a day or a week, once, when it is due by the team's own clock.

A digest is written first, from one state of the database, and then claimed and put into the outbox in one transaction:
killed anywhere it is written anew, and of two processes that write it at once one finds it claimed. The claim is the
last due time that was dealt with (table ``firing``), the delivery's key a second lock on the same door.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import or_, select, update
from sqlmodel import Session

from alerts import digest
from alerts.channel import Mode
from alerts.digest_period import LATEST, Every, Period, latest, missed
from alerts.digest_words import Words
from alerts.notice import Notice
from alerts.notice import digest as digested
from alerts.policy import Policy, Team
from alerts.reasons import Reason
from listener.scheduler import FAR_AHEAD, take_turn
from listener.store import audit, brands, deliveries, digests
from listener.store.engine import Store, insert_new
from listener.store.tables import Brand, Firing, table

log = structlog.get_logger()

CHECK = timedelta(minutes=1)
"""How often somebody looks whether a digest is due."""


NOBODY = "nobody was there to send it within a day"


@dataclass(frozen=True, slots=True)
class Digests:
    """What digests are made with. ``channels``: the names of those set up here."""

    store: Store
    policy: Policy
    channels: Collection[str]
    public_url: str


def send_due(made_with: Digests, now: datetime) -> int:
    """Put every digest that is due into the outbox; how many messages that were.

    One that is more than a day late is left out, and the audit says so. One that fails stops no other; its error is
    raised only if nothing at all was put. A team's first digest is the next one that falls due.
    """
    if not any(team.digest.daily is not None or team.digest.weekly is not None for team in made_with.policy.teams):
        return 0
    if not take_turn(made_with.store, "digests", CHECK, now):
        return 0
    put = 0
    failure: Exception | None = None
    for team in made_with.policy.teams:
        for every in Every:
            try:
                put += _deal_with(made_with, team, every, now)
            except Exception as error:
                log.exception("digest_not_made", team=team.name, every=every.value, error=str(error))
                failure = error
    if failure is not None and not put:
        raise failure
    return put


def compose(
    session: Session,
    team: Team,
    period: Period,
    policy: Policy,
    public_url: str,
    now: datetime,
    *,
    key: str | None = None,
    heard: frozenset[int] | None = None,
) -> Notice:
    """A team's digest of a period, as things stand. ``heard``: the brands (ids) that its own may be held against; None
    = all. Raises LookupError where none of its brands is listened for."""
    # Only who makes digests waits the half second that altair takes to come.
    from listener.digest_charts import draw

    ours = brands_of(session, team)
    everybody = [brand for brand in brands.active_brands(session) if heard is None or brand.id in heard]
    if not ours:
        raise LookupError(f"no brand of the team {team.name} is listened for, so it has no digest")
    found = digests.figures(session, ours, everybody, period, policy, now)
    words = Words(team.language, team.zone)
    charts = [] if found.nothing else draw(words, found, digests.hours(session, ours, period), period)
    return digest.write(
        team, period, found, charts=charts, key=key or digest.key_of(team.name, period), public_url=public_url,
        detractors=digests.telling(session, ours, "detractor", period),
        promoters=digests.telling(session, ours, "promoter", period),
    )  # fmt: skip


def brands_of(session: Session, team: Team) -> list[Brand]:
    """The brands that a team's digests are about: those it names, else all of one's own."""
    return [
        brand
        for brand in brands.active_brands(session)
        if (brand.role == "own" if team.brands is None else brand.name in team.brands)
    ]


def send_now(made_with: Digests, team: Team, period: Period, now: datetime) -> Sequence[str]:
    """Put a digest into the outbox because a person asked, whether it was sent before or not; the channels it goes to.
    Raises LookupError where there is nothing it could be about, or nowhere it could go."""
    channels = channels_of(team, made_with.channels)
    if not channels:
        raise LookupError(f"the team {team.name} has no channel that is set up here")
    key = f"{digest.key_of(team.name, period)}-{digested(now.isoformat())[:8]}"
    with made_with.store.reading() as session:
        notice = compose(session, team, period, made_with.policy, made_with.public_url, now, key=key)
    with made_with.store.transaction() as session:
        deliveries.put(session, _rows(notice, channels, Reason.ASKED_FOR), now)
    return channels


def channels_of(team: Team, known: Collection[str]) -> list[str]:
    """Where a team's digests go: its digest's channels, else its own, else all there are."""
    named = team.digest.channels if team.digest.channels is not None else team.channels
    return [name for name in (named if named is not None else sorted(known)) if name in known]


def _deal_with(made_with: Digests, team: Team, every: Every, now: datetime) -> int:
    """One team's digest of the last period that is over, unless that has been dealt with; how many messages."""
    period = latest(team, every, now)
    if period is None:
        return 0
    job = f"digest:{every.value}:{team.name}"
    with made_with.store.reading() as session:
        last = session.connection().scalar(select(table(Firing).c.slot).where(table(Firing).c.job == job))
    if last is None:
        with made_with.store.transaction() as session:
            _claim(session, job, period.due, now)
        return 0
    if _slot(period.due) <= last <= _slot(now + FAR_AHEAD):
        return 0
    notice, channels, why_not = None, channels_of(team, made_with.channels), ""
    if now - period.due >= LATEST:
        why_not = NOBODY
    elif not channels:
        why_not = "the team has no channel that is set up here"
    else:
        try:
            with made_with.store.reading() as session:
                notice = compose(session, team, period, made_with.policy, made_with.public_url, now)
        except LookupError as error:
            why_not = str(error)
    put = 0
    with made_with.store.transaction() as session:
        if not _claim(session, job, period.due, now):
            return 0
        for due in missed(team, every, datetime.fromtimestamp(last, UTC), period):
            _left_out(session, team, every, due, NOBODY, now)
        if notice is None:
            _left_out(session, team, every, period.due, why_not, now)
        else:
            put = deliveries.put(session, _rows(notice, channels, Reason.DIGEST_DUE), now)
    log.info("digest_dealt_with", team=team.name, every=every.value, due=period.due.isoformat(), messages=put)
    return put


def _claim(session: Session, job: str, due: datetime, now: datetime) -> bool:
    """Whether this caller deals with what was due: true for one caller only, whose transaction keeps what it does."""
    fired = {"slot": _slot(due), "fired_at": now}
    if insert_new(session, table(Firing), [{"job": job} | fired], returning=("job",)):
        return True
    firing = table(Firing)
    # A clock that was far ahead and has been set right must not silence digests until that time has come.
    open_still = or_(firing.c.slot < _slot(due), firing.c.slot > _slot(now + FAR_AHEAD))
    moved = session.connection().execute(update(firing).where(firing.c.job == job, open_still).values(**fired))
    return bool(moved.rowcount)


def _left_out(session: Session, team: Team, every: Every, due: datetime, why: str, now: datetime) -> None:
    detail = {"every": every.value, "due": due.isoformat(), "why": why}
    audit.note(session, "escucha", "digest_left_out", team.name, detail, now)
    log.warning("digest_left_out", team=team.name, **detail)


def _slot(due: datetime) -> int:
    return int(due.timestamp())


def _rows(notice: Notice, channels: Sequence[str], reason: Reason) -> list[dict[str, object]]:
    stored = notice.to_json()
    return [
        {
            "key": notice.key, "alert_id": None, "channel": channel, "kind": notice.kind.value,
            "mode": Mode.POST.value, "severity": notice.severity.value, "reason": reason.value, "notice": stored,
        }
        for channel in channels
    ]  # fmt: skip
