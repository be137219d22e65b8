"""X's API v2 through tweepy, and what its answers cost."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import tweepy  # type: ignore[import-untyped]

from listener.http import USER_AGENT, shown
from listener.session import CheckedSession, Left, as_json
from listener.source import Limit, RetriableSourceError, SourceError, account_name
from listener.sources.x import refusals
from listener.sources.x.options import PRICE_PER_COUNT, XOptions
from listener.sources.x.posts import Included, id_at, objects, time_of
from listener.tools import Tools

LIMITS = (Limit(450, timedelta(minutes=15)),)
"""Of recent search with an app's token (https://docs.x.com/x-api/fundamentals/rate-limits). Lookups have 3,500, counts
300."""

# It would write every request's headers, the token among them, wherever debugging is switched on.
logging.getLogger("tweepy").setLevel(logging.INFO)


class Client:
    """Asks X, at the most that an answer can cost, and notes what it did cost. Every method raises FatalSourceError or
    RetriableSourceError."""

    def __init__(self, options: XOptions, tools: Tools) -> None:
        self._options = options
        token = options.bearer_token.get_secret_value()
        self._place = shown(tools.endpoints.x)
        self._meter = tools.meter(account_name("x", token), LIMITS, options.daily_cap)
        self._searching = self._connect(token, tools, refusals.left)
        self._looking_up = self._connect(token, tools, refusals.spent_only)

    def page(self, search: str, floor: str, below: str | None, token: str | None) -> Mapping[str, Any]:
        """A page of recent search between two ids, newest first. Raises ``refusals.TooOld``."""
        asked: dict[str, Any] = {
            "max_results": self._options.page_size,
            "since_id": floor,
            "until_id": below,
            "next_token": token,
            "tweet_fields": [
                "author_id", "created_at", "edit_history_tweet_ids", "entities", "lang", "note_tweet", "public_metrics",
                "referenced_tweets",
            ],
            "user_fields": ["name", "public_metrics", "username"],
            "expansions": ["author_id", *(["referenced_tweets.id"] if self._options.reposts else [])],
        }  # fmt: skip
        return self._answer(lambda: self._searching.search_recent_tweets(search, **asked), {"data", "meta"})

    def count(self, search: str, floor: int, below: int) -> int:
        """How many posts recent search has between two ids, as far as X goes back."""
        asked = {"since_id": str(floor), "until_id": str(below), "granularity": "day"}
        try:
            answer = self._answer(lambda: self._looking_up.get_recent_tweets_count(search, **asked), {"meta"})
        except refusals.TooOld as error:
            oldest = id_at(time_of(error.oldest) + timedelta(minutes=1))
            return self.count(search, oldest, below) if floor < oldest < below else 0
        meta = answer["meta"]
        total = meta.get("total_tweet_count") if isinstance(meta, Mapping) else None
        if not isinstance(total, int):
            raise RetriableSourceError(f"{self._place} gave no count of posts; it is tried again later")
        return total

    def posts(self, ids: Sequence[str]) -> Mapping[str, Any]:
        """Posts looked up by id: their ids and those of their versions under ``data``, and why not under ``errors``."""
        fields = ["id", "edit_history_tweet_ids"]
        return self._answer(lambda: self._looking_up.get_tweets(list(ids), tweet_fields=fields), {"data", "errors"})

    def _answer(self, ask: Callable[[], requests.Response], expected: set[str]) -> Mapping[str, Any]:
        try:
            response = ask()
        except tweepy.TweepyException as error:
            raise RetriableSourceError(f"{self._place} answered in an unforeseen way: {error}") from error
        try:
            answer = as_json(response)
            if not isinstance(answer, Mapping) or not expected & answer.keys():
                said = " ".join(str(one.get("detail")) for one in objects(_get(answer, "errors")))
                raise RetriableSourceError(
                    f"{self._place} answered with JSON that is none of X's ({said or 'no data'}); if this goes on, "
                    "check the address in ESCUCHA_X_URL"
                )
        except SourceError:
            self._meter.paid(Decimal(0))
            raise
        self._meter.paid(self._price(response.request, answer))
        return answer

    def _connect(self, token: str, tools: Tools, left: Callable[[Mapping[str, str]], Left]) -> tweepy.Client:
        client = tweepy.Client(token, wait_on_rate_limit=False, return_type=requests.Response)
        client.user_agent = USER_AGENT
        client.session = CheckedSession(
            self._meter, timeout=tools.timeout, origin=tools.endpoints.x, left=left, price=self._most,
            refused=self._refused,
        )  # fmt: skip
        return client

    def _refused(self, response: requests.Response) -> SourceError | None:
        self._meter.paid(Decimal(0))  # what was refused is not charged
        return refusals.refused(response)

    def _most(self, request: requests.PreparedRequest) -> Decimal:
        """The most that a request can cost."""
        parts = urlsplit(request.url or "")
        if parts.path.endswith("/search/recent"):
            return self._options.page_size * self._options.most_per_post
        if parts.path.endswith("/counts/recent"):
            return PRICE_PER_COUNT
        return len(",".join(parse_qs(parts.query).get("ids", [])).split(",")) * self._options.price_per_post

    def _price(self, request: requests.PreparedRequest, answer: Mapping[str, Any]) -> Decimal:
        """What an answer costs: every post and author in it, though X charges none of them twice in a day."""
        if urlsplit(request.url or "").path.endswith("/counts/recent"):
            return PRICE_PER_COUNT
        included = Included.of(answer)
        posts = len(objects(answer.get("data"))) + len(included.posts)
        return posts * self._options.price_per_post + len(included.users) * self._options.price_per_user


def _get(answer: object, name: str) -> object:
    return answer.get(name) if isinstance(answer, Mapping) else None
