"""A server that answers as Apple's review feed does: 50 a page, 10 pages, empty moods."""

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from listener.http import Http
from listener.sources.appstore import AppStoreOptions, AppStoreSource
from listener.tools import Endpoints, Tools
from tests.listener.sources.conformance import Post, RemotePlatform

APP = 1234567890
COUNTRIES = ("us", "gb", "es")
_ADDRESS = re.compile(r"/([a-z]{2})/rss/customerreviews/page=(\d+)/id=(\d+)/sortby=mostrecent/json")
_CALIFORNIA = timezone(timedelta(hours=-7))


class FakeAppStore(RemotePlatform):
    """Three stores that share out what is published; conditional requests; times as Cupertino writes them."""

    def __init__(self, httpserver: HTTPServer, http: Http) -> None:
        super().__init__(httpserver)
        self._http = http
        self.reviews: dict[str, list[dict[str, Any]]] = {country: [] for country in COUNTRIES}
        self.empty: set[tuple[str, int]] = set()
        """Pages (country, number) that are empty for the moment."""
        self.empty_answers = 10**9
        """How many answers more those pages stay empty."""
        self.failing: set[str] = set()
        """Countries whose feed answers 500."""
        self.app_first = False
        self.names_last = True

    def source(self, **options: Any) -> AppStoreSource:
        endpoints = Endpoints(appstore=self.server.url_for("").rstrip("/"))
        settings = {"app": APP, "countries": COUNTRIES, **options}
        return AppStoreSource(AppStoreOptions(**settings), Tools(self._http, endpoints, meter=lambda *a: self.meter))

    def publish(self, posts: Iterable[Post]) -> None:
        for number, post in enumerate(posts):
            self.review(post, COUNTRIES[number % len(COUNTRIES)])

    def review(self, post: Post, country: str = "us", **more: Any) -> None:
        self.reviews[country].append(
            {
                "author": {
                    "uri": {"label": f"https://itunes.apple.com/{country}/reviews/id7{len(post.author)}"},
                    "name": {"label": post.author}, "label": "",
                },
                "updated": {"label": _time(post.said_at)}, "im:rating": {"label": "4"}, "im:version": {"label": "2.1"},
                "id": {"label": post.id}, "title": {"label": ""},
                "content": {"label": post.text, "attributes": {"type": "text"}},
                "link": {"attributes": {"rel": "related", "href": f"https://itunes.apple.com/{country}/review?id={APP}"}},
                "im:voteSum": {"label": "0"}, "im:voteCount": {"label": "0"},
                "im:contentType": {"attributes": {"term": "Application", "label": "Application"}}, **more,
            }
        )  # fmt: skip

    def edit(self, native_id: str, text: str, at: datetime) -> None:
        for reviews in self.reviews.values():
            for review in reviews:
                if review["id"]["label"] == native_id:
                    review |= {"content": {"label": text}, "updated": {"label": _time(at)}}

    def spoil_part(self) -> None:
        self.failing.add("gb")

    def mend_part(self) -> None:
        self.failing.clear()

    def answer(self, request: Request) -> Response:
        found = _ADDRESS.fullmatch(request.path)
        assert found is not None, request.path
        country, number, app = found[1], int(found[2]), int(found[3])
        if country in self.failing:
            return Response("no", 500)
        if number > 10:
            return Response("CustomerReviews RSS page depth is limited to 10", 400)
        assert app == APP
        reviews = sorted(self.reviews[country], key=lambda review: _moment(review["updated"]["label"]), reverse=True)
        last = max(1, min(10, -(-len(reviews) // 50)))
        entries = reviews[(number - 1) * 50 : number * 50]
        if (country, number) in self.empty and self.empty_answers > 0:
            self.empty_answers -= 1
            entries = []
        elif self.app_first and number == 1:
            entries = [
                {"im:name": {"label": "Acme"}, "title": {"label": "Acme - Acme Inc"}, "id": {"label": "1"}},
                *entries,
            ]
        feed: dict[str, Any] = {
            "author": {"name": {"label": "iTunes Store"}, "uri": {"label": "http://www.apple.com/itunes/"}},
            "updated": {"label": "2026-05-01T00:00:00-07:00"}, "title": {"label": "iTunes Store: Customer Reviews"},
            "link": [{"attributes": {"rel": "self", "href": request.url}}],
        }  # fmt: skip
        if self.names_last:
            href = f"https://itunes.apple.com/{country}/rss/customerreviews/page={last}/id={app}/sortby=mostrecent/xml"
            feed["link"].append({"attributes": {"rel": "last", "href": href}})
        if entries:
            feed["entry"] = entries[0] if len(entries) == 1 else entries
        body = json.dumps({"feed": feed}).encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == etag:
            return Response("", 304)
        return Response(body, content_type="text/javascript; charset=utf-8", headers={"ETag": etag})


def _time(moment: datetime) -> str:
    return moment.astimezone(_CALIFORNIA).isoformat(timespec="seconds")


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.max.replace(tzinfo=_CALIFORNIA)
