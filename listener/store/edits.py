"""What a known mention says now: its text, its brands and its numbers, as the source tells them again.

Callers are alone (``store.locks``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any

from sqlalchemy import bindparam, delete, func, or_, select, update
from sqlmodel import Session

from alerts.mentions import reactions_in
from listener import readings
from listener.copies import Wording, wording
from listener.items import Item
from listener.query import Span
from listener.query.index import more_words
from listener.relevance import NO_WORDS
from listener.store import copies, links
from listener.store.keys import Key, lookups
from listener.store.reuse import kept_for
from listener.store.rollups import moving
from listener.store.tables import AlertMention, Correction, Mention, MentionBrand, Score, table

VOID_EDITED = "edited"

_UNREAD = dict.fromkeys(("label", "lang", "polarity", "emotion", "said_stance", "said_polarity")) | {"themes": []}
"""A pair of whose words nothing is known: what was read out of others, and corrected about them, says nothing."""

_MENTION, _PAIR, _SCORE = (table(model).c for model in (Mention, MentionBrand, Score))


@dataclass(frozen=True, slots=True)
class Matched:
    """An item and the brands it is about: brand id -> where its words stand in ``item.full_text``."""

    item: Item
    brands: Mapping[int, Sequence[Span]]


class Change(Enum):
    """What a known mention that was seen again is."""

    NONE = auto()
    NUMBERS = auto()
    EDITED = auto()
    OUTDATED = auto()


def stored(session: Session, keys: Sequence[Key]) -> dict[Key, Any]:
    """The mentions of these keys as they are stored."""
    found: dict[Key, Any] = {}
    for wanted in lookups(table(Mention), keys):
        rows = session.connection().execute(
            select(
                _MENTION.id, _MENTION.kind, _MENTION.native_id, _MENTION.source_id, _MENTION.text, _MENTION.reach,
                _MENTION.engagement, _MENTION.edited_at, _MENTION.cluster_id, _MENTION.deleted_at, _MENTION.digest,
                _MENTION.readings, _MENTION.collected_at,
            ).where(wanted)
        )  # fmt: skip
        found |= {(row.kind, row.native_id): row for row in rows}
    return found


def outdated(edited_at: datetime | None, known: datetime | None) -> bool:
    """Whether a text of that time is older than one we know; one that was never edited is older than any edit."""
    return known is not None and (edited_at is None or edited_at < known)


def change(row: Any, item: Item, source_id: int) -> Change:
    """What has come of a stored mention. Never back: an older text does not replace a later one, and where no time is
    given only the source that told the first text is believed about another."""
    if row.deleted_at is not None or outdated(item.edited_at, row.edited_at):
        return Change.OUTDATED
    if item.full_text != row.text:
        later = item.edited_at is not None and item.edited_at != row.edited_at
        return Change.EDITED if later or row.source_id == source_id else Change.OUTDATED
    reached = item.reach is not None and item.reach != row.reach
    engaged = bool(item.engagement) and dict(item.engagement) != row.engagement
    return Change.NUMBERS if reached or engaged or item.edited_at != row.edited_at else Change.NONE


def apply(
    session: Session,
    source_id: int,
    seen: Mapping[int, tuple[Any, Matched]],
    changes: Mapping[int, Change],
    now: datetime,
) -> dict[int, Wording | None]:
    """Store what changed of these mentions (id -> as stored, as seen now). The mentions to be joined with their copies
    anew, with their wording; pairs of brands that are new to a mention are the caller's to add."""
    changed = {mention for mention, kind in changes.items() if kind in (Change.NUMBERS, Change.EDITED)}
    edited = {mention for mention in changed if changes[mention] is Change.EDITED}
    if not changed:
        return {}
    parted = copies.part(session, edited) if edited else {}
    pairs = _pairs(session, changed)
    with moving(session, [pair.id for pair in pairs]):
        _rewrite(session, [(*seen[mention], mention in edited) for mention in sorted(changed)], now)
        for mention in sorted(edited):
            before, match = seen[mention]
            its = [pair for pair in pairs if pair.mention_id == mention]
            _anew(session, its, before, match, now, same_source=before.source_id == source_id)
    _note_growth(session, [mention for mention in changed if _grew(*seen[mention])], now)
    links.forget(session, [seen[mention][0].text for mention in edited])
    return parted | {mention: wording(seen[mention][1].item.full_text) for mention in edited}


def _pairs(session: Session, mentions: set[int]) -> list[Any]:
    """With ``needed``: an incident names the pair, or what people said or keep of it does, so that its row stays."""
    member = select(AlertMention.alert_id).where(table(AlertMention).c.mention_brand_id == _PAIR.id)  # type: ignore[call-overload]
    corrected = select(table(Correction).c.id).where(table(Correction).c.mention_brand_id == _PAIR.id)
    ids = sorted(mentions)
    return [
        row
        for start in range(0, len(ids), 400)
        for row in session.connection().execute(
            select(
                _PAIR.id,
                _PAIR.mention_id,
                _PAIR.brand_id,
                _PAIR.spans,
                or_(member.exists(), corrected.exists(), kept_for()).label("needed"),
            ).where(_PAIR.mention_id.in_(ids[start : start + 400]))
        )
    ]


