"""Retain: what may not be kept longer is blanked, and what nothing needs any more goes."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from alerts.durations import in_words
from listener.registry import SOURCES
from listener.scheduler import take_turn
from listener.store import deletion, links, request_receipts, retention, search_index, throttle, tokens, users
from listener.store import push as receipts
from listener.store.engine import Store

log = structlog.get_logger()

EVERY = timedelta(hours=1)

WHY = "kept as long as the platform allows"

SETTLED_WHY = "kept as long as was settled here"

BATCH = 200
"""Mentions blanked in a transaction, so that intake does not wait for long."""

SLICES = 64
"""Parts of the bands looked through one after the other, for the same reason."""

_JOB = "retain"

_WORDS_JOB = "forget_words"

WORDS_EVERY = timedelta(days=1)
"""It writes most of the index anew; platforms want what is deleted there to be gone here within a day."""


def retain_next(
    store: Store,
    clock: Callable[[], datetime],
    keep_on: Callable[[], bool] = lambda: True,
    keep_for: Mapping[str, timedelta] | None = None,
) -> int:
    """Do what is due this hour if no other process has; how many rows were blanked or removed. ``keep_for``: how long
    mentions of a kind are kept; None = as the kinds of sources say."""
    now = clock()
    if not take_turn(store, _JOB, EVERY, now):
        return 0
    if keep_for is None:
        keep_for = {name: kind.keep_for for name, kind in SOURCES.items() if kind.keep_for is not None}
    with store.transaction() as session:
        forgotten = receipts.forget_receipts(session, now) + request_receipts.forget(session, now)
        for kept in (users, tokens, throttle):
            forgotten += kept.forget_old(session, now)
        own = retention.settled(session).keep_for
    forgotten += blank_old(store, keep_for, clock, keep_on) + forget_bands(store, now, keep_on)
    if own is not None:
        forgotten += _blank(store, None, own, SETTLED_WHY, clock, keep_on)
    if take_turn(store, _WORDS_JOB, WORDS_EVERY, now):
        forget_words(store, keep_on)
    return forgotten


def forget_words(store: Store, keep_on: Callable[[], bool]) -> None:
    """Take the words of what was deleted out of the index's file too; nothing finds them any more before."""
    while keep_on():
        with store.transaction() as session:
            if not search_index.settle(session):
                return


def blank_old(
    store: Store, keep_for: Mapping[str, timedelta], clock: Callable[[], datetime], keep_on: Callable[[], bool]
) -> int:
    """Blank mentions that were collected longer ago than their platform's terms let us keep them; how many."""
    return sum(_blank(store, kind, keep_for[kind], WHY, clock, keep_on) for kind in sorted(keep_for))


def _blank(
    store: Store,
    kind: str | None,
    kept_for: timedelta,
    why: str,
    clock: Callable[[], datetime],
    keep_on: Callable[[], bool],
) -> int:
    blanked = 0
    while keep_on():
        now = clock()
        with store.transaction() as session:
            old = deletion.collected_before(session, kind, now - kept_for, BATCH)
            blanked += deletion.blank(session, old, why, now)
        if not old:
            break
    if blanked:
        log.info("blanked_old", kind=kind or "all", mentions=blanked, kept_for=in_words(kept_for))
    return blanked


def forget_bands(store: Store, now: datetime, keep_on: Callable[[], bool]) -> int:
    """Forget texts that no copy is to be expected of any more; how many rows."""
    width = 2**64 // SLICES
    forgotten = 0
    for place in range(SLICES):
        if not keep_on():
            break
        least = -(2**63) + place * width
        with store.transaction() as session:
            forgotten += links.forget_old(session, now, least, least + width - 1)
    return forgotten
