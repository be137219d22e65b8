"""Which of an incident's mentions are shown: each thing that was said once."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, or_, select
from sqlmodel import Session

from listener.store.tables import AlertMention, MentionBrand, table

_PAIR = table(MentionBrand).c


def told_once(alert_id: int) -> ColumnElement[bool]:
    """Of the pairs of an incident those that repeat none of it that is shown.

    A copy stands for what was said where what is counted in its place is not in the incident: a repost may have opened
    it, and what it repeats have come later, when the rules had spoken of it already.
    """
    pairs, members = table(MentionBrand).alias(), table(AlertMention).alias()
    counted, member = pairs.c, members.c
    is_there = (
        select(counted.id)
        .join_from(pairs, members, member.mention_brand_id == counted.id)
        .where(
            member.alert_id == alert_id, counted.id == _PAIR.copy_of, counted.void.is_(None),
            counted.hidden_why.is_(None),
        )
        .correlate(table(MentionBrand))
        .exists()
    )  # fmt: skip
    return or_(_PAIR.copy_of.is_(None), ~is_there)


def reasons(session: Session, alert_id: int, pairs: Sequence[int]) -> dict[int, str]:
    """Of these pairs those that belong to an incident, with the named reason why people were or were not told when
    they joined it."""
    member = table(AlertMention).c
    wanted = (member.alert_id == alert_id, member.mention_brand_id.in_(pairs))
    rows = session.connection().execute(select(member.mention_brand_id, member.reason).where(*wanted))
    return {row.mention_brand_id: row.reason for row in rows}
