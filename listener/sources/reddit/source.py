"""Reddit's listings (https://www.reddit.com/dev/api#listings) through praw, with an app's own token.

Each subreddit's submissions, its comments and each search is a listing, newest first, a hundred a page. It is paged
back by ``after`` until it is older than what was read before, less the lag. ``before`` would be shorter, and is never
used: where the post it names has been deleted, Reddit answers with an empty listing, and everything new is lost in
silence (praw issues 1025, 1050). The same goes for an ``after`` that has been deleted meanwhile, so the posts before it
stand by.
A listing ends after about 1,000 things, a search after about 250: what lies between there and the lower bound is a gap.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import praw
import requests
from praw.exceptions import PRAWException
from prawcore.exceptions import BadJSON, OAuthException, PrawcoreException, Redirect
from prawcore.rate_limit import RateLimiter

from listener.http import Reply, refusal, shown
from listener.items import Item
from listener.query import Query
from listener.query.dialects import DIALECTS
from listener.query.translate import translate
from listener.session import CheckedSession, Left, as_json, source_error
from listener.source import (
    Cursor,
    FatalSourceError,
    Limit,
    Page,
    RetriableSourceError,
    Skipped,
    SourceError,
    account_name,
)
from listener.sources.reddit.options import RedditOptions
from listener.sources.reddit.things import fullname, item, said_at, why_gone
from listener.tools import Tools

LIMITS = (Limit(1000, timedelta(minutes=10)),)
"""100 a minute on average over ten minutes (https://support.reddithelp.com/hc/en-us/articles/16160319875092)."""

_PAGE = 100
_STANDING_BY = 3
_SETTLED = 10
"""So many things in a row must be too old: what was held back and approved later stands where it does not belong."""
_TOKEN_PATH = "/api/v1/access_token"  # noqa: S105


@dataclass(frozen=True, slots=True)
class _Listing:
    """``ends_after``: so many things, and Reddit is likely to have more than it lists (some of them are left out)."""

    key: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    ends_after: int = 800


@dataclass(slots=True)
class _Run:
    """Where a run over all listings stands; times in seconds since 1970, each listing under its key.

    ``bounds``: what earlier runs have read to. ``newest``: of each listing's first page in this run. ``listing`` is
    under way: down to ``floor``, ``seen`` of its things were read, the last of them are ``after``, the oldest last.
    """

    bounds: dict[str, float]
    newest: dict[str, float] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    listing: str | None = None
    floor: float = 0.0
    seen: int = 0
    after: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, cursor: Cursor | None) -> "_Run":
        """From a cursor, of a run to go on with or of a finished one."""
        kept = dict(cursor or {})
        return cls(dict(kept.get("bounds", {})), **kept.get("run", {}))

    def begin(self, key: str, floor: float) -> None:
        """Turn to another listing."""
        self.listing, self.floor, self.seen, self.after = key, floor, 0, []
        self.bounds.setdefault(key, floor)

    def cursor(self, keys: Sequence[str]) -> Cursor:
        """To go on from here: with the rest of this run, or with the next one where this has read everything."""
        if set(keys) <= set(self.done):
            return {"bounds": {key: max(self.bounds[key], self.newest.get(key, 0.0)) for key in keys}}
        begun: dict[str, Any] = {"newest": dict(self.newest), "done": list(self.done), "listing": self.listing}
        begun |= {"floor": self.floor, "seen": self.seen, "after": list(self.after)}
        return {"bounds": dict(self.bounds), "run": begun}


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
        self._tools = tools
        self._meter = tools.meter(account_name("reddit", options.client_id), LIMITS, None)
        self._place = shown(tools.endpoints.reddit)
        self._reddit = self._connect()

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        """Each listing from its newest thing down. One that ends too soon gives a capped page with the gap."""
        listings = {listing.key: listing for listing in self._listings(query)}
        keys = tuple(listings)
        run = _Run.of(cursor)
        if keys and set(keys) <= set(run.done):  # the query has changed since the run was broken off
            run = _Run.of(run.cursor(keys))
        for key, listing in listings.items():
            if key in run.done:
                continue
            if run.listing != key:
                run.begin(key, self._floor(run, key, until, since))
            yield from self._pages(listing, run, keys, until)

    def gone(self, native_ids: Sequence[str]) -> Mapping[str, str]:
        """Looked up by fullname. Reddit still names what is deleted, without its words; what it does not name at all
        is gone with its subreddit or account."""
        names = [name for name in native_ids if name.startswith(("t1_", "t3_")) and name.replace("_", "").isalnum()]
        if not names:
            return {}
        things, _after = self._ask("api/info", {"id": ",".join(names)})
        there = {fullname(thing): why_gone(thing) for thing in things if _named(thing)}
        return {name: why for name in names if (why := there.get(name, "no longer there")) is not None}

    def _listings(self, query: Query | None) -> Iterator[_Listing]:
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
                    yield _Listing(
                        f"{path.lower()}:{hashlib.sha256(words.encode()).hexdigest()[:12]}", path, asked, 200
                    )
        for name in names:
            if "submissions" in kinds and not self._options.search:
                yield _Listing(f"r/{name}/new".lower(), f"r/{name}/new")
            if "comments" in kinds:
                yield _Listing(f"r/{name}/comments".lower(), f"r/{name}/comments")

    def _floor(self, run: _Run, key: str, until: datetime, since: datetime | None) -> float:
        if since is not None:
            return since.timestamp()
        bound = run.bounds.get(key)
        if bound is None:
            return until.timestamp() - self._options.lookback_hours * 3600
        return bound - self.lag.total_seconds()

    def _pages(self, listing: _Listing, run: _Run, keys: Sequence[str], until: datetime) -> Iterator[Page]:
        again, oldest = "", until.timestamp()
        while True:
            things, after = self._page(listing, run.after)
            lost = not things and bool(run.after)  # there was to be more, and none of the last ones leads there
            if lost and not again:
                again, run.after, run.seen = "again ", [], 0
                continue
            read = _read(things, run.floor, until)
            if read.times:
                run.newest.setdefault(listing.key, min(max(read.times), until.timestamp()))
                oldest = min(oldest, *read.times)
            run.seen += len(things)
            settled = bool(read.times) and all(moment < run.floor for moment in read.times[-_SETTLED:])
            progress = _share(run, oldest, listing.key, keys)
            gap = None
            if settled or after is None:
                if not settled and (lost or run.seen >= listing.ends_after):
                    gap = _gap(run.floor, oldest)
                run.done.append(listing.key)
                run.listing, run.after, after = None, [], None
            else:
                names = [name for name in map(_named, things) if name is not None and name != after]
                run.after = [*names[-_STANDING_BY:], after]
            yield Page(
                read.items, run.cursor(keys), read.skipped, token=after and f"{again}{listing.key}:{after}",
                capped=gap is not None, progress=progress, gap=gap, deleted=read.deleted,
            )  # fmt: skip
            if after is None:
                return

    def _page(self, listing: _Listing, after: Sequence[str]) -> tuple[list[Mapping[str, Any]], str | None]:
        """The things after the last of these names that Reddit still knows, and what comes after them."""
        asked = {**listing.params, "limit": str(_PAGE)}
        if not after:
            return self._ask(listing.path, asked)
        for name in reversed(after):
            things, following = self._ask(listing.path, asked | {"after": name})
            if things or following:
                return things, following
        return [], None

    def _ask(self, path: str, params: Mapping[str, str]) -> tuple[list[Mapping[str, Any]], str | None]:
        """A listing's things and its ``after``; with a new token where the old one has run out."""
        try:
            answer = self._request(path, params)
        except _TokenRefused:
            self._reddit = self._connect()
            answer = self._request(path, params)
        data = answer.get("data") if isinstance(answer, Mapping) else None
        children = data.get("children") if isinstance(data, Mapping) else None
        if not isinstance(data, Mapping) or not isinstance(children, list):
            raise RetriableSourceError(
                f"{self._place} answered {path} with JSON that is no listing; if this goes on, check the address in "
                "ESCUCHA_REDDIT_URL"
            )
        inner = [child.get("data") for child in children if isinstance(child, Mapping)]
        things = [thing for thing in inner if isinstance(thing, Mapping)]
        after = data.get("after")
        return things, after if isinstance(after, str) and after else None

    def _request(self, path: str, params: Mapping[str, str]) -> Any:
        try:
            return self._reddit.request(method="GET", path=path, params=dict(params))
        except SourceError:
            raise
        except (PrawcoreException, PRAWException, ValueError, KeyError, TypeError) as error:
            raise self._in_words(error, path) from error

    def _in_words(self, error: Exception, path: str) -> SourceError:
        """What the library raised, as the host's error; it wraps those of the session in its own."""
        if (own := source_error(error)) is not None:
            return own
        where = f"{self._place}/{path}"
        match error:
            case Redirect():
                return FatalSourceError(f"{where} is nowhere on Reddit: there is no subreddit of that name; correct it")
            case OAuthException():
                return FatalSourceError(
                    f"{shown(self._tools.endpoints.reddit_login)} refuses the token ({error.error}): check client_id, "
                    "client_secret, username and password, and that the app is of the type script"
                )
            case BadJSON():
                return _not_json(error.response)
            case ValueError():
                # The token's own answer is read without care: requests tells the text that was no JSON.
                body = str(getattr(error, "doc", "")).encode("utf-8", "replace")
                return _not_json(Reply(200, {}, body, self._tools.endpoints.reddit_login))
        return RetriableSourceError(
            f"{where}: Reddit answered in an unforeseen way ({type(error).__name__}); it is tried again later"
        )

    def _connect(self) -> praw.Reddit:
        options = self._options
        session = CheckedSession(self._meter, timeout=self._tools.timeout, left=_left, refused=_refused)
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


