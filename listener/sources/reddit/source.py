"""Reddit's listings (https://www.reddit.com/dev/api#listings), each read down to where it was read before.

Each subreddit's submissions, its comments and each search is a listing, newest first, a hundred a page. It is paged
back by ``after`` until it is older than what was read before, less the lag. ``before`` would be shorter, and is never
used: where the post it names has been deleted, Reddit answers with an empty listing, and everything new is lost in
silence (praw issues 1025, 1050). The same goes for an ``after`` that has been deleted meanwhile, so the posts before it
stand by.
A listing ends after about 1,000 things, a search after about 250: what lies between there and the lower bound is a gap.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from listener.query import Query
from listener.query.dialects import DIALECTS
from listener.query.translate import translate
from listener.source import Cursor, FatalSourceError, Page
from listener.sources.reddit.client import Client, Thing
from listener.sources.reddit.lookup import gone
from listener.sources.reddit.options import RedditOptions
from listener.sources.reddit.refusals import Unreadable
from listener.sources.reddit.run import Listing, Run
from listener.sources.reddit.things import name_of, read
from listener.tools import Tools

_PAGE = 100
_STANDING_BY = 3
_SETTLED = 10
"""So many things in a row must be too old: what was held back and approved later stands where it does not belong."""


class RedditSource:
    """New submissions and comments of subreddits, and searches."""

    kind: ClassVar[str] = "reddit"
    ordered: ClassVar[bool] = False
    lag: ClassVar[timedelta] = timedelta(minutes=15)
    history: ClassVar[timedelta | None] = timedelta(0)
    """A listing is what Reddit has now: a narrower window of time gets no more out of it, and each costs the whole
    listing. How far the first run goes back into it is ``lookback_hours``."""
    recheck_every: ClassVar[timedelta] = timedelta(hours=20)
    """What is deleted there must be deleted here; Reddit's terms allow 48 hours, and once a day is the custom."""
    recheck_batch: ClassVar[int] = 100

    def __init__(self, options: RedditOptions, tools: Tools) -> None:
        self._options = options
        self._lookback = timedelta(hours=options.lookback_hours)
        self._client = Client(options, tools)

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        """Each listing from its newest thing down. One that ends too soon gives a capped page with the gap.

        A subreddit that Reddit does not show is left out and told at the end; only where it shows none of them must a
        person act.
        """
        listings = {listing.key: listing for listing in self._listings(query)}
        keys = tuple(listings)
        run = Run.of(cursor, until, keys)
        may_pass = False
        for key, listing in listings.items():
            if key in run.done:
                continue
            if run.listing != key:
                run.begin(key, self._floor(run, key, since))
            shut = {listings[one].subreddit: why for one, why in run.unread.items() if one in listings}
            if listing.subreddit is not None and listing.subreddit in shut:
                run.leave_out(shut[listing.subreddit])
                continue
            try:
                yield from self._pages(listing, run, keys, until, since)
            except Unreadable as error:
                run.leave_out(str(error))
                may_pass = may_pass or error.may_pass
        unread = tuple(dict.fromkeys(run.unread[key] for key in keys if key in run.unread))
        if keys and set(keys) <= run.unread.keys():
            raise Unreadable("; ".join(unread[:3]), may_pass=may_pass)
        if unread:
            yield Page((), run.cursor(keys), unread=unread)

    def gone(self, native_ids: Sequence[str]) -> Mapping[str, str]:
        """Looked up by fullname. Reddit still names what is deleted, without its words; what it does not name is asked
        for once more. Raises RetriableSourceError where it names none of them."""
        return gone(self._client, native_ids)

    def _listings(self, query: Query | None) -> Iterator[Listing]:
        kinds, names = self._options.kinds, self._options.subreddits
        if self._options.search:
            if query is None:
                raise FatalSourceError("Reddit can only be searched for something: add a brand with a query")
            plan = translate(query, DIALECTS["reddit"])
            if not plan.searches:
                raise FatalSourceError(f"Reddit cannot be searched for any of this query. {' '.join(plan.notes)}")
            # The more that a search finds in one go, the sooner it ends, so each subreddit is searched by itself.
            for where in names or (None,):
                path = "search" if where is None else f"r/{where}/search"
                for words in plan.searches:
                    asked = {"q": words, "sort": "new", "t": "all", "type": "link", "include_over_18": "on"}
                    asked |= {} if where is None else {"restrict_sr": "on"}
                    key = f"{path.lower()}:{hashlib.sha256(words.encode()).hexdigest()[:12]}"
                    yield Listing(key, path, where, asked, 200)
        for name in names:
            if "submissions" in kinds and not self._options.search:
                yield Listing(f"r/{name}/new".lower(), f"r/{name}/new", name)
            if "comments" in kinds:
                yield Listing(f"r/{name}/comments".lower(), f"r/{name}/comments", name)

    def _floor(self, run: Run, key: str, since: datetime | None) -> float:
        if since is not None:
            return since.timestamp()
        bound = run.bounds.get(key)
        if bound is None:
            return run.first_floor(key, self._lookback, self.lag)
        return bound - self.lag.total_seconds()

    def _pages(
        self, listing: Listing, run: Run, keys: Sequence[str], until: datetime, since: datetime | None
    ) -> Iterator[Page]:
        # What moderators approve hours later stands at its old place, below what was read before: the floor says when
        # to stop, and not what of the pages read is wanted.
        wanted = run.floor if since is not None else min(run.floor, (until - self._lookback).timestamp())
        again, oldest = "", until.timestamp()
        while True:
            things, after = self._page(listing, run.after)
            lost = not things and bool(run.after)  # there was to be more, and none of the last ones leads there
            if lost and not again:
                again, run.after, run.seen = "again ", [], 0
                continue
            found = read(things, wanted, until.timestamp())
            if found.times:
                run.newest.setdefault(listing.key, min(max(found.times), until.timestamp()))
                oldest = min(oldest, *found.times)
            run.seen += len(things)
            settled = bool(found.times) and all(moment < run.floor for moment in found.times[-_SETTLED:])
            progress = run.share(oldest, listing.key, keys)
            gap = None
            if settled or after is None:
                if not settled and (lost or run.seen >= listing.ends_after):
                    gap = _gap(run.floor, oldest)
                run.end()
                after = None
            else:
                names = [name for name in map(name_of, things) if name is not None and name != after]
                run.after = [*names[-_STANDING_BY:], after]
            yield Page(
                found.items, run.cursor(keys), found.skipped, token=after and f"{again}{listing.key}:{after}",
                capped=gap is not None, progress=progress, gap=gap, deleted=found.deleted,
            )  # fmt: skip
            if after is None:
                return

    def _page(self, listing: Listing, after: Sequence[str]) -> tuple[list[Thing], str | None]:
        """The things after the last of these names that Reddit still knows, and what comes after them."""
        asked = {**listing.params, "limit": str(_PAGE)}
        if not after:
            return self._client.listing(listing.path, asked)
        for name in reversed(after):
            things, following = self._client.listing(listing.path, asked | {"after": name})
            if things or following:
                return things, following
        return [], None


def _gap(floor: float, oldest: float) -> tuple[datetime, datetime] | None:
    start, end = datetime.fromtimestamp(floor, UTC), datetime.fromtimestamp(oldest, UTC)
    return (start, end) if start < end else None
