"""A server that answers as GDELT's DOC 2.0 API does: 250 articles at most, plain-text refusals, careless JSON."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from listener.http import Http
from listener.sources.gdelt import GdeltOptions, GdeltSource
from listener.tools import Endpoints, Tools
from tests.listener.sources.conformance import Post, RemotePlatform


class FakeGdelt(RemotePlatform):
    """``/api/v2/doc/doc``: artlist as JSON, by date, within a window of a quarter of an hour at least."""

    def __init__(self, httpserver: HTTPServer, http: Http) -> None:
        super().__init__(httpserver)
        self._http = http
        self.refused_word: str | None = None
        """Searches that hold this word are refused."""
        self.part_brands = {f"B{n}": " OR ".join(f"word{n}x{k}" for k in range(4)) for n in range(12)}
        """Brands (name, query) that make it more than one search."""
        self.articles: list[tuple[datetime, dict[str, Any]]] = []
        self.shortest = timedelta(minutes=15)
        self.ends_belong = True
        """Whether the second named as the end is in the window; GDELT does not say."""

    def spoil_part(self) -> None:
        self.refused_word = "word9x3"

    def mend_part(self) -> None:
        self.refused_word = None

    def source(self, **options: Any) -> GdeltSource:
        endpoints = Endpoints(gdelt=self.server.url_for("").rstrip("/"))
        return GdeltSource(GdeltOptions(**options), Tools(self._http, endpoints, meter=lambda *a: self.meter))

    def publish(self, posts: Iterable[Post]) -> None:
        for post in posts:
            self.add(f"https://news.example/{post.id}", post.text, post.said_at)

    def add(self, url: str, title: str, seen: datetime, **more: Any) -> None:
        article = {
            "url": url, "url_mobile": "", "title": title, "seendate": seen.strftime("%Y%m%dT%H%M%SZ"),
            "socialimage": "", "domain": "news.example", "language": "English", "sourcecountry": "United States",
        }  # fmt: skip
        self.articles.append((seen.replace(microsecond=0), article | more))

    def answer(self, request: Request) -> Response:
        assert request.path == "/api/v2/doc/doc"
        asked = request.args
        assert (asked["mode"], asked["format"]) == ("artlist", "json")
        assert int(asked["maxrecords"]) <= 250
        start, end = (_moment(asked[name]) for name in ("startdatetime", "enddatetime"))
        if end - start < self.shortest:
            return said("Timespan is too short.\n")
        words = [word for word in re.findall(r"\w+", asked["query"].lower()) if word != "or"]
        if any(len(word) < 3 for word in words) or len(asked["query"]) > 250:
            return said("Your query was too short or too long.\n")
        if self.refused_word is not None and self.refused_word in words:
            return said("One or more of your keywords were too common.")
        found = [
            (seen, article) for seen, article in self.articles
            if start <= seen and (seen < end or (seen == end and self.ends_belong))
            and any(word in str(article["title"]).lower() for word in words)
        ]  # fmt: skip
        found.sort(key=lambda one: one[0], reverse=asked["sort"] == "datedesc")
        articles = [article for _, article in found[: int(asked["maxrecords"])]]
        if not found:
            return Response("{}", content_type="application/json; charset=utf-8")
        return Response(json.dumps({"articles": articles}), content_type="application/json; charset=utf-8")


def said(text: str, code: int = 200) -> Response:
    """Words where data was asked for, sent as if they were a page."""
    return Response(text, code, content_type="text/html; charset=utf-8")


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
