"""What people did with invented mentions: corrections, permissions to use promoters' words, collections, the audit."""

import json
from datetime import datetime, timedelta
from random import Random
from typing import Any

from seed_incidents import PEOPLE
from seed_scores import MODEL, REVISION
from seed_tables import Bulk, at

_STATES = ("asked", "granted", "granted", "refused")
_PERMISSION = (
    "mention_brand_id, state, asked_at, asked_by, answered_at, proof, terms, expires_at, version, changed_at, "
    "changed_by, history, edition"
)
_STANCE = {"detractor": "-2", "passive": "0", "promoter": "2"}
_DAYS_OF_HOURS = 30


def write(
    bulk: Bulk,
    promoters: list[tuple[int, int, datetime]],
    corrected: list[tuple[int, str, datetime]],
    mentions: int,
    until: datetime,
    random: Random,
) -> None:
    """``promoters``: pair, brand's id and time; ``corrected``: pair, label and time."""
    _corrections(bulk, corrected, random)
    _permissions(bulk, promoters, random)
    _audit(bulk, mentions, until, random)
    _hours(bulk, until, random)


def _corrections(bulk: Bulk, corrected: list[tuple[int, str, datetime]], random: Random) -> None:
    """A person agreed with the model: what was said then stays as it was inferred, and is kept all the same."""
    rows, said = [], []
    for pair, label, when in corrected:
        then = at(when + timedelta(hours=3))
        stance = _STANCE[label]
        rows.append((pair, "stance", stance, stance, MODEL, REVISION, random.choice(PEOPLE), then))
        said.append((stance, pair))
    bulk.write("correction", "mention_brand_id, what, before, after, model, revision, actor, at", rows)
    bulk.change("UPDATE mention_brand SET said_stance = {} WHERE id = {}", said)


def _permissions(bulk: Bulk, promoters: list[tuple[int, int, datetime]], random: Random) -> None:
    permissions, items, collections = [], [], []
    ids: dict[int, int] = {}
    for number, (pair, brand_id, when) in enumerate(promoters):
        # However few there are, one of each state.
        if number >= len(_STATES) and random.random() > 0.02:
            continue
        state, asked, answered = _STATES[number % len(_STATES)], when + timedelta(hours=5), when + timedelta(days=2)
        granted = state == "granted"
        permissions.append((
            pair, state, at(asked), random.choice(PEOPLE), None if state == "asked" else at(answered),
            "https://example.com/yes" if granted else None, "our pages" if granted else "",
            at(answered + timedelta(days=random.choice((90, 365)))) if granted else None, 1,
            at(answered), "ana", "[]", 0,
        ))  # fmt: skip
        if granted:
            if brand_id not in ids:
                ids[brand_id] = len(ids) + 1
                collections.append((ids[brand_id], brand_id, "Best of the year", 1, at(when), "ana"))
            items.append((ids[brand_id], pair, at(answered), "ana"))
    bulk.write("reuse_permission", _PERMISSION, permissions)
    bulk.write("collection", "id, brand_id, name, version, created_at, created_by", collections)
    bulk.write("collection_item", "collection_id, mention_brand_id, added_at, added_by", items)


def _audit(bulk: Bulk, mentions: int, until: datetime, random: Random) -> None:
    actions = ("silence.added", "export.mentions", "brand.edited", "delivery.resent")
    number = max(mentions // 100, 10)
    step = timedelta(days=365) / number
    rows: list[tuple[Any, ...]] = [
        (at(until - step * (number - place)), random.choice(PEOPLE), random.choice(actions), f"thing {place}", "{}")
        for place in range(number)
    ]
    bulk.write("audit", "at, actor, action, subject, detail", rows)


def _hours(bulk: Bulk, until: datetime, random: Random) -> None:
    """What happened to the eleven sources in the last days, and what has been read of them."""
    hour = until.replace(minute=0, second=0, microsecond=0)
    sources = range(1, 12)
    rows = [
        (source, at(hour - timedelta(hours=back)), 12, 12, found, found // 2, 0, 0, 0, 0)
        for source in sources
        for back in range(_DAYS_OF_HOURS * 24)
        for found in (random.randint(0, 200),)
    ]
    columns = "source_id, hour, polls, finished, found, stored, capped, truncated, rate_limited, failed"
    bulk.write("source_hour", columns, rows)
    covered = [(source, at(until - timedelta(days=365)), at(until)) for source in sources]
    bulk.write("covered", "source_id, since, until", covered)
    gap = until - timedelta(hours=30)
    gaps = [
        (0, 3, 2, at(gap), at(gap + timedelta(hours=2)), "restart", "the process was down", "filled", at(gap), 3600,
         json.dumps([]), at(gap), at(gap), at(gap + timedelta(hours=4))),
        (2, 0, 5, at(gap), at(gap + timedelta(hours=1)), "capped", "there was more", "lost", at(gap), 3600,
         json.dumps([]), at(gap), at(gap), at(gap + timedelta(hours=4))),
    ]  # fmt: skip
    bulk.write(
        "gap",
        "tries, found, source_id, since, until, cause, why, state, read_to, width_s, holes, not_before, opened_at, "
        "closed_at",
        gaps,
    )
