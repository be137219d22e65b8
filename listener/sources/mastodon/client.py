"""Mastodon.py as the house wants it: our limits and words, one request for one call, and no waiting of its own."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from mastodon import Mastodon, MastodonError, MastodonNotFoundError

from listener.http import USER_AGENT, refusal, shown
from listener.session import CheckedSession, Left, as_json, source_error
from listener.source import Meter, RetriableSourceError, SourceError

Answer = TypeVar("Answer")

_NOT_ITS_BUSINESS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Deprecation")
"""Headers that the library would fail on where they are odd, and that only the meter needs; warnings."""


class Client(Mastodon):
    """Asks one instance. Answers are the platform's JSON as it is.

    Before a timeline or a search the library would ask the instance what it is and take trouble for an answer; and it
    would turn every status into types of its own, three milliseconds each, with local times in them.
    """

    def __init__(self, instance: str, token: str | None, session: requests.Session) -> None:
        super().__init__(
            api_base_url=instance,
            access_token=token,
            session=session,
            ratelimit_method="throw",
            version_check_mode="none",
            mastodon_version="4.3.0",
            user_agent=USER_AGENT,
        )

    def timeline_is_available(self, *args: Any, **options: Any) -> bool:  # noqa: ARG002
        """The timeline itself will tell."""
        return True

    def verify_minimum_version(self, *args: Any, **options: Any) -> bool:  # noqa: ARG002
        """The endpoint itself will tell."""
        return True

    def _Mastodon__try_cast_to_type(self, value: Any, override_type: Any = None) -> tuple[Any, None]:  # noqa: ARG002, N802
        return (_Answer(value) if isinstance(value, dict) else value), None


class _Answer(dict[str, Any]):
    """A JSON object that takes the notes on paging that the library writes on it."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Session(CheckedSession):
    """What the library speaks through. ``passed``: statuses that mean something to the caller."""

    def __init__(self, meter: Meter, *, timeout: float, passed: Collection[int] = ()) -> None:
        super().__init__(meter, timeout=timeout, left=left, passed=passed, refused=refused)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """As everywhere; and a good answer is JSON, which the library would only tell with the whole body."""
        response = super().send(request, **options)
        if response.ok:
            as_json(response)
        for name in _NOT_ITS_BUSINESS:
            response.headers.pop(name, None)
        return response


def asked(call: Callable[[], Answer], instance: str) -> Answer:
    """What the library's call gives. Raises SourceError in place of its errors; MastodonNotFoundError if 404 passed."""
    try:
        return call()
    except MastodonNotFoundError:
        raise
    except MastodonError as error:
        raise source_error(error) or RetriableSourceError(f"Mastodon.py: {str(error)[:200]}") from error
    except (AttributeError, KeyError, TypeError) as error:  # it looks for more in an answer than is there
        raise no_statuses(instance) from error


def no_statuses(instance: str) -> SourceError:
    """The error for JSON that is something else than what was asked for."""
    return RetriableSourceError(
        f"{shown(instance)} answered with JSON that holds no statuses; if this goes on, check that it is a Mastodon "
        "server (the instance of this source, or ESCUCHA_MASTODON_URL)"
    )


def left(headers: Mapping[str, str]) -> Left:
    """https://docs.joinmastodon.org/api/rate-limits: what is left, and the moment (ISO 8601) when it is renewed.

    The wait is counted on the server's own clock, its ``Date``; GoToSocial writes the moment as a Unix time.
    """
    remaining = _number(headers.get("X-RateLimit-Remaining"))
    reset, now = headers.get("X-RateLimit-Reset"), headers.get("Date")
    if reset is None or now is None:
        return remaining, None
    try:
        here = parsedate_to_datetime(now).timestamp()
        then = float(reset) if reset.isdigit() else datetime.fromisoformat(reset).timestamp()
    except (ValueError, TypeError, OverflowError):
        return remaining, None
    return remaining, max(0.0, then - here)


def refused(response: requests.Response) -> SourceError | None:
    """What a bad answer says in Mastodon's own words ({"error": ...}), and how long its limit still holds."""
    headers: dict[str, str] = dict(response.headers)
    remaining, resets_in = left(response.headers)
    if response.status_code == 429 and remaining == 0 and resets_in is not None:
        headers.setdefault("Retry-After", str(int(resets_in) + 1))
    try:
        said = as_json(response)["error"]
    except (SourceError, KeyError, TypeError):
        said = ""
    address = response.url or ""
    error = refusal(response.status_code, response.reason or "", address, headers, said=str(said))
    if response.status_code in (401, 403, 422) and "Authorization" not in response.request.headers:
        error.args = (f"{error}. Many servers show their timelines only to an access_token of an account there",)
    return error


def _number(value: str | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


def host_of(address: str) -> str:
    """Host and port of an address, as in "mastodon.social"; empty where it has none."""
    try:
        return urlsplit(address).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""
