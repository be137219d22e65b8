"""A server that answers as Algolia's Hacker News search does, its limits included."""

import html
import json
import math
import operator
import re
from collections.abc import Iterable
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from listener.http import Http
from listener.sources.hackernews import HackerNewsOptions, HackerNewsSource
from tests.listener.sources.conformance import Post, RemotePlatform

_CAP = 1000
_OPERATORS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq}


class FakeHackerNews(RemotePlatform):
    """``search_by_date``: newest first, numericFilters, tags, pages, and no hit beyond the thousandth."""

    def __init__(self, httpserver: HTTPServer, http: Http) -> None:
        super().__init__(httpserver)
        self.hits: list[dict[str, Any]] = []
        self._http = http
        self.most_per_page = 1000

    def source(self, **options: Any) -> HackerNewsSource:
        return HackerNewsSource(HackerNewsOptions(**options), self._http, self.server.url_for("/api/v1"))

    def publish(self, posts: Iterable[Post]) -> None:
        for post in posts:
            # As the site does: escaped, paragraphs as <p>, links as anchors with entities in them.
            self.add(
                objectID=post.id,
                author=post.author,
                comment_text=html.escape(post.text, quote=True).replace("/", "&#x2F;"),
                created_at_i=int(post.said_at.timestamp()),
                story_title="Something else",
                parent_id=1,
                story_id=1,
            )

    def add(self, **hit: Any) -> None:
        kind = "comment" if hit.get("comment_text") is not None else "story"
        hit = {"points": None, "num_comments": None, "title": None, **hit, "_tags": [kind]}
        said = " ".join(str(hit.get(name)) for name in ("title", "story_text", "comment_text", "url"))
        hit["_words"] = _words(html.unescape(said))
        self.hits.append(hit)

    def answer(self, request: Request) -> Response:
        assert request.path == "/api/v1/search_by_date"
        asked = request.args
        found = [hit for hit in self.hits if self._fits(hit, asked)]
        found.sort(key=lambda hit: hit["created_at_i"], reverse=True)
        per_page = min(int(asked.get("hitsPerPage", 20)), self.most_per_page)
        page = int(asked.get("page", 0))
        reachable = found[:_CAP]
        answer: dict[str, Any] = {
            "hits": reachable[page * per_page : (page + 1) * per_page],
            "nbHits": len(found),
            "page": page,
            "nbPages": math.ceil(len(reachable) / per_page),
            "hitsPerPage": per_page,
            "exhaustiveNbHits": True,
        }
        if page * per_page >= _CAP:
            answer |= {
                "hits": [],
                "nbHits": 0,
                "nbPages": 0,
                "message": "you can only fetch the 1000 hits for this query",
            }
        return _json(answer)

    @staticmethod
    def _fits(hit: dict[str, Any], asked: Any) -> bool:
        wanted = re.findall(r"\w+", asked.get("tags", ""))
        if wanted and not set(wanted) & set(hit["_tags"]):
            return False
        for name, sign, number in re.findall(r"(\w+)(>=|<=|>|<|=)(-?\d+)", asked.get("numericFilters", "")):
            if not _OPERATORS[sign](hit[name] or 0, int(number)):
                return False
        return _words(asked.get("query", "")) in hit["_words"]


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _json(data: Any) -> Response:
    return Response(json.dumps(data), content_type="application/json")
