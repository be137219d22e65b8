"""A websocket server that plays Bluesky's firehose back as Jetstream does, on a real socket.

https://github.com/bluesky-social/jetstream-legacy: /subscribe with wantedCollections, wantedDids, cursor and
maxMessageSizeBytes; time_us of the server's own clock; about a day is kept; all sorts of events between the posts.
"""

import contextlib
import http
import json
import socket
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pytest_httpserver import HTTPServer
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from listener.http import Http
from listener.sources.jetstream import JetstreamOptions, JetstreamSource
from listener.tools import Endpoints, Tools
from tests.listener.sources.conformance import UNTIL, CountingMeter, Post

_POSTS = "app.bsky.feed.post"


class _Address:
    """What pytest-httpserver's server says of itself, for a websocket server."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port

    def url_for(self, path: str) -> str:
        return f"ws://{self.host}:{self.port}{path}"


class FakeJetstream:
    """The firehose. ``now``: the server's clock, when live events come; ``keeps``: how long it plays back.

    ``beats``: whether anything comes live; ``others``: whether others are heard of in playback. ``drops``: for the next
    connections, after how many events each breaks off (in the middle of a frame). ``refuses``: how the next handshakes
    are answered instead: (status, headers, body). ``first``: frames that come before all events. ``pace``: seconds
    between events.
    """

    def __init__(self, httpserver: HTTPServer | None = None, http: Http | None = None) -> None:
        self._http = http or Http()
        self.meter = CountingMeter()
        self.events: list[tuple[int, Any]] = []
        self.now = UNTIL + timedelta(hours=6)
        self.keeps = timedelta(hours=24)
        self.beats = True
        self.others = True
        self.drops: list[int] = []
        self.refuses: list[tuple[int, dict[str, str], bytes]] = []
        self.first: list[str | bytes] = []
        self.pace = 0.0
        self.asked: list[dict[str, list[str]]] = []
        self.agents: list[str | None] = []
        self.handshakes = 0
        self._over = threading.Event()
        self._server = serve(self._serve, "127.0.0.1", 0, process_request=self._handshake, close_timeout=1)
        self.server = _Address("127.0.0.1", self._server.socket.getsockname()[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join(5)

    def source(self, **options: Any) -> JetstreamSource:
        tools = Tools(
            self._http, Endpoints(jetstream=self.server.url_for("")), meter=lambda *account: self.meter, timeout=2
        )
        return JetstreamSource(JetstreamOptions(**{"lookback_hours": 13, "listen_seconds": 20, **options}), tools)

    def publish(self, posts: Iterable[Post]) -> None:
        for post in posts:
            self.post(post.text, post.said_at, rkey=f"3k{post.id}", did=f"did:plc:{post.author}")

    def post(
        self, text: Any, at: datetime, *, rkey: str = "3k", did: str = "did:plc:ana", seen_at: datetime | None = None,
        record: Mapping[str, Any] | None = None,
    ) -> str:  # fmt: skip
        """Somebody posts at ``at``, which reaches the server at ``seen_at``; the post's URI."""
        said = {"$type": _POSTS, "createdAt": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "langs": ["en"], "text": text}
        self.commit(seen_at or at, did, "create", rkey, said | dict(record or {}))
        return f"at://{did}/{_POSTS}/{rkey}"

    def commit(
        self, at: datetime, did: str, operation: str, rkey: str, record: Any = None, collection: str = _POSTS
    ) -> None:
        commit = {"rev": "3l", "operation": operation, "collection": collection, "rkey": rkey}
        if record is not None:
            commit |= {"record": record, "cid": "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"}
        self.add(at, {"did": did, "kind": "commit", "commit": commit})

    def delete(self, post_id: str, at: datetime) -> None:
        self.commit(at, "did:plc:ana", "delete", f"3k{post_id}")

    def add(self, at: datetime, event: Any) -> None:
        """Any event, or a frame as it is."""
        time_us = _microseconds(at)
        if isinstance(event, dict):
            event = {"did": event.get("did"), "time_us": time_us, **event}
        self.events.append((time_us, event))

    def _handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        self.handshakes += 1
        self.agents.append(request.headers.get("User-Agent"))
        if self.refuses:
            status, headers, body = self.refuses.pop(0)
            phrase = http.HTTPStatus(status).phrase
            return Response(status, phrase, Headers({"Content-Length": str(len(body)), **headers}), body)
        parts = urlsplit(request.path)
        if parts.path != "/subscribe":
            return Response(404, "Not Found", Headers(), b"not found")
        return None

    def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        asked = parse_qs(urlsplit(connection.request.path).query)
        self.asked.append(asked)
        drop = self.drops.pop(0) if self.drops else None
        with contextlib.suppress(ConnectionClosed, OSError):
            for frame in self.first:
                connection.send(frame)
            for number, message in enumerate(self._playback(asked)):
                if number == drop:
                    self._break_off(connection)
                    return
                connection.send(message)
                if self.pace:
                    self._over.wait(self.pace)
            if drop is not None:
                self._break_off(connection)
                return
            beat = 0
            while not self._over.wait(0.01):
                if self.beats:
                    beat += 1
                    live = {"did": "did:plc:somebody", "time_us": _microseconds(self.now) + beat, "kind": "identity"}
                    connection.send(json.dumps(live))
                elif connection.protocol.close_rcvd is not None:
                    return

    def _playback(self, asked: Mapping[str, list[str]]) -> list[str | bytes]:
        oldest = _microseconds(self.now - self.keeps)
        start = int(asked["cursor"][0]) if "cursor" in asked else _microseconds(self.now)
        largest = int(asked.get("maxMessageSizeBytes", ["0"])[0]) or 2**60
        collections, dids = asked.get("wantedCollections"), asked.get("wantedDids")
        messages: list[str | bytes] = []
        events = self.events if dids or not self.others else [*self.events, *self._others(max(start, oldest))]
        for time_us, event in sorted(events, key=lambda pair: pair[0]):
            if time_us < max(start, oldest):
                continue
            if isinstance(event, dict):
                if dids and event.get("did") not in dids:
                    continue
                commit = event.get("commit")
                if isinstance(commit, dict) and collections and commit.get("collection") not in collections:
                    continue
                event = json.dumps(event)
                if len(event) > largest:
                    continue
            messages.append(event)
        return messages

    def _others(self, start: int) -> list[tuple[int, Any]]:
        """What happens in the network meanwhile; identities are told of whatever collections are wanted."""
        times = range(start, _microseconds(self.now), _microseconds(datetime(1970, 1, 1, 0, 5, tzinfo=UTC)))
        return [(at, {"did": "did:plc:somebody", "time_us": at, "kind": "identity"}) for at in times]

    @staticmethod
    def _break_off(connection: ServerConnection) -> None:
        # The beginning of a frame of text of 1,000 bytes, and then nothing any more.
        connection.socket.sendall(b"\x81\x7e\x03\xe8" + b'{"did": "did:plc:')
        connection.socket.shutdown(socket.SHUT_RDWR)


def _microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