class _TokenRefused(FatalSourceError):
    """Reddit does not take the token: it has run out, or it was withdrawn."""


@dataclass(frozen=True, slots=True)
class _Read:
    items: tuple[Item, ...]
    skipped: tuple[Skipped, ...]
    deleted: tuple[str, ...]
    times: tuple[float, ...]
    """In the listing's order."""


def _read(things: Sequence[Mapping[str, Any]], floor: float, until: datetime) -> _Read:
    items: list[Item] = []
    skipped: list[Skipped] = []
    deleted: list[str] = []
    times: list[float] = []
    for thing in things:
        try:
            moment = said_at(thing)
            times.append(moment)
            if not floor <= moment <= until.timestamp():
                continue
            if why_gone(thing) is not None:
                deleted.append(fullname(thing))
            else:
                items.append(item(thing))
        except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
            why = f"it is not as documented: {type(error).__name__} {error}"
            skipped.append(Skipped(f"thing {thing.get('name')}"[:60], why[:300]))
    items.sort(key=lambda one: one.created_at)
    return _Read(tuple(items), tuple(skipped), tuple(deleted), tuple(times))


def _named(thing: Mapping[str, Any]) -> str | None:
    try:
        return fullname(thing)
    except ValueError:
        return None


def _gap(floor: float, oldest: float) -> tuple[datetime, datetime] | None:
    start, end = datetime.fromtimestamp(floor, UTC), datetime.fromtimestamp(oldest, UTC)
    return (start, end) if start < end else None


