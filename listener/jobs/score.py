"""Score: pairs of mention and brand that have no score yet."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from listener.store import scoring
from listener.store.engine import Store
from sentiment.scorer import Score, Scorer, Text

log = structlog.get_logger()

LEASE = timedelta(seconds=60)


def score_batch(store: Store, scorer: Scorer, clock: Callable[[], datetime], limit: int = 128) -> int:
    """Score up to ``limit`` pairs and keep them in one transaction; how many pairs were taken."""
    with store.transaction() as session:
        batch = scoring.claim_unscored(session, limit, clock(), LEASE)
    if not batch:
        return 0
    try:
        scores = scorer.score([Text(pair.text, pair.brand, pair.lang, pair.spans) for pair in batch])
    except Exception:
        with store.transaction() as session:
            scoring.release(session, [pair.id for pair in batch])
        raise
    rows = [_row(pair.id, score) for pair, score in zip(batch, scores, strict=True)]
    with store.transaction() as session:
        new = scoring.write_scores(session, rows, clock())
    log.debug("scored", pairs=len(batch), new=new)
    return len(batch)


def _row(pair_id: int, score: Score) -> dict[str, Any]:
    return {
        "mention_brand_id": pair_id,
        "model": score.model,
        "revision": score.revision,
        "label": score.label,
        "lang": score.lang,
        "polarity": score.polarity,
        "stance": score.stance,
        "emotions": score.emotions,
        "irony": score.irony,
        "offensive": score.offensive,
        "complaint": score.complaint,
        "relevance": score.relevance,
    }
