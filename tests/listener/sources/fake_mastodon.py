"""A server that answers as a Mastodon instance does: timelines, search, lookups, limits, and streams on another port.

https://docs.joinmastodon.org/methods/: timelines, search, statuses, streaming; https://docs.joinmastodon.org/api/.
"""

import functools
import html
import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from listener.http import Http
from listener.sources.mastodon import MastodonOptions, MastodonSource
from listener.tools import Endpoints, Tools
from tests.listener.sources.conformance import Post, RemotePlatform

TOKEN = "a-token-of-ana"
_LIMIT = 300
_MOST = 40
_REACHABLE = 10_000


class FakeMastodon(RemotePlatform):
    """One instance. ``locked``: it shows nothing without a token. ``batches``: it is of 4.3 or later.

    ``empty_lookups``: it answers look-ups of several statuses, and searches for one, with nothing, and shows nothing
    under hashtags. ``repeat_token``: the Link header of its second page leads to that page again.
    """

    def __init__(self, httpserver: HTTPServer, http: Http) -> None:
        super().__init__(httpserver)
        self.statuses: dict[int, dict[str, Any]] = {}
        self.locked = False
        self.batches = True
        self.repeat_token = False
        self.remaining: int | None = None
        self.empty_lookups = False
        self.unreachable: set[str] = set()  # hosts of other servers that do not answer just now
        self.most_hits = _REACHABLE
        self._ids: dict[str, int] = {}
        self._http = http

    @property
    def address(self) -> str:
        return self.server.url_for("").rstrip("/")

    def source(self, **options: Any) -> MastodonSource:
        if "hashtags" not in options and "search" not in options:
            options["hashtags"] = ["acme"]
        tools = Tools(self._http, Endpoints(mastodon=self.address), meter=lambda *account: self.meter, timeout=5)
        return MastodonSource(MastodonOptions(**options), tools)

    def publish(self, posts: Iterable[Post]) -> None:
        for post in posts:
            self._ids[post.id] = self.add(text=post.text, at=post.said_at, author=post.author)

    def add(
        self, *, text: str, at: datetime, author: str = "ana", tags: Iterable[str] = ("acme",), host: str | None = None,
        id_at: datetime | None = None, **changes: Any,
    ) -> int:  # fmt: skip
        """Put up a status, its text written as HTML; ``host``: it comes from another server. The id it gets here."""
        local = _id_at(id_at or at)
        while local in self.statuses:
            local += 1
        home = self.address if host is None else f"https://{host}"
        there = local if host is None else _id_at(at) + 7
        account = {
            "id": "14", "username": author, "acct": author if host is None else f"{author}@{host}",
            "display_name": author.title(), "url": f"{home}/@{author}", "uri": f"{home}/users/{author}",
            "followers_count": 250, "following_count": 3, "statuses_count": 9, "bot": False,
        }  # fmt: skip
        written = html.escape(text).replace("\n", "<br />")
        self.statuses[local] = {
            "id": str(local), "created_at": _written(at), "in_reply_to_id": None, "sensitive": False,
            "spoiler_text": "", "visibility": "public", "language": "en",
            "uri": f"{home}/users/{author}/statuses/{there}", "url": f"{home}/@{author}/{there}",
            "replies_count": 1, "reblogs_count": 2, "favourites_count": 3, "edited_at": None,
            "content": f"<p>{written}</p>", "reblog": None, "account": account, "media_attachments": [],
            "mentions": [], "tags": [{"name": tag, "url": f"{home}/tags/{tag}"} for tag in tags], "emojis": [],
            "card": None, "poll": None,
        } | changes  # fmt: skip
        return local

    def edit(self, post_id: str, text: str, at: datetime) -> None:
        status = self.statuses[self._ids[post_id]]
        status |= {"content": f"<p>{html.escape(text)}</p>", "edited_at": _written(at)}

    def delete(self, post_id: str) -> None:
        del self.statuses[self._ids[post_id]]

    def answer(self, request: Request) -> Response:
        given = request.headers.get("Authorization")
        if given is not None and given != f"Bearer {TOKEN}":
            return self._json({"error": "The access token is invalid"}, 401)
        if self.remaining == 0:
            return self._json({"error": "Too many requests"}, 429)
        if self.remaining is not None:
            self.remaining -= 1
        path = request.path.rstrip("/")
        if (self.locked or path == "/api/v2/search") and given is None and path != "/api/v1/instance":
            return self._json({"error": "This method requires an authenticated user"}, 401)
        if found := re.fullmatch(r"/api/v1/timelines/tag/([^/]+)", path):
            return self._timeline(request, found[1])
        if path == "/api/v2/search":
            return self._search(request)
        if path == "/api/v1/statuses" and self.batches:
            ids = request.args.getlist("id[]")
            if len(ids) > 20:
                return self._json({"error": "Validation failed"}, 422)
            there = [] if self.empty_lookups else [int(one) for one in ids if int(one) in self.statuses]
            return self._json([self.statuses[one] for one in there])
        if found := re.fullmatch(r"/api/v1/statuses/(\d+)", path):
            status = self.statuses.get(int(found[1]))
            return self._json(status) if status else self._json({"error": "Record not found"}, 404)
        if path == "/api/v1/instance":
            return self._json({"uri": "localhost", "version": "4.5.0", "urls": {"streaming_api": self.streams_at()}})
        return Response("<!DOCTYPE html><html><body>The page you are looking for</body></html>", 404)

    def streams_at(self) -> str:
        return self.address

    def _timeline(self, request: Request, tag: str) -> Response:
        limit = min(int(request.args.get("limit", 20)), _MOST)
        low, high = int(request.args.get("min_id", 0)), int(request.args.get("max_id", 2**63))
        ids = sorted(
            local for local, status in self.statuses.items()
            if low < local < high and tag.casefold() in [one["name"].casefold() for one in status["tags"]]
        )  # fmt: skip
        ids = [] if self.empty_lookups else ids
        # With min_id those next after it, without the newest; a page itself is always written newest first.
        page = ids[:limit][::-1] if "min_id" in request.args else ids[::-1][:limit]
        headers = {}
        if page:
            here = f"{self.address}{request.path}"
            onward = low if self.repeat_token and low else page[0]
            links = {"next": {"limit": limit, "max_id": page[-1]}, "prev": {"limit": limit, "min_id": onward}}
            headers["Link"] = ", ".join(f'<{here}?{urlencode(query)}>; rel="{rel}"' for rel, query in links.items())
        return self._json([self.statuses[local] for local in page], headers=headers)

    def _search(self, request: Request) -> Response:
        asked = request.args
        assert asked["type"] == "statuses"
        if asked["q"].startswith("http"):
            host = urlsplit(asked["q"]).netloc
            found = [
                one
                for one in self.statuses.values()
                if one["uri"] == asked["q"] and host not in self.unreachable and not self.empty_lookups
            ]
            return self._json({"accounts": [], "statuses": found, "hashtags": []})
        # Ids become "after:" and "before:", which are times of whole seconds and do not include themselves.
        after = _second_of(int(asked["min_id"])) if "min_id" in asked else None
        before = _second_of(int(asked["max_id"])) if "max_id" in asked else None
        words = [word.strip('"').lstrip("#").casefold() for word in re.findall(r'"[^"]*"|\S+', asked["q"])]
        found = []
        for local in sorted(self.statuses, reverse=True):
            status = self.statuses[local]
            at = datetime.fromisoformat(status["created_at"])
            text = _read(f"{status['spoiler_text']} {status['content']}")
            if (
                (after is None or at > after)
                and (before is None or at < before)
                and all(word in text for word in words)
            ):
                found.append(status)
        offset, limit = int(asked.get("offset", 0)), min(int(asked.get("limit", 20)), _MOST)
        page = found[offset : offset + limit] if offset + limit <= self.most_hits else []
        return self._json({"accounts": [], "statuses": page, "hashtags": []})

    def _json(self, data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        left = _LIMIT - 1 if self.remaining is None else self.remaining
        limits = {
            "X-RateLimit-Limit": str(_LIMIT), "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": (datetime.now(UTC) + timedelta(seconds=90)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }  # fmt: skip
        all_headers = limits | dict(headers or {})
        return Response(json.dumps(data), status, all_headers, content_type="application/json; charset=utf-8")


class FakeStreams:
    """The instance's streaming server. ``events``: what comes under a hashtag, as (name, data) or bytes as they are;
    ``pause``: seconds after each; ``ends``: it closes the connection afterwards, properly or not ("broken")."""

    def __init__(self) -> None:
        self.events: dict[str, list[tuple[str, Any] | bytes]] = defaultdict(list)
        self.pause = 0.0
        self.ends: str | None = None
        self.refuses: int | None = None
        self.asked: list[str] = []
        self.agents: list[str | None] = []
        self._over = threading.Event()
        streams = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                streams.serve(self)

            def log_message(self, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"ws://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        self.agents.append(handler.headers.get("User-Agent"))
        length = int(handler.headers.get("Content-Length") or 0)
        handler.rfile.read(length)
        refused = 401 if handler.headers.get("Authorization") != f"Bearer {TOKEN}" else self.refuses
        if refused is not None:
            body = json.dumps({"error": "Invalid access token" if refused == 401 else "no"}).encode()
            handler.send_response(refused)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        (tag,) = parse_qs(urlsplit(handler.path).query)["tag"]
        try:
            self._send(handler, b":)\n")
            for event in self.events[tag]:
                if isinstance(event, bytes):
                    self._send(handler, event)
                else:
                    name, data = event
                    written = data if isinstance(data, str) else json.dumps(data)
                    self._send(handler, f"event: {name}\ndata: {written}\n\n".encode())
                time.sleep(self.pause)
            if self.ends == "broken":
                handler.connection.close()
            elif self.ends is not None:
                handler.wfile.write(b"0\r\n\r\n")
            while self.ends is None and not self._over.wait(0.1):
                self._send(handler, b":thump\n")
        except OSError:
            pass  # the listener has gone
        handler.close_connection = True

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, data: bytes) -> None:
        handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        handler.wfile.flush()


def _id_at(moment: datetime) -> int:
    return ((moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)) << 16


@functools.cache
def _read(content: str) -> str:
    return html.unescape(content).casefold()


def _second_of(status_id: int) -> datetime:
    return datetime.fromtimestamp((status_id >> 16) // 1000, UTC)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
