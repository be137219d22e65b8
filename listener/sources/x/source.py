"""X's recent search (https://docs.x.com/x-api/posts/search/integrate/paginate) through tweepy.

Pages come newest first, so a search is paged to its end below a fixed ``since_id`` before the next one may start from
the newest id of its first page. Ids carry their time: the lower bound of a run is the id of the last newest post's
time, less the lag. A run that broke off goes on below the oldest id it has read (``until_id``), which no token can
outlive. ``since_id`` must not be older than seven days: then reading goes on with the oldest id that X names, and the
gap is told.
"""

import hashlib
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import requests
import tweepy  # type: ignore[import-untyped]

from listener.http import USER_AGENT, shown
from listener.query import Query
from listener.query.dialects import DIALECTS
from listener.query.translate import translate
from listener.session import CheckedSession, Left, as_json
from listener.source import (
    Cursor,
    Estimate,
    FatalSourceError,
    Limit,
    Page,
    RetriableSourceError,
    SourceError,
    account_name,
)
from listener.sources.x import refusals
from listener.sources.x.options import PRICE_PER_COUNT, XOptions
from listener.sources.x.posts import Included, id_at, items, objects, time_of
from listener.tools import Tools

LIMITS = (Limit(450, timedelta(minutes=15)),)
"""Of recent search with an app's token (https://docs.x.com/x-api/fundamentals/rate-limits). Lookups have 3,500, counts
300."""

_GONE = {
    "resource-not-found": "deleted",
    "not-authorized-for-resource": "protected or suspended",
    "disallowed-resource": "withheld",
}
_NOT_REPOSTS = " -is:retweet"

# It would write every request's headers, the token among them, wherever debugging is switched on.
logging.getLogger("tweepy").setLevel(logging.INFO)


