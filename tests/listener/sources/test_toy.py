"""The suite itself, on the smallest source that pages by tokens, newest first, so that no shipped source need be one.

It doubles as the example for a newcomer: the platform is its first half, the source its second.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from listener.http import Http
from listener.items import Item
from listener.query import Query
from listener.source import Cursor, Page
from tests.listener.sources.conformance import LateContract, Post, RemoteContract, RemotePlatform, TokenContract


class ToyPlatform(RemotePlatform):
    def __init__(self, httpserver: HTTPServer, http: Http) -> None:
        super().__init__(httpserver)
        self.posts: list[Post] = []
        self.repeat_token = False
        self._http = http

    def source(self) -> "ToySource":
        return ToySource(self.server.url_for("/posts"), self._http)

    def publish(self, posts: Iterable[Post]) -> None:
        self.posts += posts

    def answer(self, request: Request) -> Response:
        since, until, start = (int(request.args.get(name, 0)) for name in ("since", "until", "token"))
        found = [post for post in self.posts if since <= post.said_at.timestamp() <= until]
        found.sort(key=lambda post: post.said_at, reverse=True)
        token = start + 100 if start + 100 < len(found) else None
        if self.repeat_token and start:
            token = start
        posts = [[post.id, post.text, post.said_at.timestamp()] for post in found[start : start + 100]]
        return Response(json.dumps({"posts": posts, "next": token}), content_type="application/json")


class ToySource:
    kind: ClassVar[str] = "toy"
    ordered: ClassVar[bool] = False
    lag: ClassVar[timedelta] = timedelta(minutes=10)

    def __init__(self, address: str, http: Http) -> None:
        self._address = address
        self._http = http

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        place = dict(cursor or {"since": 0})
        # A cursor with a token is one of an interrupted run: it goes on with the same window.
        last = place.setdefault("until", int(until.timestamp()))
        if place["until"] < int(until.timestamp()) and "token" not in place:
            place = {"since": last - int(self.lag.total_seconds()), "until": int(until.timestamp())}
        while True:
            answer = self._http.get(self._address, params={name: str(value) for name, value in place.items()}).json()
            items = tuple(
                Item(kind="toy", native_id=native_id, text=text, created_at=datetime.fromtimestamp(at, UTC))
                for native_id, text, at in answer["posts"]
            )
            token = answer["next"]
            if token is None:
                yield Page(items, {"since": place["since"], "until": place["until"]})
                return
            place["token"] = token
            yield Page(items, dict(place), token=str(token))


class TestToy(RemoteContract, TokenContract, LateContract):
    burst_size = 450

    @pytest.fixture
    def platform(self, httpserver: HTTPServer, http: Http) -> ToyPlatform:
        return ToyPlatform(httpserver, http)