def _share(run: _Run, oldest: float, key: str, keys: Sequence[str]) -> float:
    """How much of a run is done, by the time that its listings have behind them."""
    top = run.newest.get(key, 0.0)
    begun = (top - oldest) / (top - run.floor) if top > run.floor else 0.0
    return min(max((len(run.done) + min(max(begun, 0.0), 1.0)) / len(keys), 0.0), 1.0)


def _left(headers: Mapping[str, str]) -> Left:
    """``X-Ratelimit-Remaining`` and ``-Reset``, the latter in seconds from now."""
    return _number(headers.get("x-ratelimit-remaining")), _number(headers.get("x-ratelimit-reset"))


def _refused(response: requests.Response) -> SourceError | None:
    """Reddit's own words for a refusal: {"message": "Forbidden", "reason": "private", "error": 403}."""
    status, address = response.status_code, response.url or ""
    try:
        told = response.json()
    except (ValueError, RecursionError):
        told = None
    said = ""
    if isinstance(told, Mapping):
        said = ", ".join(str(told[name]) for name in ("message", "reason", "explanation") if told.get(name))
    if status == requests.codes.unauthorized and not address.endswith(_TOKEN_PATH):
        return _TokenRefused(str(refusal(status, response.reason or "", address, response.headers, said=said)))
    if status == requests.codes.too_many_requests and "Retry-After" not in response.headers:
        wait = _number(response.headers.get("x-ratelimit-reset"))
        if wait is not None:
            return RetriableSourceError(
                f"{shown(address)} answered 429 ({said or 'too many requests'}); it asks to wait {wait:.0f} s",
                retry_after=wait,
            )
    return refusal(status, response.reason or "", address, response.headers, said=said)


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