@dataclass(slots=True)
class _Run:
    """Where a run over all searches stands; ids as text, each search under its key.

    ``bounds`` and ``read_to``: what earlier runs have read to. ``newest``: of each search's first page in this run.
    ``search`` is under way: above ``floor``, and what is left of it is older than ``before``.
    """

    bounds: dict[str, str]
    read_to: str | None
    until: str
    newest: dict[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    search: str | None = None
    floor: str = "0"
    before: str | None = None

    @classmethod
    def of(cls, cursor: Cursor | None, until: datetime) -> "_Run":
        """From a cursor, of a run to go on with or of a finished one."""
        kept = dict(cursor or {})
        begun = kept.get("run") or {"until": until.isoformat()}
        return cls(dict(kept.get("bounds", {})), kept.get("read_to"), **begun)

    def begin(self, key: str, floor: int, before: int | None) -> None:
        """Turn to another search."""
        self.search, self.floor, self.before = key, str(floor), None if before is None else str(before)
        self.bounds.setdefault(key, self.floor)

    def seen(self, key: str, ids: Sequence[int], highest: int) -> None:
        """A page with these posts was read; nothing above ``highest`` counts as read."""
        if ids:
            self.newest.setdefault(key, str(min(max(ids), highest)))
            self.before = str(min(ids))

    def cursor(self, keys: Sequence[str]) -> Cursor:
        """To go on from here: with the rest of this run, or with the next one where this has read everything."""
        if set(keys) <= set(self.done):
            bounds = {key: max(self.bounds[key], self.newest.get(key, "0"), key=int) for key in keys}
            return {"bounds": bounds, "read_to": self.until}
        begun: dict[str, Any] = {"until": self.until, "newest": dict(self.newest), "done": list(self.done)}
        begun |= {"search": self.search, "floor": self.floor, "before": self.before}
        return {"bounds": dict(self.bounds), "read_to": self.read_to, "run": begun}


class XSource:
    """What X's recent search finds of a query, asked in as many searches of 512 characters as it takes."""

    kind: ClassVar[str] = "x"
    ordered: ClassVar[bool] = False
    lag: ClassVar[timedelta] = timedelta(minutes=1)
    history: ClassVar[timedelta | None] = timedelta(days=7) - timedelta(minutes=10)
    recheck_every: ClassVar[timedelta] = timedelta(hours=20)
    """What is deleted on X must be deleted here within 24 hours (https://docs.x.com/developer-terms/policy)."""
    recheck_batch: ClassVar[int] = 100

    def __init__(self, options: XOptions, tools: Tools) -> None:
        self._options = options
        token = options.bearer_token.get_secret_value()
        self._meter = tools.meter(account_name("x", token), LIMITS, options.daily_cap)
        self._searching = self._client(token, tools, refusals.left)
        self._looking_up = self._client(token, tools, refusals.spent_only)

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        """Each search from its newest post down. A jump over what X no longer has is a capped page with its gap."""
        searches = {_key(search): search for search in self._searches(query)}
        keys = tuple(searches)
        run = _Run.of(cursor, until)
        if keys and set(keys) <= set(run.done):  # the query has shrunk since the run was broken off
            run = _Run.of(run.cursor(keys), until)
        for key, search in searches.items():
            if key in run.done:
                continue
            if run.search != key:
                before = None if since is None else _above(until)
                run.begin(key, self._floor(run, key, until, since), before)
            yield from self._pages(key, search, run, keys, until, since)

    def gone(self, native_ids: Sequence[str]) -> Mapping[str, str]:
        """Looked up by id; costs what reading them costs. Who deletes one version of a post deletes them all."""
        ids = [native_id for native_id in native_ids if native_id.isdigit()]
        if not ids:
            return {}
        answer = self._answer(
            lambda: self._looking_up.get_tweets(ids, tweet_fields=["id", "edit_history_tweet_ids"]), {"data", "errors"}
        )
        there: set[str] = set()
        for post in objects(answer.get("data")):
            chain = post.get("edit_history_tweet_ids")
            there |= {str(post.get("id")), *map(str, chain if isinstance(chain, list) else ())}
        why: dict[str, str] = {}
        for error in objects(answer.get("errors")):
            reason = _GONE.get(str(error.get("type")).rpartition("/")[2])
            if reason is not None and error.get("parameter", "ids") in ("ids", "id"):
                why[str(error.get("resource_id") or error.get("value"))] = reason
        unclear = [one for one in ids if one not in there and one not in why]
        if unclear:
            raise RetriableSourceError(
                f"X told nothing about {len(unclear)} of {len(ids)} posts ({unclear[0]}, ...); they are looked up again"
            )
        return {one: why[one] for one in ids if one not in there}

    def estimate(self, query: Query | None, since: datetime, until: datetime) -> Estimate:
        """From X's own counts of what the searches find; each count costs half a cent itself."""
        pages, cost = 0, Decimal(0)
        for search in self._searches(query):
            found = self._count(search, _below(since), _above(until))
            pages += max(1, math.ceil(found / self._options.page_size))
            cost += found * self._options.most_per_post
        return Estimate(pages, cost)

    def _searches(self, query: Query | None) -> Sequence[str]:
        if query is None:
            raise FatalSourceError("X can only be searched for something: add a brand with a query")
        dialect = DIALECTS["x"]
        plan = translate(query, dialect)
        searches = plan.searches
        if not searches:
            raise FatalSourceError(f"X cannot be asked for any of this query. {' '.join(plan.notes)}")
        if self._options.reposts:
            return searches
        # Without the operator where there is no room for it: reposts are then left out here.
        narrow = [f"({search}){_NOT_REPOSTS}" for search in searches]
        return [one if dialect.length(one) <= dialect.max_length else searches[n] for n, one in enumerate(narrow)]

    def _floor(self, run: _Run, key: str, until: datetime, since: datetime | None) -> int:
        """The ``since_id`` of a search that begins: exclusive, so one less than the first id that is wanted."""
        if since is not None:
            return _below(since)
        # A search that is new since the query was changed goes on where the others stand.
        bound = run.bounds.get(key) or max(run.bounds.values(), key=int, default=None)
        if bound is None:
            return _below(until - timedelta(hours=self._options.lookback_hours))
        return _below(time_of(int(bound)) - self.lag)

    def _pages(
        self, key: str, search: str, run: _Run, keys: Sequence[str], until: datetime, since: datetime | None
    ) -> Iterator[Page]:
        gap: Gap = None
        if since is None and self.history is not None:
            gap = self._jump(run, id_at(until - self.history), until)
        token: str | None = None
        below = run.before
        while True:
            answer: Mapping[str, Any] = {}
            if run.before is None or int(run.before) > int(run.floor) + 1:
                try:
                    answer = self._page(search, run.floor, below, token)
                except refusals.TooOld as error:
                    # By X's own clock, and a little more: it moves on with every page.
                    oldest = id_at(time_of(error.oldest) + timedelta(minutes=1))
                    if oldest <= int(run.floor):
                        raise
                    jumped = self._jump(run, oldest, until)
                    gap = (gap[0], jumped[1]) if gap and jumped else gap or jumped
                    below, token = run.before, None
                    continue
            posts = objects(answer.get("data"))
            ids = [int(post["id"]) for post in posts if str(post.get("id")).isdigit()]
            run.seen(key, ids, _above(until) - 1)
            meta = answer.get("meta")
            token = _text_or_none(meta.get("next_token")) if isinstance(meta, Mapping) else None
            progress = _share(run, key, keys)
            if token is None:
                run.done.append(key)
                run.search = None
            good, bad = items(posts, Included.of(answer))
            wanted = [
                item for item in good if item.created_at <= until and (self._options.reposts or not item.repost_of)
            ]
            yield Page(
                tuple(wanted), run.cursor(keys), tuple(bad), token=token and f"{key}:{token}",
                capped=gap is not None, progress=progress, gap=gap,
            )  # fmt: skip
            if token is None:
                return
            gap = None

    def _jump(self, run: _Run, oldest: int, until: datetime) -> "Gap":
        """Raise the lower bound where X does not go back so far; what is left out by that, if anything is."""
        floor = int(run.floor)
        if floor >= oldest:
            return None
        run.floor = str(oldest)
        start = time_of(floor)
        if run.read_to is not None:  # nothing was found for long, but it was looked for
            start = max(start, datetime.fromisoformat(run.read_to) - self.lag)
        end = min(time_of(oldest), until, time_of(int(run.before)) if run.before is not None else until)
        return (start, end) if start < end else None

    def _page(self, search: str, floor: str, below: str | None, token: str | None) -> Mapping[str, Any]:
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

    def _count(self, search: str, floor: int, below: int) -> int:
        asked = {"since_id": str(floor), "until_id": str(below), "granularity": "day"}
        try:
            answer = self._answer(lambda: self._looking_up.get_recent_tweets_count(search, **asked), {"meta"})
        except refusals.TooOld as error:
            oldest = id_at(time_of(error.oldest) + timedelta(minutes=1))
            return self._count(search, oldest, below) if floor < oldest < below else 0
        meta = answer["meta"]
        total = meta.get("total_tweet_count") if isinstance(meta, Mapping) else None
        if not isinstance(total, int):
            raise RetriableSourceError(f"{self._place} gave no count of posts; it is tried again later")
        return total

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

    def _client(self, token: str, tools: Tools, left: Callable[[Mapping[str, str]], Left]) -> tweepy.Client:
        client = tweepy.Client(token, wait_on_rate_limit=False, return_type=requests.Response)
        client.user_agent = USER_AGENT
        client.session = CheckedSession(
            self._meter, timeout=tools.timeout, origin=tools.endpoints.x, left=left, price=self._most,
            refused=self._refused,
        )  # fmt: skip
        self._place = shown(tools.endpoints.x)
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


Gap = tuple[datetime, datetime] | None


def _key(search: str) -> str:
    return hashlib.sha256(search.encode()).hexdigest()[:12]


def _above(moment: datetime) -> int:
    """The first id above all posts up to that moment."""
    return id_at(moment + timedelta(milliseconds=1))


def _below(moment: datetime) -> int:
    """The last id below all posts from that moment on."""
    return max(id_at(moment) - 1, 1)


def _share(run: _Run, key: str, keys: Sequence[str]) -> float:
    """How much of a run is done, by the time that its searches have behind them."""
    top, floor = int(run.newest.get(key, "0")), int(run.floor)
    begun = (top - int(run.before)) / (top - floor) if run.before is not None and top > floor else 0.0
    return min(max((len(run.done) + begun) / len(keys), 0.0), 1.0)


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _get(answer: object, name: str) -> object:
    return answer.get(name) if isinstance(answer, Mapping) else None
