"""Which of its brand's themes a mention meets: told as it is scored, and told again where the themes have changed."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from sqlalchemy import select, update
from sqlmodel import Session

from listener.query import QuerySet, parse, prepare
from listener.store import relevance
from listener.store.engine import upsert
from listener.store.locks import alone
from listener.store.rollups import moving
from listener.store.tables import Brand, MentionBrand, Setting, table

_PAIR, _BRAND, _SETTING = (table(model).c for model in (MentionBrand, Brand, Setting))

TOLD = "themes:"
"""Before a brand's id: the setting that says which of its themes are told, and up to which pair."""


def tags(session: Session, pairs: Mapping[int, Mapping[str, str]]) -> dict[int, list[str]]:
    """The themes that pairs meet, by name. ``pairs``: id -> its brand's themes, a name -> a query."""
    wanted = [pair_id for pair_id, themes in pairs.items() if themes]
    texts = relevance.texts(session, wanted) if wanted else {}
    found: dict[int, list[str]] = {pair_id: [] for pair_id in pairs}
    for pair_id, (text, about) in texts.items():
        queries = _compiled(tuple(sorted(pairs[pair_id].items())))
        held = prepare(text, lang=about.lang, source=about.source, author=about.author)
        found[pair_id] = sorted(queries.match(held))
    return found


@lru_cache(maxsize=1_000)
def _compiled(themes: tuple[tuple[str, str], ...]) -> QuerySet[str]:
    return QuerySet({name: parse(query) for name, query in themes})


def to_retag(session: Session) -> list[int]:
    """The brands whose stored mentions are not all told by the themes of now, the longest known first."""
    rows = session.connection().execute(select(_BRAND.id, _BRAND.themes).order_by(_BRAND.id)).all()
    settings = session.connection().execute(
        select(_SETTING.key, _SETTING.value).where(_SETTING.key.in_([f"{TOLD}{row.id}" for row in rows]))
    )
    known = {row.key: row.value for row in settings}
    return [row.id for row in rows if _from(row.themes, known.get(f"{TOLD}{row.id}")) is not None]


def retag(session: Session, brand_id: int, now: datetime, limit: int) -> int:
    """Tell a brand's next mentions by its themes of now; how many were looked at. Which were is kept with them, so
    that whoever is stopped goes on from there, and from the first one again should the themes change meanwhile."""
    # Whoever scores takes the same turn and reads the themes after it: what is scored later needs no telling.
    alone(session)
    themes: dict[str, str] = session.connection().scalar(select(_BRAND.themes).where(_BRAND.id == brand_id)) or {}
    key = f"{TOLD}{brand_id}"
    value = session.connection().scalar(select(_SETTING.value).where(_SETTING.key == key))
    after = _from(themes, value)
    if after is None:
        return 0
    rows = session.connection().execute(
        select(_PAIR.id, _PAIR.themes)
        .where(_PAIR.brand_id == brand_id, _PAIR.id > after, _PAIR.scored_at.is_not(None), _PAIR.void.is_(None))
        .order_by(_PAIR.id)
        .limit(limit)
    )
    before = {row.id: row.themes for row in rows}
    told = tags(session, dict.fromkeys(before, themes))
    changed: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for pair_id, found in told.items():
        if found != before[pair_id]:
            changed[tuple(found)].append(pair_id)
    with moving(session, [pair_id for ids in changed.values() for pair_id in ids]):
        for found_themes, ids in changed.items():
            session.connection().execute(
                update(table(MentionBrand)).where(_PAIR.id.in_(ids)).values(themes=list(found_themes))
            )
    state = {"digest": _digest(themes), "after": max(before) if len(before) == limit else None}
    upsert(
        session, table(Setting), [{"key": key, "value": state, "updated_at": now}], key=("key",),
        replace=("value", "updated_at"),
    )  # fmt: skip
    return len(before)


def _from(themes: Mapping[str, str], state: object) -> int | None:
    """After which pair to go on; None = all are told."""
    if not isinstance(state, dict):
        # Nothing was told yet, which is right where there is nothing to tell.
        return 0 if themes else None
    if state["digest"] != _digest(themes):
        return 0
    after = state["after"]
    return after if isinstance(after, int) else None


def _digest(themes: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(themes.items())).encode()).hexdigest()[:16]
