"""Score: pairs of mention and brand that have no score yet."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from listener.store import scoring
from listener.store.engine import Store
from sentiment.scorer import Score, Scorer, Text

log = structlog.get_logger()

LEASE = timedelta(seconds=60)

SET_ASIDE = timedelta(hours=1)
"""How long a pair that cannot be scored is left alone."""

_HARMLESS = Text("Good morning.", "Escucha")


def score_batch(store: Store, scorer: Scorer, clock: Callable[[], datetime], limit: int = 128) -> int:
    """Score up to ``limit`` pairs and keep them in one transaction; how many pairs were taken.

    Where that fails although the scorer works, one of them is to blame: they are scored one by one, and those that
    cannot be are named in the log and left alone for an hour, so that they hold up no other. Raises what the scorer
    raises where it does not work at all; the pairs are given back then.
    """
    with store.transaction() as session:
        batch = scoring.claim_unscored(session, limit, clock(), LEASE)
    if not batch:
        return 0
    try:
        new = _score(store, scorer, clock, batch)
    except (OperationalError, InterfaceError):
        # The database's trouble, not a pair's: the leases run out by themselves should it not even take them back.
        with store.transaction() as session:
            scoring.release(session, [pair.id for pair in batch])
        raise
    except Exception:
        try:
            scorer.score([_HARMLESS])
        except Exception:
            with store.transaction() as session:
                scoring.release(session, [pair.id for pair in batch])
            raise
        new = sum(_score_alone(store, scorer, clock, pair) for pair in batch)
    log.debug("scored", pairs=len(batch), new=new)
    return len(batch)


def _score(store: Store, scorer: Scorer, clock: Callable[[], datetime], batch: Sequence[scoring.Unscored]) -> int:
    scores = scorer.score([Text(pair.text, pair.brand, pair.lang, pair.spans) for pair in batch])
    rows = [_row(pair, score) for pair, score in zip(batch, scores, strict=True)]
    with store.transaction() as session:
        return scoring.write_scores(session, rows, clock())


def _score_alone(store: Store, scorer: Scorer, clock: Callable[[], datetime], pair: scoring.Unscored) -> int:
    try:
        return _score(store, scorer, clock, [pair])
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        with store.transaction() as session:
            scoring.set_aside(session, pair.id, clock() + SET_ASIDE)
        log.exception("pair_not_scored", pair=pair.id, brand=pair.brand, error=str(error), again_in="1h")
        return 0


def _row(pair: scoring.Unscored, score: Score) -> dict[str, Any]:
    return {
        "mention_brand_id": pair.id,
        "edition": pair.edition,
        "model": score.model,
        "revision": score.revision,
        "label": score.label,
        "unsure": score.unsure,
        "lang": score.lang,
        "polarity": score.polarity,
        "stance": score.stance,
        "emotions": score.emotions,
        "irony": score.irony,
        "offensive": score.offensive,
        "complaint": score.complaint,
        "relevance": score.relevance,
    }
