"""Bluesky's search (https://docs.bsky.app/docs/api/app-bsky-feed-search-posts), with an account's session.

A search gives its hits newest first, page by page up to 10,000 (medialab/minet pull request 1018), and says nothing of
what lies beyond. So it is asked in windows of time (``listener.search_windows``) of a thousand hits at most. Time
is Bluesky's ``sortAt``, the earlier of what the author's app claims and when the network saw the post.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from listener.bluesky import KIND, author_of, may_match, post_of
from listener.http import shown
from listener.items import Item, as_utc
from listener.query import Query
from listener.query.dialects import BLUESKY
from listener.query.translate import translate
from listener.search_windows import Answer, Span, in_windows
from listener.source import Cursor, FatalSourceError, Limit, Page, RetriableSourceError, Skipped, account_name
from listener.tools import Tools

LIMITS = (Limit(3000, timedelta(minutes=5)),)
"""https://docs.bsky.app/docs/advanced-guides/rate-limits: for an address."""

_A_PAGE = 100
_COMFORTABLE = 1000
"""Hits of one search that a window may hold before it is halved."""
_REACHABLE = 10_000
_PROFILES = 25
_COUNTS = {"likes": "likeCount", "reposts": "repostCount", "replies": "replyCount", "quotes": "quoteCount"}


