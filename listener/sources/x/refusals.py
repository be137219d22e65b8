"""What X says when it refuses, and what its headers tell about its limits.

https://docs.x.com/x-api/fundamentals/response-codes-and-errors: problems as JSON with ``type``, ``title``, ``detail``
and often ``errors`` with messages; .../rate-limits: ``x-rate-limit-remaining`` and ``-reset`` (seconds since 1970).
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from listener.http import refusal, shown
from listener.session import Left
from listener.source import FatalSourceError, RetriableSourceError, SourceError
from listener.sources.x.posts import objects

_NO_CREDITS = 402
_TOO_OLD = re.compile(r"'since_id' (?:must be|that is larger than).*?larger than '?(\d+)", re.DOTALL)
_TOO_NEW = re.compile(r"'(?:until_id|end_time)' must")
_CAPPED_FOR = 6 * 3600.0
"""Seconds. A monthly cap may be lifted by buying more at any time, so it is worth a try now and then."""
_A_MOMENT = 30.0


class TooOld(RetriableSourceError):
    """``since_id`` lies before the seven days that X keeps; from ``oldest`` on (an id) it would answer."""

    def __init__(self, message: str, oldest: int) -> None:
        super().__init__(message)
        self.oldest = oldest


def left(headers: Mapping[str, str]) -> Left:
    """What is left of an endpoint's requests, and in how many seconds it is renewed by X's own clock."""
    return _number(headers.get("x-rate-limit-remaining")), _resets_in(headers)


def spent_only(headers: Mapping[str, str]) -> Left:
    """The same for endpoints whose limit is not the one that the account is counted by: only that nothing is left."""
    remaining, resets_in = left(headers)
    return (remaining, resets_in) if remaining == 0 else (None, None)


def refused(response: requests.Response) -> SourceError | None:
    """X's refusal as the error to raise; None = the house's words say enough."""
    problem = _problem(response)
    address, status = (response.url or "").partition("?")[0], response.status_code  # the rest would hide the words
    where = shown(address)
    kind = str(problem.get("type", "")).rpartition("/")[2]
    messages = [str(error["message"]) for error in objects(problem.get("errors")) if "message" in error]
    said = " ".join(messages) or str(problem.get("detail") or problem.get("title") or "")
    if status == _NO_CREDITS:
        return FatalSourceError(
            f"{where} answered 402 ({said or 'payment required'}): the X account has no credits left; buy some, or "
            "raise its spending limit, in X's developer console"
        )
    if kind == "usage-capped":
        return RetriableSourceError(
            f"{where} answered {status} ({said}): the account has read all that X allows it this month; raise the cap "
            "in X's developer console. It is tried again every few hours",
            retry_after=_CAPPED_FOR,
        )
    if status == requests.codes.bad_request:
        if (found := _TOO_OLD.search(said)) is not None:
            return TooOld(f"{where} answered 400 ({said}): X keeps seven days", int(found[1]))
        if _TOO_NEW.search(said):
            return RetriableSourceError(
                f"{where} answered 400 ({said}): X does not search the last seconds; it is tried again in a moment",
                retry_after=_A_MOMENT,
            )
    if status == requests.codes.too_many_requests and "Retry-After" not in response.headers:
        wait = _resets_in(response.headers)
        if wait is not None:
            return RetriableSourceError(
                f"{where} answered 429 ({said or 'too many requests'}); it asks to wait {wait:.0f} s", retry_after=wait
            )
    return refusal(status, response.reason or "", address, response.headers, said=said)


def _problem(response: requests.Response) -> Mapping[str, Any]:
    try:
        problem = response.json()
    except (ValueError, RecursionError):
        return {}
    return problem if isinstance(problem, Mapping) else {}


def _resets_in(headers: Mapping[str, str]) -> float | None:
    """Seconds. Measured against the answer's own Date, because the clock that set the time wrote that as well."""
    reset = _number(headers.get("x-rate-limit-reset"))
    try:
        sent = parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    return None if reset is None else min(max(reset - sent, 0.0), 86_400.0)


def _number(value: str | None) -> float | None:
    return float(value) if value is not None and re.fullmatch(r"\d{1,12}", value.strip()) else None
