"""What Discord's answers to a webhook mean (docs.discord.com/developers/topics/opcodes-and-status-codes, rate-limits).

It answers in JSON: a `code` that is finer than the status, and with 429 how long to wait, to the millisecond.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from alerts.channel import DeliveryError, Undeliverable
from alerts.reasons import Reason
from alerts.web.answers import failure_in
from alerts.web.post import Answer

ADVICE = "create a new webhook in Discord's channel settings and put its address into the configuration"

_UNKNOWN_MESSAGE = 10_008


def read(answer: Answer) -> Mapping[str, Any]:
    """The JSON object of an answer; an empty one where there is none."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def failure(answer: Answer, host: str, *, update: bool) -> DeliveryError | None:
    """The failure that an answer stands for; None when the message was taken. `update`: a message was to be changed."""
    said = read(answer)
    if update and answer.status == 404 and said.get("code") == _UNKNOWN_MESSAGE:
        return Undeliverable(Reason.MESSAGE_GONE, f"{host} answered 404: the message to change was deleted in Discord")
    return failure_in(answer, host, ADVICE, wait=_seconds(said) if answer.status == 429 else None)


def _seconds(said: Mapping[str, Any]) -> float | None:
    asked = said.get("retry_after")
    # JSON as Python reads it has NaN and Infinity too.
    if not isinstance(asked, int | float) or isinstance(asked, bool) or not math.isfinite(asked):
        return None
    return float(asked)
