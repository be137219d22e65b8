"""A server that answers as Algolia's Hacker News search does, its limits included.

The index is configured as algolia/hn-search says: title, texts, url and author are searched, and every word of a query
may be the beginning of one ("prefixAll"). Quotes and "-" are Algolia's advancedSyntax.
"""

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
from listener.tools import Endpoints, Tools
from tests.listener.sources.conformance import Post, RemotePlatform

_CAP = 1000
_SEARCHED = ("title", "story_text", "comment_text", "url", "author")
_OPERATORS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq}


class FakeHackerNews(RemotePlatform):
    """``search_by_date``: newest first, numericFilters, tags, pages, and no hit beyond the thousandth."""

    def __init__(self, httpserver: HTTPServer, http: Http) -> None:
        super().__init__(httpserver)
        self.hits: list[dict[str, Any]] = []
        self._http = http
        self.most_per_page = 1000

    def source(self, **options: Any) -> HackerNewsSource:
        tools = Tools(self._http, Endpoints(hackernews=self.server.url_for("/api/v1")), meter=lambda *a: self.meter)
        return HackerNewsSource(HackerNewsOptions(**options), tools)

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
        texts = [_words(html.unescape(str(hit[name]))) for name in _SEARCHED if hit.get(name)]
        advanced = asked.get("advancedSyntax") == "true"
        return all(_stands(term, texts) != minus for minus, term in _terms(asked.get("query", ""), advanced=advanced))


def _terms(query: str, *, advanced: bool) -> list[tuple[bool, str]]:
    """Words and quoted phrases, each with whether a minus stands before it. Without the syntax all are words."""
    if not advanced:
        return [(False, word) for word in _words(query)]
    found = re.findall(r'(-?)("[^"]*"|[^\s"]+)', query)
    # A minus within a word only parts it: "coca-cola" is two words.
    return [
        (bool(minus), term)
        for minus, written in found
        for term in ([written] if written[0] == '"' or minus else _words(written))
    ]


def _stands(term: str, texts: list[list[str]]) -> bool:
    """True where a phrase stands in one of the texts word for word, or a word begins as this one does."""
    wanted = _words(term)
    if term[0] == '"':
        return any(text[at : at + len(wanted)] == wanted for text in texts for at in range(len(text)))
    return all(any(word.startswith(begin) for text in texts for word in text) for begin in wanted)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _json(data: Any) -> Response:
    return Response(json.dumps(data), content_type="application/json")
