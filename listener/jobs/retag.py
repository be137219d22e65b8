"""Retag: stored mentions are told by their brand's themes again where those have changed."""

from collections.abc import Callable
from datetime import datetime

import structlog

from listener.store import themes
from listener.store.engine import Store

log = structlog.get_logger()

BATCH = 500
"""Mentions a transaction, so that intake and scores, which take the same turn, do not wait for long."""


def retag_next(store: Store, clock: Callable[[], datetime], limit: int = BATCH) -> int:
    """Tell the next ``limit`` mentions of a brand whose themes have changed; how many were looked at. Several processes
    may do so: each batch begins where the last one that was kept ended."""
    with store.reading() as session:
        waiting = themes.to_retag(session)
    if not waiting:
        return 0
    with store.transaction() as session:
        done = themes.retag(session, waiting[0], clock(), limit)
    log.info("retagged", brand=waiting[0], mentions=done)
    return done