class BlueskyOptions(BaseModel):
    """Options of a ``bluesky`` source."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    handle: str = Field(description="the account that asks, as in acme.bsky.social")
    app_password: SecretStr = Field(
        description="an app password of that account, from Bluesky's settings (app_password_from: a variable)"
    )
    followers: bool = Field(
        default=True, description="look up how many followers authors have: reach, for 1 request in 25"
    )
    lookback_hours: int = Field(
        default=24, ge=1, le=24 * 3660, description="how far back the first run looks, in hours"
    )

    @field_validator("handle")
    @classmethod
    def _plain(cls, handle: str) -> str:
        plain = handle.strip().lstrip("@")
        if "." not in plain and "@" not in plain and not plain.startswith("did:"):
            raise ValueError("write the whole handle, as in acme.bsky.social")
        return plain


class BlueskySource:
    """What is found on Bluesky for a query, search by search."""

    kind: ClassVar[str] = KIND
    ordered: ClassVar[bool] = True
    lag: ClassVar[timedelta] = timedelta(minutes=15)
    history: ClassVar[timedelta | None] = None
    recheck_every: ClassVar[timedelta] = timedelta(days=1)
    recheck_batch: ClassVar[int] = 25

    def __init__(self, options: BlueskyOptions, tools: Tools) -> None:
        self._options = options
        self._address = tools.endpoints.bluesky.rstrip("/")
        meter = tools.meter(account_name(self.kind, self._address, options.handle), LIMITS, None)
        password = options.app_password.get_secret_value().strip()
        # The library takes a second to load, which is nobody's who has no such source.
        from listener.sources.bluesky.client import Account

        self._account: Account = Account(self._address, options.handle, password, tools.http, meter)

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        """Windows of time of each search, oldest first. A second with more hits than can be had gives a capped page."""
        if query is None:
            raise FatalSourceError("Bluesky is searched for the brands' queries, and there is none: add a brand")
        span = Span(until, since, self.lag, timedelta(hours=self._options.lookback_hours))
        followers: dict[str, int | None] = {}
        for step in in_windows(translate(query, BLUESKY).searches, cursor, span, self._window):
            items, skipped = self._items(step.found or {}, query, until, followers)
            yield Page(
                items, step.cursor, skipped,
                capped=step.gap is not None, progress=step.share, gap=step.gap, read_to=step.read_to,
            )  # fmt: skip

    def _window(self, search: str, start: int, end: int) -> Answer[dict[str, Mapping[str, Any]]]:
        """Posts by URI from second ``start`` to ``end``, both included."""
        found: dict[str, Mapping[str, Any]] = {}
        # What does not fit into a second is read as far as it goes: there is nothing left to halve.
        most = _COMFORTABLE if end > start else _REACHABLE
        token: str | None = None
        tokens: set[str] = set()
        reached = 0
        while True:
            posts, token = self._page(search, start, end, token)
            found.update((_uri(post, reached + nth), post) for nth, post in enumerate(posts, start=1))
            reached += _A_PAGE  # posts that are hidden from the account leave a page short
            if reached >= most and (token is not None or reached >= _REACHABLE):
                return Answer(found, whole=False)
            if token is None:
                return Answer(found, whole=True, few=(reached - _A_PAGE + len(posts)) * 4 <= _COMFORTABLE)
            if token in tokens:
                raise RetriableSourceError(
                    f"{shown(self._address)} sent the page token {token!r} twice; stopped rather than read in circles"
                )
            tokens.add(token)

    def _page(self, search: str, start: int, end: int, token: str | None) -> tuple[list[Any], str | None]:
        answer = self._account.search(search, _written(start), _written(end + 1), _A_PAGE, token)
        return self._listed(answer, "posts"), answer.get("cursor") or None

    def _items(
        self,
        found: Mapping[str, Mapping[str, Any]],
        query: Query | None,
        until: datetime,
        followers: dict[str, int | None],
    ) -> tuple[tuple[Item, ...], tuple[Skipped, ...]]:
        items: list[Item] = []
        skipped: list[Skipped] = []
        read = [(uri, post, _item(uri, post, {})) for uri, post in found.items()]
        if self._options.followers:
            mentions = [item for _, _, item in read if isinstance(item, Item) and may_match(query, item)]
            self._look_up({item.author.native_id for item in mentions if item.author}, followers)
        for uri, post, item in read:
            if isinstance(item, Skipped):
                skipped.append(item)
            elif item.created_at <= until:
                known = item.author is not None and followers.get(item.author.native_id) is not None
                again = _item(uri, post, followers) if known else item
                items.append(again if isinstance(again, Item) else item)
        return tuple(sorted(items, key=lambda item: item.created_at)), tuple(skipped)

    def _look_up(self, dids: Iterable[str], followers: dict[str, int | None]) -> None:
        """How many followers these accounts have, for those not looked up in this run."""
        unknown = sorted(set(dids) - followers.keys())
        for start in range(0, len(unknown), _PROFILES):
            asked = unknown[start : start + _PROFILES]
            followers.update(dict.fromkeys(asked))
            for profile in self._listed(self._account.profiles(asked), "profiles"):
                if isinstance(profile, dict) and isinstance(profile.get("followersCount"), int):
                    followers[str(profile.get("did"))] = profile["followersCount"]

    def gone(self, native_ids: Sequence[str]) -> Mapping[str, str]:
        """Posts that Bluesky no longer shows this account: deleted, taken down, or of an account that is gone.

        One that is only missing among others may be missing for a moment: it is gone if Bluesky, asked for it alone,
        says that there is none.
        """
        posts = self._listed(self._account.posts(native_ids), "posts")
        found = {post.get("uri") for post in posts if isinstance(post, dict)}
        missing = [uri for uri in native_ids if uri not in found]
        gone = {uri: "no longer shown" for uri in missing if not self._account.shows(uri)}
        if len(missing) == len(native_ids) and len(gone) < len(missing):
            raise RetriableSourceError(
                f"{shown(self._address)} left out posts that it shows when it is asked for one alone; looked up again "
                "later"
            )
        return gone

    def _listed(self, answer: Mapping[str, Any], name: str) -> list[Any]:
        found = answer.get(name)
        if not isinstance(found, list):
            raise RetriableSourceError(
                f"{shown(self._address)} answered with JSON that holds no {name}; if this goes on, check the address "
                "in ESCUCHA_BLUESKY_URL"
            )
        return found


def _item(uri: str, post: Any, followers: Mapping[str, int | None]) -> Item | Skipped:
    """One hit (https://github.com/bluesky-social/atproto/blob/main/lexicons/app/bsky/feed/defs.json#postView)."""
    try:
        account = post["author"]
        did = str(account["did"])
        seen_at = as_utc(datetime.fromisoformat(post["indexedAt"]))
        author = author_of(did, account.get("handle"), account.get("displayName"), followers.get(did))
        counts = {name: post.get(key) for name, key in _COUNTS.items()}
        return post_of(post["uri"], post["record"], author, seen_at, counts)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        return Skipped(f"post {uri}", f"it is not as documented: {type(error).__name__} {error}")


def _uri(post: Any, number: int) -> str:
    uri = post.get("uri") if isinstance(post, dict) else None
    return uri if isinstance(uri, str) else f"number {number}"


def _written(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