def _grew(before: Any, match: Matched) -> bool:
    reached = match.item.reach or 0
    return reached > (before.reach or 0) or reactions_in(match.item.engagement) > reactions_in(before.engagement)


def _note_growth(session: Session, mentions: Sequence[int], now: datetime) -> None:
    """Have the pairs judged again by the rules that held them for what has risen now."""
    for start in range(0, len(mentions), 400):
        session.connection().execute(
            update(table(MentionBrand))
            .where(
                _PAIR.mention_id.in_(mentions[start : start + 400]), _PAIR.judged_at.is_not(None),
                _PAIR.verdicts.is_not(None), _PAIR.void.is_(None), _PAIR.hidden_why.is_(None),
            )
            .values(grown_at=now)
        )  # fmt: skip


def _rewrite(session: Session, seen: Sequence[tuple[Any, Matched, bool]], now: datetime) -> None:
    """Numbers change with nearly every reading, so all of them in one statement; and the texts that were edited."""
    numbers: list[dict[str, Any]] = []
    texts: list[dict[str, Any]] = []
    for before, match, edited in seen:
        item = match.item
        numbers.append(
            {
                "mention": before.id,
                "new_reach": before.reach if item.reach is None else item.reach,
                "new_engagement": dict(item.engagement) or before.engagement,
                "new_readings": before.readings
                if not item.engagement
                else readings.added(before.readings, before.collected_at, before.engagement, now, item.engagement),
                "new_edited_at": item.edited_at or before.edited_at,
            }
        )
        if edited:
            said = wording(item.full_text)
            texts.append(
                {
                    "mention": before.id,
                    "new_text": item.full_text,
                    "new_words": more_words(item.full_text),
                    "new_title": item.title,
                    "new_lang": item.lang,
                    "new_digest": said.digest if said else None,
                }
            )
    one = update(table(Mention)).where(_MENTION.id == bindparam("mention"))
    if numbers:
        session.connection().execute(
            one.values(
                reach=bindparam("new_reach"), engagement=bindparam("new_engagement"),
                edited_at=bindparam("new_edited_at"), readings=bindparam("new_readings", type_=_MENTION.readings.type),
            ),
            numbers,
        )  # fmt: skip
    if texts:
        session.connection().execute(
            one.values(
                text=bindparam("new_text"), title=bindparam("new_title"), digest=bindparam("new_digest"),
                also_words=bindparam("new_words"),
                lang=func.coalesce(bindparam("new_lang"), _MENTION.lang),
            ),
            texts,
        )  # fmt: skip


def _anew(
    session: Session, pairs: Sequence[Any], before: Any, match: Matched, now: datetime, *, same_source: bool
) -> None:
    """The pairs of an edited mention: scored again where it is still about the brand. What was judged stays judged:
    nobody is told twice."""
    gone: list[int] = []
    void: list[int] = []
    for pair in pairs:
        spans: Sequence[Sequence[int]] | None = match.brands.get(pair.brand_id)
        if spans is None and not same_source:
            spans = _kept(pair.spans, before.text, match.item.full_text)
        if spans is not None:
            hidden = None if match.item.full_text else NO_WORDS
            again = _UNREAD | {"scored_at": None, "lease_until": None, "hidden_why": hidden, "void": None}
            session.connection().execute(
                update(table(MentionBrand))
                .where(_PAIR.id == pair.id)
                .values(spans=[list(span) for span in spans], edition=_PAIR.edition + 1, **again)
            )
        else:
            (void if pair.needed else gone).append(pair.id)
    session.connection().execute(delete(table(Score)).where(_SCORE.mention_brand_id.in_([pair.id for pair in pairs])))
    set_void(session, void, VOID_EDITED, now)
    session.connection().execute(delete(table(MentionBrand)).where(_PAIR.id.in_(gone)))


def set_void(session: Session, pairs: Sequence[int], why: str, now: datetime) -> None:
    """Let pairs count for nothing any more and be work for nobody."""
    if not pairs:
        return
    done = {"scored_at": func.coalesce(_PAIR.scored_at, now), "judged_at": func.coalesce(_PAIR.judged_at, now)}
    session.connection().execute(
        update(table(MentionBrand))
        .where(_PAIR.id.in_(pairs))
        .values(
            void=why, spans=[], copy_of=None, lease_until=None, edition=_PAIR.edition + 1, **done, **_UNREAD
        )
    )  # fmt: skip


def _kept(spans: Sequence[Sequence[int]], before: str, after: str) -> Sequence[Sequence[int]] | None:
    """The places of a brand that another source does not listen for: those that still say the same. None: there were
    some, and none is left."""
    left = [span for span in spans if before[span[0] : span[1]] == after[span[0] : span[1]]]
    return None if spans and not left else left
