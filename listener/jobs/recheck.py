"""Recheck: mentions that their platform wants looked up again, and what of them is gone is blanked."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from listener.open_source import OpenSource
from listener.scheduler import take_turn
from listener.source import FatalSourceError, Rechecked, RetriableSourceError, Source, SourceError
from listener.store import deletion
from listener.store.engine import Store
from listener.store.tables import Source as SourceRow

log = structlog.get_logger()

EVERY = timedelta(minutes=10)
"""How often a round begins, in whichever process comes first."""

ROUND = timedelta(minutes=8)
"""How long a round may take, so that it ends before the next one may begin; the rest is the next round's."""

_JOB = "recheck"


class Build(Protocol):
    """Makes a source of its kind and options. ``urgent``: it may use up its quota; else it leaves a part to others."""

    def __call__(self, kind: str, options: Mapping[str, Any], *, urgent: bool) -> OpenSource: ...


def recheck_next(
    store: Store,
    build: Build,
    clock: Callable[[], datetime],
    keep_on: Callable[[], bool] = lambda: True,
    demands: Mapping[str, timedelta] | None = None,
) -> int:
    """Begin a round if one is due and no other process has; how many mentions were looked up. See ``recheck``."""
    now = clock()
    if not take_turn(store, _JOB, EVERY, now):
        return 0
    return recheck(store, build, clock, lambda: keep_on() and clock() < now + ROUND, demands)


def recheck(
    store: Store,
    build: Build,
    clock: Callable[[], datetime],
    keep_on: Callable[[], bool] = lambda: True,
    demands: Mapping[str, timedelta] | None = None,
) -> int:
    """Look up what is due of every source, the longest unseen first; how many mentions.

    Each is looked up through the source that found it, because ids mean something only to the place they are from.
    What a source is asked here counts against its own quota, of which it leaves a part to others; but not where a kind
    demands (``demands``) that mentions are looked up within some time, and half of what is left of it has passed. A
    source that cannot answer is left for the next round and stops no other; a pause that its platform asks for holds
    everybody on its accounts. A source that is no longer read is still asked about what it found.
    """
    with store.reading() as session:
        rows = deletion.sources_to_recheck(session)
    looked_up = 0
    for row in rows:
        if not keep_on():
            break
        try:
            looked_up += _recheck_row(store, row, build, clock, keep_on, (demands or {}).get(row.kind))
        except RetriableSourceError as error:
            log.warning("recheck_again", source=row.name, error=str(error))
        except FatalSourceError as error:
            # Reading it fails the same way and stops it; one that is switched off has nobody else to say it.
            log.error("recheck_impossible", source=row.name, error=str(error))  # noqa: TRY400
        except Exception as error:
            log.exception("recheck_unforeseen_failure", source=row.name, error=str(error))
    return looked_up


def _recheck_row(
    store: Store,
    row: SourceRow,
    build: Build,
    clock: Callable[[], datetime],
    keep_on: Callable[[], bool],
    within: timedelta | None,
) -> int:
    opened = build(row.kind, row.options, urgent=False)
    if not isinstance(opened.source, Rechecked):
        return 0
    # A round early: what is due between two rounds would be late in the next.
    ages = [(opened, opened.source.recheck_every - EVERY)]
    if within is not None:
        # What must not wait first; this may use up the quota, and then there is nothing left for the rest to spare.
        pressing = opened.source.recheck_every + max(within - opened.source.recheck_every, timedelta(0)) / 2
        ages.insert(0, (build(row.kind, row.options, urgent=True), pressing))
    looked_up = 0
    for asked, age in ages:
        try:
            looked_up += _recheck_source(store, row, asked.source, age, clock, keep_on)
        except SourceError as error:
            asked.heed(error)
            raise
    return looked_up


def _recheck_source(
    store: Store,
    row: SourceRow,
    source: Source,
    age: timedelta,
    clock: Callable[[], datetime],
    keep_on: Callable[[], bool],
) -> int:
    """Look up what nobody has for longer than ``age``."""
    assert row.id is not None
    assert isinstance(source, Rechecked)
    looked_up = blanked = 0
    while keep_on():
        due = clock() - age
        with store.reading() as session:
            batch = deletion.unchecked(session, row.kind, row.id, due, source.recheck_batch)
        if not batch:
            break
        gone = source.gone(list(batch.values()))
        now = clock()
        with store.transaction() as session:
            for why in sorted(set(gone.values())):
                ids = [mention for mention, native_id in batch.items() if gone.get(native_id) == why]
                blanked += deletion.blank(session, ids, why, now)
            deletion.note_checked(session, list(batch), now)
        looked_up += len(batch)
    if looked_up:
        log.info("rechecked", source=row.name, looked_up=looked_up, blanked=blanked)
    return looked_up
