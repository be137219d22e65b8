"""All that is known of one mention of a brand: what it says, what was read out of it, and what stands around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, select
from sqlmodel import Session

from listener.store import context, corrections
from listener.store.callers import among
from listener.store.context import Context
from listener.store.read import mention_columns, still_theirs
from listener.store.search import Filters, find
from listener.store.tables import Alert, AlertMention, MentionBrand, table

MOST_ALIKE = 20
MOST_CORRECTIONS = 50

_PAIR, _ALERT, _MEMBER = (table(model).c for model in (MentionBrand, Alert, AlertMention))


@dataclass(frozen=True, slots=True)
class MentionFile:
    """``mention``: as ``read.mention_columns`` has it. ``alike``: its copies and what quotes it, without itself.
    ``incidents``: those of its rules that it is in, with the reason of its joining as ``notice``; the last first."""

    mention: dict[str, Any]
    around: Context
    alike: Sequence[RowMapping]
    corrections: Sequence[RowMapping]
    incidents: Sequence[RowMapping]


def one(session: Session, pair_id: int, brands: frozenset[int] | None) -> RowMapping | None:
    """A mention of these brands (None = all) with its latest score; None where there is no such, or where an
    edit took the brand out of it."""
    wanted = mention_columns().where(_PAIR.id == pair_id, among(_PAIR.brand_id, brands), still_theirs(_PAIR))
    return session.connection().execute(wanted).mappings().one_or_none()


def of_pair(
    session: Session, pair_id: int, brands: frozenset[int] | None, alerting: frozenset[int] | None
) -> MentionFile | None:
    """All about a mention of these brands, and of its incidents those of the brands ``alerting`` (None = all); None
    where there is no such mention."""
    found = one(session, pair_id, brands)
    around = None if found is None else context.of_pair(session, pair_id, brands)
    if found is None or around is None:
        return None
    alike: Sequence[RowMapping] = ()
    if found["cluster"] is not None:
        its = Filters(brand=found["brand"], cluster=found["cluster"])
        page = find(session, brands=brands, words="", filters=its, after=None, limit=MOST_ALIKE + 1)
        alike = [row for row in page.rows if row["id"] != pair_id][:MOST_ALIKE]
    return MentionFile(
        mention=dict(found),
        around=around,
        alike=alike,
        corrections=corrections.listed(session, brands=brands, pair_id=pair_id, limit=MOST_CORRECTIONS),
        incidents=_incidents(session, pair_id, alerting),
    )


def _incidents(session: Session, pair_id: int, brands: frozenset[int] | None) -> Sequence[RowMapping]:
    query = (
        select(
            _ALERT.id, _ALERT.rule, _ALERT.state, _ALERT.severity, _ALERT.opened_at, _MEMBER.reason.label("notice"),
            _MEMBER.because,
        )
        .join_from(table(AlertMention), table(Alert), _ALERT.id == _MEMBER.alert_id)
        .where(_MEMBER.mention_brand_id == pair_id, among(_ALERT.brand_id, brands))
        .order_by(_ALERT.id.desc())
    )  # fmt: skip
    return session.connection().execute(query).mappings().all()
