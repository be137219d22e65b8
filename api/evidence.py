"""Which words moved a mention's score: worked out when somebody asks, by a model that is opened then.

The process that serves the pages needs no model for anything else, so it has none until the first time; then it keeps
one, and the last few explanations. One explanation at a time: each reads a text some dozens of times.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, Protocol

import structlog
from fastapi import HTTPException

from api.turns import Turns
from api.wiring import open_scorer
from listener.config import Settings
from sentiment.errors import SentimentError
from sentiment.explain import Explanation
from sentiment.language import identify
from sentiment.scorer import Text

log = structlog.get_logger()

KEPT = 200
"""Explanations; each is some ten thousand bytes."""

PATIENCE_S = 20.0
"""Opening the model takes seconds."""

NO_MODEL = (
    "words cannot be shown with their effects here: the model cannot be opened ({}); `escucha check` says what is wrong"
)
BUSY = "others have texts explained this moment; come again in some seconds"
GONE = "this mention says nothing any more: it was deleted"


class Explainer(Protocol):
    """What a scorer does here."""

    def explain(self, text: Text) -> Explanation:
        """The score of a text, and the words behind it."""


class Evidences:
    """For all requests of an application together. Safe to share between threads."""

    def __init__(self, settings: Settings, opening: Callable[[Settings], Explainer] = open_scorer) -> None:
        self._settings = settings
        self._opening = opening
        self._explainer: Explainer | None = None
        self._turns = Turns(BUSY, at_once=1)
        self._lock = Lock()
        self._kept: OrderedDict[tuple[int, int], Explanation] = OrderedDict()

    def of(self, mention: Any) -> Explanation:
        """The explanation of a mention (a row of ``read.mention_columns``), by the model that this process opens.
        Raises HTTPException 503 where no model can be opened or others are at it, 410 for a mention that is blank."""
        if not mention["text"]:
            raise HTTPException(410, GONE)
        key = (mention["id"], mention["edition"])
        if (known := self._known(key)) is not None:
            return known
        with self._turns.take(PATIENCE_S):
            # Whoever was before us may have asked for the same.
            found = self._known(key) or self._opened().explain(_text(mention))
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found

    def _known(self, key: tuple[int, int]) -> Explanation | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _opened(self) -> Explainer:
        """In turn only, so that it is opened once."""
        if self._explainer is None:
            try:
                self._explainer = self._opening(self._settings)
            except (SentimentError, ImportError, OSError) as error:
                log.warning("no_model_for_evidence", why=str(error))
                raise HTTPException(503, NO_MODEL.format(error)) from error
        return self._explainer


def _text(mention: Any) -> Text:
    spans = tuple((start, end) for start, end in mention["spans"])
    return Text(mention["text"], mention["brand"], mention["lang"] or identify(mention["text"]), spans)
