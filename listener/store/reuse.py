"""Permissions to use promoters' words again, in and out of their table.

A mention that is deleted takes its permission with it: what shows that its author allowed something is their words, or
leads to them. What stays is that there was one, since when, and who kept it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, case, literal, or_, select, update
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session

from listener import reuse
from listener.items import storable
from listener.reuse import Permission, Standing, State, Step
from listener.store.audit import note
from listener.store.callers import among
from listener.store.engine import insert_new
from listener.store.locks import beside
from listener.store.tables import CollectionItem, MentionBrand, ReusePermission, table

NEVER_ASKED = Permission()

ENDED_BY = "Escucha"
ENDED_WHY = "the mention was deleted"

_PAIR, _PERMISSION, _ITEM = (table(model).c for model in (MentionBrand, ReusePermission, CollectionItem))
_SAID = ("proof", "terms", "reason")
"""What of a step in the history may quote the author, or lead to them."""

_AT_ONCE = 400


class ReadAgain(Exception):
    """Somebody else was faster, or the words have changed: what was decided upon is not what there is now."""


def version(permission: Permission, edition: int) -> str:
    """What changes whenever the permission does, or the words that it is about."""
    return f"{permission.version}-{edition}"


def of_pairs(session: Session, pairs: Sequence[int]) -> dict[int, Permission]:
    """What is known of these pairs' permissions; those that nobody ever asked for are left out."""
    found: dict[int, Permission] = {}
    for start in range(0, len(pairs), _AT_ONCE):
        some = pairs[start : start + _AT_ONCE]
        rows = session.connection().execute(
            select(table(ReusePermission)).where(_PERMISSION.mention_brand_id.in_(some))
        )
        found |= {row.mention_brand_id: permission_of(row) for row in rows}
    return found


def take_step(
    session: Session, pair_id: int, step: Step, actor: str, now: datetime, *, brands: Collection[int] | None, seen: str
) -> tuple[Permission, int]:
    """Keep a step for a mention of one of these brands (None = any); the permission, and the edition of its words.

    ``seen``: the ``version`` that whoever takes it has seen. First in its transaction. Raises KeyError where there is
    no such mention, or no longer; ReadAgain; StepRefused for what cannot follow.
    """
    # What is deleted or edited meanwhile has been so before this, or is after it.
    beside(session)
    mine = among(_PAIR.brand_id, None if brands is None else frozenset(brands))
    edition = session.connection().scalar(select(_PAIR.edition).where(_PAIR.id == pair_id, _PAIR.void.is_(None), mine))
    if edition is None:
        raise KeyError(pair_id)
    before = of_pairs(session, [pair_id]).get(pair_id, NEVER_ASKED)
    if seen not in ("*", version(before, edition)):
        raise ReadAgain
    was = reuse.standing(before, edition, now)
    changed = reuse.after(before, step, edition, storable(actor), now)
    _keep(session, pair_id, before, changed)
    # Neither proof nor words: what is noted here is never deleted.
    ends = changed.get("expires_at")
    detail = {"from": was.value, "to": step.to.value, "expires_at": ends.isoformat() if ends else None}
    note(session, actor, "promoter.permission", f"mention {pair_id}", detail, now)
    return of_pairs(session, [pair_id])[pair_id], edition


def _keep(session: Session, pair_id: int, before: Permission, changed: dict[str, Any]) -> None:
    values = changed | {"state": changed["state"].value, "history": [dict(one) for one in changed["history"]]}
    if before.version == 0:
        row = {"mention_brand_id": pair_id, **values}
        kept = bool(insert_new(session, table(ReusePermission), [row], returning=("mention_brand_id",)))
    else:
        mine = (_PERMISSION.mention_brand_id == pair_id, _PERMISSION.version == before.version)
        kept = session.connection().execute(update(table(ReusePermission)).where(*mine).values(**values)).rowcount == 1
    if not kept:
        raise ReadAgain


def end_for(session: Session, pairs: Sequence[int], now: datetime) -> None:
    """These mentions are deleted: nobody may use their words, and what was kept of their authors' answers goes."""
    held = select(table(ReusePermission)).where(_PERMISSION.mention_brand_id.in_(pairs))
    for row in session.connection().execute(held.order_by(_PERMISSION.mention_brand_id).with_for_update()).all():
        history = [{name: value for name, value in one.items() if name not in _SAID} for one in row.history]
        end = {"at": now.isoformat(), "by": ENDED_BY, "state": State.REFUSED.value, "reason": ENDED_WHY}
        session.connection().execute(
            update(table(ReusePermission))
            .where(_PERMISSION.mention_brand_id == row.mention_brand_id)
            .values(
                state=State.REFUSED.value, proof=None, terms="", expires_at=None, history=[*history, end],
                version=row.version + 1, changed_at=now, changed_by=ENDED_BY,
            )
        )  # fmt: skip


def kept_for() -> ColumnElement[bool]:
    """The pairs that somebody asked for or has put in a collection, so that their rows stay."""
    asked = select(_PERMISSION.mention_brand_id).where(_PERMISSION.mention_brand_id == _PAIR.id)
    picked = select(_ITEM.mention_brand_id).where(_ITEM.mention_brand_id == _PAIR.id)
    here = table(MentionBrand)
    return or_(asked.correlate(here).exists(), picked.correlate(here).exists())


def stands(now: datetime) -> ColumnElement[str]:
    """``reuse.standing`` of a pair outer-joined with its permission, as the database works it out."""
    granted = _PERMISSION.state == State.GRANTED.value
    return case(
        (_PERMISSION.state.is_(None), literal(Standing.NOT_ASKED.value)),
        (granted & (_PERMISSION.expires_at <= now), literal(Standing.EXPIRED.value)),
        (granted & (_PERMISSION.edition != _PAIR.edition), literal(Standing.CHANGED.value)),
        else_=_PERMISSION.state,
    )


def permission_of(row: Row[Any]) -> Permission:
    """A row of the table, as the steps know it."""
    return Permission(
        state=State(row.state), asked_at=row.asked_at, asked_by=row.asked_by, answered_at=row.answered_at,
        proof=row.proof, terms=row.terms, expires_at=row.expires_at, edition=row.edition, version=row.version,
        changed_at=row.changed_at, changed_by=row.changed_by, history=tuple(row.history),
    )  # fmt: skip
