"""What Reddit says when it refuses, and what its headers tell about its limits.

A refusal is JSON: {"message": "Forbidden", "reason": "private", "error": 403}. Limits come as ``x-ratelimit-remaining``
and ``-reset``, the latter in seconds from now.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests
from prawcore.exceptions import BadJSON, OAuthException, Redirect

from listener.http import Reply, refusal, shown
from listener.session import Left, as_json, source_error
from listener.source import FatalSourceError, RetriableSourceError, SourceError
from listener.tools import Endpoints

_TOKEN_PATH = "/api/v1/access_token"  # noqa: S105
_OF_A_SUBREDDIT = re.compile(r"(?:.*/)?r/([A-Za-z0-9_-]+)/")
_CLOSED = (requests.codes.forbidden, requests.codes.not_found, requests.codes.gone, 451)
_WHY_CLOSED = {
    "private": "is private: take it out of subreddits, or ask its moderators to let the app's user in",
    "banned": "was banned by Reddit: take it out of subreddits",
    "quarantined": "is quarantined: take it out of subreddits, or let the app's user in on reddit.com first",
}
_SHUT = "is not shown to this app: take it out of subreddits, or ask its moderators"


class TokenRefused(FatalSourceError):
    """Reddit does not take the token: it has run out, or it was withdrawn."""


class Unreadable(FatalSourceError):
    """Reddit does not show this one subreddit; others it may."""


def left(headers: Mapping[str, str]) -> Left:
    """What is left of the account's requests, and in how many seconds they are renewed."""
    return _number(headers.get("x-ratelimit-remaining")), _number(headers.get("x-ratelimit-reset"))


def refused(response: requests.Response) -> SourceError:
    """Reddit's refusal as the error to raise."""
    address, status = (response.url or "").partition("?")[0], response.status_code  # the rest would hide the words
    try:
        told = response.json()
    except (ValueError, RecursionError):
        told = None
    said = ""
    if isinstance(told, Mapping):
        said = ", ".join(str(told[name]) for name in ("message", "reason", "explanation") if told.get(name))
        subreddit = _OF_A_SUBREDDIT.match(urlsplit(address).path)
        # Only in Reddit's own words: a bare 403 may be the mood of a server in between.
        if subreddit is not None and status in _CLOSED and told.get("error") == status:
            act = _WHY_CLOSED.get(str(told.get("reason")), _SHUT)
            return Unreadable(
                f"{shown(address)} answered {status} ({said[:200]}): r/{subreddit[1]} {act}",
                may_pass=True,
            )
    if status == requests.codes.unauthorized and not address.endswith(_TOKEN_PATH):
        return TokenRefused(str(refusal(status, response.reason or "", address, response.headers, said=said)))
    if status == requests.codes.too_many_requests and "Retry-After" not in response.headers:
        wait = _number(response.headers.get("x-ratelimit-reset"))
        if wait is not None:
            return RetriableSourceError(
                f"{shown(address)} answered 429 ({said or 'too many requests'}); it asks to wait {wait:.0f} s",
                retry_after=wait,
            )
    return refusal(status, response.reason or "", address, response.headers, said=said)


def in_words(error: Exception, path: str, endpoints: Endpoints) -> SourceError:
    """What the library raised, as the host's error; it wraps those of the session in its own."""
    if (own := source_error(error)) is not None:
        return own
    where = f"{shown(endpoints.reddit)}/{path}"
    match error:
        case Redirect():
            # To its search for subreddits, mostly; a subreddit is never moved.
            return Unreadable(
                f"{where} is nowhere on Reddit: there is no subreddit of that name any more, or there never was; "
                "correct it, or take it out of subreddits"
            )
        case OAuthException():
            return FatalSourceError(
                f"{shown(endpoints.reddit_login)} refuses the token ({error.error}): check client_id, client_secret, "
                "username and password, and that the app is of the type script"
            )
        case BadJSON():
            return _not_json(error.response)
        case ValueError():
            # The token's own answer is read without care: requests tells the text that was no JSON.
            body = str(getattr(error, "doc", "")).encode("utf-8", "replace")
            return _not_json(Reply(200, {}, body, endpoints.reddit_login))
    return RetriableSourceError(
        f"{where}: Reddit answered in an unforeseen way ({type(error).__name__}); it is tried again later"
    )


def _not_json(answer: requests.Response | Reply) -> SourceError:
    try:
        as_json(answer) if isinstance(answer, requests.Response) else answer.json()
    except SourceError as error:
        return error
    return RetriableSourceError("Reddit answered with JSON in an unforeseen form; it is tried again later")


def _number(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < 1e6 else None
