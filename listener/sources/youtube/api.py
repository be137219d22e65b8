"""The Data API's requests: paid for in units, refused in Google's words."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from listener.google import explained
from listener.http import Reply, shown
from listener.source import FatalSourceError, Limit, RetriableSourceError, SourceError, account_name
from listener.tools import Tools

_PACIFIC = "America/Los_Angeles"
LIMITS = (Limit(10_000, timedelta(days=1), midnight=_PACIFIC, unit="units"),)
_DAY_IS_SPENT = frozenset({"quotaExceeded", "dailyLimitExceeded", "dailyLimitExceededUnreg"})
_TOO_FAST = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RESOURCE_EXHAUSTED"})
_NO_TOKEN = frozenset({"invalidPageToken", "processingFailure"})
_CLOSED = frozenset({"commentsDisabled", "forbidden"})
_DELETED = frozenset(
    {"videoNotFound", "channelNotFound", "commentThreadNotFound", "commentNotFound", "parentCommentNotFound"}
)
_ANSWERED = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS)


class NotThere(Exception):
    """What was asked for cannot be read, and the rest can. ``deleted``: it does not exist; otherwise it is closed."""

    def __init__(self, message: str, *, deleted: bool) -> None:
        super().__init__(message)
        self.deleted = deleted


class BadToken(Exception):
    """The page token is no longer known, or YouTube failed on it ("processingFailure" is its word for both)."""


class Api:
    """One key's way to the API."""

    def __init__(self, key: str, tools: Tools) -> None:
        self._http = tools.http
        self._base = f"{tools.endpoints.youtube.rstrip('/')}/youtube/v3"
        # https://cloud.google.com/docs/authentication/api-keys-use: the header keeps the key out of every address.
        self._key = {"X-Goog-Api-Key": key}
        self._meter = tools.meter(account_name("youtube", key), LIMITS, None)

    def ask(self, method: str, params: Mapping[str, str], weight: int = 1) -> Mapping[str, Any]:
        """The answer to one request of ``weight`` units; its "items" is a list.

        Raises NotThere, BadToken (only where ``params`` has a page token), FatalSourceError or RetriableSourceError.
        """
        self._meter.ask(weight)
        reply = self._http.get(
            f"{self._base}/{method}", params=params, headers=self._key, passed=_ANSWERED, follow=False
        )
        if reply.status >= HTTPStatus.BAD_REQUEST:
            raise self._refusal(reply, paging="pageToken" in params)
        answer = reply.json()
        if not isinstance(answer, dict) or not isinstance(answer.get("items"), list):
            raise RetriableSourceError(
                f"{shown(reply.address)} answered with JSON that holds no list of YouTube's; if this goes on, check "
                "the address in ESCUCHA_YOUTUBE_URL"
            )
        return answer

    def _refusal(self, reply: Reply, *, paging: bool) -> SourceError | NotThere | BadToken:
        why = explained(reply)
        where = shown(reply.address.partition("?")[0])
        if why.reasons & _DAY_IS_SPENT or (why.reasons & _TOO_FAST and "per day" in why.message.lower()):
            wait = until_midnight(reply.headers.get("date"))
            self._meter.told(remaining=0, resets_in=wait)
            return RetriableSourceError(
                f"{where}: the day's units of this YouTube key are used up; YouTube renews them at midnight Pacific "
                f"time, in {wait / 3600:.1f} hours",
                retry_after=wait,
            )
        if why.reasons & _TOO_FAST and reply.status != HTTPStatus.TOO_MANY_REQUESTS:
            return RetriableSourceError(f"{where}: too many requests at once ({why.message}); it is tried again later")
        if why.of_the_project:
            return FatalSourceError(
                f"{where} refuses the API key ({reply.status}: {why.message}): check that it is right and not "
                "restricted, and that the YouTube Data API v3 is enabled in its project"
            )
        if why.reasons & _NO_TOKEN and paging:
            return BadToken(f"{where} answered {reply.status} ({why.message}); it is tried again later")
        if "processingFailure" in why.reasons:
            return RetriableSourceError(f"{where} answered {reply.status} ({why.message}); it is tried again later")
        if why.reasons & _CLOSED:
            return NotThere(why.message or "closed", deleted=False)
        if why.reasons & _DELETED:
            return NotThere(why.message or "not found", deleted=True)
        return reply.refused(why.message)


def until_midnight(date: str | None) -> float:
    """Seconds from an answer's Date until the next midnight in California; an hour where there is no Date."""
    try:
        now = parsedate_to_datetime(date or "").astimezone(ZoneInfo(_PACIFIC))
    except (TypeError, ValueError):
        return 3600.0
    tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), ZoneInfo(_PACIFIC))
    return (tomorrow.astimezone(UTC) - now.astimezone(UTC)).total_seconds()
