"""A server that serves a feed of all posts, conditional requests included."""

import email.utils
import re
from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from listener.http import Http
from listener.sources.rss import RssOptions, RssSource
from tests.listener.sources.conformance import Post, RemotePlatform


class FakeFeed(RemotePlatform):
    """A feed of all posts; ``body`` and ``headers`` replace what it serves."""

    def __init__(self, httpserver: HTTPServer, http: Http) -> None:
        super().__init__(httpserver)
        self._http = http
        self._entries: list[str] = []
        self.body: str | bytes | None = None
        self.headers: dict[str, str] = {"Content-Type": "application/rss+xml"}

    def source(self, **options: Any) -> RssSource:
        return RssSource(RssOptions(url=self.server.url_for("/feed"), **options), self._http)

    def publish(self, posts: Iterable[Post]) -> None:
        for post in posts:
            text = re.sub(r"[\x00-\x1f\ufffe\uffff]", "", escape(post.text))  # XML cannot hold these
            date = email.utils.format_datetime(post.said_at)
            self._entries.append(
                f"<item><guid isPermaLink='false'>{post.id}</guid><description>{escape(text)}</description>"
                f"<pubDate>{date}</pubDate></item>"
            )

    def answer(self, request: Request) -> Response:
        body = rss(*self._entries) if self.body is None else self.body
        response = Response(body, headers=self.headers)
        if (etag := self.headers.get("ETag")) and request.headers.get("If-None-Match") == etag:
            return Response(b"", 304, {"ETag": etag})
        return response


def rss(*entries: str, channel: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>t</title>{channel}{''.join(entries)}</channel></rss>"
    )
