"""Reddit's listings through praw, with an app's own token (https://github.com/reddit-archive/reddit/wiki/OAuth2)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import praw
from praw.exceptions import PRAWException
from prawcore.exceptions import PrawcoreException
from prawcore.rate_limit import RateLimiter

from listener.http import shown
from listener.session import CheckedSession
from listener.source import Limit, RetriableSourceError, SourceError, account_name
from listener.sources.reddit import refusals
from listener.sources.reddit.options import RedditOptions
from listener.tools import Tools

LIMITS = (Limit(1000, timedelta(minutes=10)),)
"""100 a minute on average over ten minutes (https://support.reddithelp.com/hc/en-us/articles/16160319875092)."""

Thing = Mapping[str, Any]


class Client:
    """Asks for listings, and for a new token where the old one has run out."""

    def __init__(self, options: RedditOptions, tools: Tools) -> None:
        self._options = options
        self._tools = tools
        self._meter = tools.meter(account_name("reddit", options.client_id), LIMITS, None)
        self._reddit = self._connect()

    def listing(self, path: str, params: Mapping[str, str]) -> tuple[list[Thing], str | None]:
        """A listing's things and its ``after``. What is no thing is an empty one, so that it is seen and told.

        Raises FatalSourceError (``refusals.Unreadable`` where it means one subreddit) or RetriableSourceError.
        """
        try:
            answer = self._request(path, params)
        except refusals.TokenRefused:
            self._reddit = self._connect()
            answer = self._request(path, params)
        data = answer.get("data") if isinstance(answer, Mapping) else None
        children = data.get("children") if isinstance(data, Mapping) else None
        if not isinstance(data, Mapping) or not isinstance(children, list):
            raise RetriableSourceError(
                f"{shown(self._tools.endpoints.reddit)} answered {path} with JSON that is no listing; if this goes on, "
                "check the address in ESCUCHA_REDDIT_URL"
            )
        inner = [child.get("data") if isinstance(child, Mapping) else None for child in children]
        things = [thing if isinstance(thing, Mapping) else {} for thing in inner]
        after = data.get("after")
        return things, after if isinstance(after, str) and after else None

    def _request(self, path: str, params: Mapping[str, str]) -> Any:
        try:
            return self._reddit.request(method="GET", path=path, params=dict(params))
        except SourceError:
            raise
        except (PrawcoreException, PRAWException, ValueError, KeyError, TypeError) as error:
            raise refusals.in_words(error, path, self._tools.endpoints) from error

    def _connect(self) -> praw.Reddit:
        options = self._options
        session = CheckedSession(
            self._meter, timeout=self._tools.timeout, left=refusals.left, refused=refusals.refused
        )  # fmt: skip
        # Everything is said here, so that neither a praw.ini nor the environment has a say.
        reddit = praw.Reddit(
            "DEFAULT",
            client_id=options.client_id,
            client_secret=options.client_secret.get_secret_value(),
            user_agent=options.calls_itself,
            username=options.username,
            password=options.password.get_secret_value() if options.password else None,
            refresh_token=None,
            redirect_uri=None,
            oauth_url=self._tools.endpoints.reddit.rstrip("/") + "/",  # what is asked is joined to it
            reddit_url=self._tools.endpoints.reddit_login.rstrip("/"),
            check_for_updates=False,
            check_for_async=False,
            requestor_kwargs={"session": session},
        )
        assert reddit._core is not None
        reddit._core._rate_limiter = _NoLimiter(window_size=600)
        return reddit


class _NoLimiter(RateLimiter):
    """The library's own would sleep, up to ten minutes; the meter is told the headers and decides."""

    def delay(self) -> None:
        """Go on at once."""

    def update(self, *, response_headers: Mapping[str, str]) -> None:
        """Nothing to remember."""
