"""Apple's App Store: customer reviews from the feed that Apple keeps for each app and country, as JSON; no key.

``/{country}/rss/customerreviews/page={1..10}/id={app}/sortby=mostrecent/json``: 50 reviews a page and 10 pages at most
("CustomerReviews RSS page depth is limited to 10"), so what lies beyond 500 new reviews between two visits is a known
gap. Apple does not document the feed; the rest was measured by those who read it. Pages come back empty at times,
reviews or not: an empty page is asked for again, and one that stays empty where reviews were is not taken for the end.
A review has one date, that of its last change. Reviews seldom name the app: set ``about_brands`` for this source.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from listener.http import Reply, shown
from listener.items import Author, Item
from listener.markup import web_address
from listener.query import Query
from listener.source import Cursor, Limit, Page, RetriableSourceError, Skipped, SourceError, account_name
from listener.tools import Tools

LIMITS = (Limit(20, timedelta(minutes=1)),)
"""Apple names no limit for this feed; 20 a minute is what it asks of users of its search at the same address
(https://developer.apple.com/library/archive/documentation/AudioVideo/Conceptual/iTuneSearchAPI)."""

_PAGES = 10
_FULL = 40
"""A page has 50 reviews; one with so many still says that there may be another."""
_TRIES = 3
_LASTING = timedelta(hours=1)
"""What a country's failure outlasts is no mood: it no longer fails the run."""
_PATIENCE = timedelta(days=3)
"""For so long a feed that is empty where it had reviews is a failure; after that it is believed, and still told."""


class AppStoreOptions(BaseModel):
    """Options of an ``appstore`` source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    app: int = Field(gt=0, description="the app's number, which follows /id in its address on apps.apple.com")
    countries: tuple[str, ...] = Field(
        default=("us", "gb", "ca", "au", "de", "fr", "es", "it", "mx", "br"),
        min_length=1,
        description="two-letter codes of the stores that are read; reviews in other countries are not seen",
    )

    @field_validator("countries")
    @classmethod
    def _codes(cls, countries: tuple[str, ...]) -> tuple[str, ...]:
        codes = tuple(dict.fromkeys(country.lower() for country in countries))
        if not all(re.fullmatch("[a-z]{2}", code) for code in codes):
            raise ValueError("write countries as two letters, such as us, gb or es")
        return codes


class _Failed(Exception):
    """A country's feed cannot be read; the others' may be. What the meter refuses goes for all of them."""

    def __init__(self, why: SourceError) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(slots=True)
class _Visit:
    """What one visit to a country's feed came to."""

    items: dict[str, Item] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    unread: str | None = None
    """Which part of the feed was empty although there must be something."""
    empty: bool = False
    changed: bool = True
    conditions: dict[str, str] = field(default_factory=dict)
    oldest: datetime | None = None
    to_the_limit: bool = False


class AppStoreSource:
    """Reviews of one app, country by country, each down to where it was left the last time."""

    kind: ClassVar[str] = "appstore"
    ordered: ClassVar[bool] = True
    lag: ClassVar[timedelta] = timedelta(days=1)
    history: ClassVar[timedelta | None] = timedelta(0)

    def __init__(self, options: AppStoreOptions, tools: Tools) -> None:
        self._options = options
        self._http = tools.http
        self._base = tools.endpoints.appstore.rstrip("/")
        self._meter = tools.meter(account_name("appstore"), LIMITS, None)

    def fetch(
        self,
        query: Query | None,  # noqa: ARG002 - there is nobody to ask for less
        cursor: Cursor | None,
        until: datetime,
        since: datetime | None = None,  # noqa: ARG002 - it hands out what it has
    ) -> Iterator[Page]:
        """A page for each country, beginning where the last run was interrupted, so that all have their turn.

        A country whose feed is empty where it had reviews is unread and keeps its place; where that goes for all of
        them, a RetriableSourceError. One that fails holds up no other: the run ends with its error, so that it is tried
        again soon, and where it still fails after an hour it is unread too.
        """
        before_all = cursor if cursor and cursor.get("app") == self._options.app else {}
        places: dict[str, dict[str, Any]] = dict(before_all.get("countries", {}))
        empty: list[str] = []
        failed: dict[str, SourceError] = {}
        countries = _from(self._options.countries, before_all.get("next"))
        for number, country in enumerate(countries, start=1):
            before = {name: value for name, value in places.get(country, {}).items() if name != "failing_since"}
            try:
                visit = self._visit(country, before, until)
            except _Failed as error:
                failed[country] = error.why
                continue
            places[country], page = _kept(country, before, visit, until)
            if visit.empty and before.get("at") is not None and _patient(places[country], until):
                empty.append(country)
            following = countries[number % len(countries)]
            after = {"app": self._options.app, "countries": dict(places), "next": following}
            progress = number / len(countries)
            yield replace(page, cursor=after, progress=progress)
        if len(failed) == len(countries):
            raise next(iter(failed.values()))
        if failed:
            for country in failed:
                place = places.get(country, {})
                places[country] = {**place, "failing_since": place.get("failing_since") or until.isoformat()}
            passing = [error for country, error in failed.items() if not _lasting(places[country], until)]
            unread = tuple(f"the store {country}: {error}" for country, error in failed.items())
            after = {"app": self._options.app, "countries": dict(places), "next": countries[0]}
            yield Page((), after, unread=unread, progress=1.0)
            if passing:
                raise _to_be_tried_again(passing[0])
        if len(empty) == len(self._options.countries):
            raise RetriableSourceError(
                f"{shown(self._base)} shows no reviews at all for app {self._options.app} in {', '.join(empty)}, where "
                "it had some: Apple's feed does that at times; nothing is lost, it is tried again later"
            )

    def _visit(self, country: str, before: Mapping[str, Any], until: datetime) -> _Visit:
        visit = _Visit()
        known = _at(before)
        low = None if known is None else known - self.lag
        last: int | None = None
        for number in range(1, _PAGES + 1):
            reply, entries, named = self._page(country, number, before, last)
            if reply.status == HTTPStatus.NOT_MODIFIED:
                visit.changed = False
                return visit
            if number == 1:
                visit.conditions = _conditions(reply)
            if not entries:
                visit.empty = number == 1
                visit.unread = _missing(number, known, visit.oldest, last)
                return visit
            last = named
            newest = _read(entries, country, self._options.app, until, visit)
            if low is not None and newest is not None and newest < low:
                return visit
            if len(entries) < _FULL and (last is None or number >= last):
                return visit
        visit.to_the_limit = True
        return visit

    def _page(
        self, country: str, number: int, before: Mapping[str, Any], last: int | None
    ) -> tuple[Reply, Sequence[Any], int | None]:
        """One page's reviews, and which page is the last if the feed says so. An empty page is asked for again where
        there should be something: where reviews were, and up to the page that was ``last`` so far."""
        address = (
            f"{self._base}/{country}/rss/customerreviews/page={number}/id={self._options.app}/sortby=mostrecent/json"
        )
        headers = {"Accept": "application/json", **(before.get("conditions") or {} if number == 1 else {})}
        expected = _at(before) is not None if number == 1 else last is None or number <= last
        for _ in range(_TRIES if expected else 1):
            self._meter.ask()
            try:
                reply = self._http.get(address, headers=headers)
                if reply.status == HTTPStatus.NOT_MODIFIED:
                    return reply, (), None
                feed = _feed(reply)
            except SourceError as error:
                raise _Failed(error) from error
            entries = feed.get("entry", [])
            entries = entries if isinstance(entries, list) else [entries]
            # The app itself may stand before its reviews.
            entries = [entry for entry in entries if not (isinstance(entry, dict) and "im:name" in entry)]
            if entries:
                break
        return reply, entries, _last_page(feed)


def _lasting(place: Mapping[str, Any], until: datetime) -> bool:
    return until - datetime.fromisoformat(place["failing_since"]) >= _LASTING


def _to_be_tried_again(error: SourceError) -> SourceError:
    """As long as other countries can be read no single one is a matter for a person."""
    if isinstance(error, RetriableSourceError):
        return error
    return RetriableSourceError(f"{error}; the other countries were read")


def _from(countries: tuple[str, ...], first: object) -> tuple[str, ...]:
    start = countries.index(first) if first in countries else 0
    return countries[start:] + countries[:start]


def _missing(number: int, known: datetime | None, oldest: datetime | None, last: int | None) -> str | None:
    """What is wrong with an empty page, if it is not simply the end of the feed."""
    if number == 1:
        return None if known is None else "the feed is empty although it had reviews"
    ended = number > last if last is not None else known is None
    if ended or (known is not None and oldest is not None and oldest <= known):
        return None
    return f"page {number} of the feed is empty although more must follow"


def _kept(country: str, before: Mapping[str, Any], visit: _Visit, until: datetime) -> tuple[dict[str, Any], Page]:
    """A country's place after a visit, and the page that the visit gives."""
    if not visit.changed:
        return dict(before), Page((), {})
    items = tuple(sorted(visit.items.values(), key=lambda item: item.created_at))
    known = _at(before)
    after: dict[str, Any] = {"at": before.get("at")}
    unread: tuple[str, ...] = ()
    gap: tuple[datetime, datetime] | None = None
    if visit.unread is not None:
        after["unread_since"] = before.get("unread_since") or until.isoformat()
        unread = (f"the store {country}: {visit.unread}; it is read again next time",)
    if visit.unread is None or (not _patient(after, until) and not visit.empty):
        # Where a part stays empty for days the rest is kept, and what could not be read is told as a gap.
        if visit.unread is not None and known is not None and visit.oldest is not None and visit.oldest > known:
            gap = (known, visit.oldest)
        if items:
            after["at"] = max(items[-1].created_at, known or items[-1].created_at).isoformat()
        if visit.unread is None:
            after["conditions"] = visit.conditions
    if visit.to_the_limit and known is not None and visit.oldest is not None and visit.oldest > known:
        gap = (known, visit.oldest)
    return after, Page(items, {}, tuple(visit.skipped), capped=gap is not None, gap=gap, unread=unread)


def _patient(place: Mapping[str, Any], until: datetime) -> bool:
    since = place.get("unread_since")
    return since is not None and until - datetime.fromisoformat(since) < _PATIENCE


def _at(place: Mapping[str, Any]) -> datetime | None:
    """When the newest review known of a country was written."""
    at = place.get("at")
    return datetime.fromisoformat(at) if at else None


def _conditions(reply: Reply) -> dict[str, str]:
    """What to say next time, so that an unchanged feed need not be sent again."""
    wanted = {"If-None-Match": reply.headers.get("etag"), "If-Modified-Since": reply.headers.get("last-modified")}
    return {name: value for name, value in wanted.items() if value}


def _feed(reply: Reply) -> Mapping[str, Any]:
    answer = reply.json()
    feed = answer.get("feed") if isinstance(answer, dict) else None
    if not isinstance(feed, dict):
        raise RetriableSourceError(
            f"{shown(reply.address)} answered with JSON that holds no feed; if this goes on, check the address in "
            "ESCUCHA_APPSTORE_URL"
        )
    return feed


def _last_page(feed: Mapping[str, Any]) -> int | None:
    links = feed.get("link", [])
    for link in links if isinstance(links, list) else [links]:
        attributes = link.get("attributes") if isinstance(link, dict) else None
        if isinstance(attributes, dict) and attributes.get("rel") == "last":
            found = re.search(r"/page=(\d{1,3})/", str(attributes.get("href")))
            return int(found[1]) if found else None
    return None


def _read(reviews: Sequence[Any], country: str, app: int, until: datetime, visit: _Visit) -> datetime | None:
    """The reviews as items; when the newest of them was written."""
    newest: datetime | None = None
    for number, review in enumerate(reviews, start=1):
        try:
            item = _item(review, country, app)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            where = f"a review in {country}, number {number} of its page"
            visit.skipped.append(Skipped(where, f"it is not as documented: {type(error).__name__} {error}"))
            continue
        newest = item.created_at if newest is None else max(newest, item.created_at)
        visit.oldest = item.created_at if visit.oldest is None else min(visit.oldest, item.created_at)
        if item.created_at <= until:
            visit.items.setdefault(item.native_id, item)
        else:
            visit.conditions = {}  # it must be sent again
    return newest


def _item(review: Mapping[str, Any], country: str, app: int) -> Item:
    native_id = review["id"]["label"]
    updated = datetime.fromisoformat(review["updated"]["label"])
    if updated.tzinfo is None:
        raise ValueError("its date names no time zone")
    title, text = _label(review, "title"), _label(review, "content")
    if not title and not text:
        raise ValueError("it has no text")
    rating = int(review["im:rating"]["label"])
    if not 1 <= rating <= 5:
        raise ValueError(f"it has {rating} stars")
    votes, helpful = _label(review, "im:voteCount"), _label(review, "im:voteSum")
    numbers = {"rating": str(rating), "votes": votes, "helpful": helpful}
    return Item(
        kind="appstore",
        native_id=str(native_id),
        text=text or title,
        title=title or None,
        created_at=updated,
        edited_at=updated,
        url=web_address(f"https://apps.apple.com/{country}/app/id{app}?see-all=reviews"),
        author=_author(review.get("author"), country),
        engagement={name: int(value) for name, value in numbers.items() if value.isascii() and value.isdigit()},
    )


def _author(author: Any, country: str) -> Author | None:
    if not isinstance(author, dict):
        return None
    name, uri = _label(author, "name"), web_address(_label(author, "uri"))
    number = re.search(r"/id(\d+)$", uri or "")
    if not name and not number:
        return None
    return Author(number[1] if number else f"{country}:{name}", name=name or None, url=uri)


def _label(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    label = value.get("label") if isinstance(value, dict) else None
    return label.strip() if isinstance(label, str) else ""
