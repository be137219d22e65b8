"""X's recent search (https://docs.x.com/x-api/posts/search/integrate/paginate), read down to where it was read before.

Pages come newest first, so a search is paged to its end below a fixed ``since_id`` before the next one may start from
the newest id of its first page. Ids carry their time: the lower bound of a run is the id of the last newest post's
time, less the lag. A run that broke off goes on below the oldest id it has read (``until_id``), which no token can
outlive. ``since_id`` must not be older than seven days: then reading goes on with the oldest id that X names, and the
gap is told.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import structlog

from listener.query import Query
from listener.query.dialects import DIALECTS
from listener.query.translate import translate
from listener.source import Cursor, Estimate, FatalSourceError, Page, RetriableSourceError
from listener.sources.x import refusals
from listener.sources.x.client import Client
from listener.sources.x.options import XOptions
from listener.sources.x.posts import Included, id_at, items, objects, time_of
from listener.sources.x.run import Gap, Run, above, below
from listener.tools import Tools

log = structlog.get_logger()

_GONE = {
    "resource-not-found": "deleted",
    "not-authorized-for-resource": "protected or suspended",
    "disallowed-resource": "withheld",
}
_NOT_REPOSTS = " -is:retweet"


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
        self._client = Client(options, tools)

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        """Each search from its newest post down. A jump over what X no longer has is a capped page with its gap."""
        searches = {_key(search): search for search in self._searches(query)}
        keys = tuple(searches)
        run = Run.of(cursor, until)
        if keys and set(keys) <= set(run.done):  # the query has shrunk since the run was broken off
            run = Run.of(run.cursor(keys), until)
        for key, search in searches.items():
            if key in run.done:
                continue
            if run.search != key:
                before = None if since is None else above(until)
                run.begin(key, self._floor(run, key, until, since), before)
            yield from self._pages(key, search, run, keys, until, since)

    def gone(self, native_ids: Sequence[str]) -> Mapping[str, str]:
        """Looked up by id; costs what reading them costs. Who deletes one version of a post deletes them all.

        Only what X says is gone. What it says nothing clear about is left for the next time; where it says nothing
        about any of them, the answer is taken for a bad one.
        """
        ids = [native_id for native_id in native_ids if native_id.isdigit()]
        if not ids:
            return {}
        answer = self._client.posts(ids)
        there: set[str] = set()
        for post in objects(answer.get("data")):
            chain = post.get("edit_history_tweet_ids")
            there |= {str(post.get("id")), *map(str, chain if isinstance(chain, list) else ())}
        why: dict[str, str | None] = {}
        for error in objects(answer.get("errors")):
            if error.get("parameter", "ids") in ("ids", "id"):
                reason = _GONE.get(str(error.get("type")).rpartition("/")[2])
                why[str(error.get("resource_id") or error.get("value"))] = reason
        if not any(one in there or one in why for one in ids):
            raise RetriableSourceError(
                f"X told nothing about any of {len(ids)} posts that were looked up ({ids[0]}, ...): nothing is taken "
                "for deleted, and they are looked up again later"
            )
        unclear = [one for one in ids if one not in there and why.get(one) is None]
        if unclear:
            log.warning("lookup_unclear", kind="x", posts=len(unclear), first=unclear[0])
        return {one: reason for one in ids if one not in there and (reason := why.get(one)) is not None}

    def estimate(self, query: Query | None, since: datetime, until: datetime) -> Estimate:
        """From X's own counts of what the searches find; each count costs half a cent itself."""
        pages, cost = 0, Decimal(0)
        for search in self._searches(query):
            found = self._client.count(search, below(since), above(until))
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

    def _floor(self, run: Run, key: str, until: datetime, since: datetime | None) -> int:
        """The ``since_id`` of a search that begins: exclusive, so one less than the first id that is wanted."""
        if since is not None:
            return below(since)
        # A search that is new since the query was changed goes on where the others stand.
        bound = run.bounds.get(key) or max(run.bounds.values(), key=int, default=None)
        if bound is None:
            return below(until - timedelta(hours=self._options.lookback_hours))
        return below(time_of(int(bound)) - self.lag)

    def _pages(
        self, key: str, search: str, run: Run, keys: Sequence[str], until: datetime, since: datetime | None
    ) -> Iterator[Page]:
        gap: Gap = None
        if since is None and self.history is not None:
            gap = run.jump(id_at(until - self.history), until, self.lag)
        token: str | None = None
        beneath = run.before
        while True:
            answer: Mapping[str, Any] = {}
            if run.before is None or int(run.before) > int(run.floor) + 1:
                try:
                    answer = self._client.page(search, run.floor, beneath, token)
                except refusals.TooOld as error:
                    # By X's own clock, and a little more: it moves on with every page.
                    oldest = id_at(time_of(error.oldest) + timedelta(minutes=1))
                    if oldest <= int(run.floor):
                        raise
                    jumped = run.jump(oldest, until, self.lag)
                    gap = (gap[0], jumped[1]) if gap and jumped else gap or jumped
                    beneath, token = run.before, None
                    continue
            posts = objects(answer.get("data"))
            ids = [int(post["id"]) for post in posts if str(post.get("id")).isdigit()]
            run.seen(key, ids, above(until) - 1)
            meta = answer.get("meta")
            token = _text_or_none(meta.get("next_token")) if isinstance(meta, Mapping) else None
            progress = run.share(key, keys)
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


def _key(search: str) -> str:
    return hashlib.sha256(search.encode()).hexdigest()[:12]


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
