"""What was said, for lists of incidents: the latest mention of each that may be shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlmodel import Session

from listener.store.notices import presentable
from listener.store.tables import Alert, AlertMention, Author, Mention, MentionBrand, table

_ALERT, _MEMBER, _PAIR, _MENTION, _AUTHOR = (
    table(model).c for model in (Alert, AlertMention, MentionBrand, Mention, Author)
)


@dataclass(frozen=True, slots=True)
class Quotation:
    """A mention's words as they were written. ``at``: where in them the brand is named, in characters."""

    text: str
    at: int
    author: str | None


def quotations(session: Session, alert_ids: Sequence[int]) -> dict[int, Quotation]:
    """The latest stored mention of each of these incidents; none of one that has nothing to show. In one query, which
    goes through each incident's members from the end until it finds one: they may be thousands."""
    latest = (
        select(_MEMBER.mention_brand_id)
        .join_from(table(AlertMention), table(MentionBrand), _PAIR.id == _MEMBER.mention_brand_id)
        .join(table(Mention), _MENTION.id == _PAIR.mention_id)
        .where(_MEMBER.alert_id == _ALERT.id, *presentable())
        .order_by(_MEMBER.mention_brand_id.desc())
        .limit(1)
        .correlate(table(Alert))
        .scalar_subquery()
    )
    chosen = select(_ALERT.id, latest.label("pair")).where(_ALERT.id.in_(alert_ids)).subquery()
    rows = session.connection().execute(
        select(
            chosen.c.id, _PAIR.spans, _MENTION.text, func.coalesce(_AUTHOR.handle, _AUTHOR.name).label("author")
        )
        .join_from(chosen, table(MentionBrand), _PAIR.id == chosen.c.pair)
        .join(table(Mention), _MENTION.id == _PAIR.mention_id)
        .join(table(Author), _AUTHOR.id == _MENTION.author_id, isouter=True)
    )  # fmt: skip
    return {row.id: Quotation(row.text, row.spans[0][0] if row.spans else 0, row.author) for row in rows}
