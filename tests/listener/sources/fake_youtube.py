"""A server that answers as the YouTube Data API v3 does: keys, pages, replies, closed comments, units and errors."""

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from listener.http import Http
from listener.sources.youtube import YouTubeOptions, YouTubeSource
from listener.tools import Endpoints, Tools
from tests.listener.sources.conformance import Post, RemotePlatform

KEY = "AIzaSyFakeKeyForTests_0123456789abcdefg"
CHANNEL = "UCacme_channel-000000001"
VIDEO = "acme-vid_01"
SECOND = "acme-vid_02"
_INLINED = 5
_COSTS = {"search": 100, "commentThreads": 1, "comments": 1}


class FakeYouTube(RemotePlatform):
    """``commentThreads``, ``comments`` and ``search``; newest threads first, five replies in a thread."""

    def __init__(self, httpserver: HTTPServer, http: Http) -> None:
        super().__init__(httpserver)
        self._http = http
        self.threads: list[dict[str, Any]] = []
        self.replies: dict[str, list[dict[str, Any]]] = {}
        self.videos: dict[str, dict[str, Any]] = {
            VIDEO: _video(VIDEO, "acme first look", datetime(2026, 4, 30, tzinfo=UTC))
        }
        self.closed: set[str] = set()
        """Videos whose comments are switched off."""
        self.private: set[str] = set()
        self.gone_between: set[str] = set()
        """Threads that are deleted after they were listed."""
        self.strict_lookups = False
        """Whether looking up an unknown comment refuses the whole request, as documented, or leaves it out."""
        self.empty_lookups = False
        self.repeat_token = False
        self.forget_tokens = False
        self.units = 0
        self.units_a_day = 1_000_000

    def source(self, **options: Any) -> YouTubeSource:
        settings = {"api_key": KEY, "channels": [CHANNEL], **options}
        endpoints = Endpoints(youtube=self.server.url_for("").rstrip("/"))
        return YouTubeSource(YouTubeOptions(**settings), Tools(self._http, endpoints, meter=lambda *a: self.meter))

    def publish(self, posts: Iterable[Post]) -> None:
        for post in posts:
            self.comment(post)

    def comment(self, post: Post, *, video: str = VIDEO, **said: Any) -> str:
        """A top-level comment below a video; its id."""
        self.threads.append(_comment(f"Ug{post.id}", post, video, **said))
        return f"Ug{post.id}"

    def reply(self, thread: str, post: Post) -> str:
        reply = _comment(f"{thread}.{post.id}", post, None, parentId=thread)
        self.replies.setdefault(thread, []).append(reply)
        return str(reply["id"])

    def edit(self, native_id: str, text: str, at: datetime) -> None:
        said = next(c for c in self.threads if c["id"] == f"Ug{native_id}")["snippet"]
        said |= {"textDisplay": text, "textOriginal": text, "updatedAt": _time(at)}

    def delete(self, native_id: str) -> None:
        self.threads = [comment for comment in self.threads if comment["id"] != f"Ug{native_id}"]
        self.replies.pop(f"Ug{native_id}", None)

    def source_of_parts(self) -> YouTubeSource:
        """Two videos, of which ``spoil_part`` closes the one that is read first."""
        self.videos[SECOND] = _video(SECOND, "acme second look", datetime(2026, 4, 30, tzinfo=UTC))
        return self.source(channels=(), videos=(SECOND, VIDEO))

    def spoil_part(self) -> None:
        self.closed.add(SECOND)

    def mend_part(self) -> None:
        self.closed.clear()

    def answer(self, request: Request) -> Response:
        if request.headers.get("X-Goog-Api-Key") != KEY or "key" in request.args:
            return error(
                400, "badRequest", "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT",
                details=[{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
            )  # fmt: skip
        method = request.path.removeprefix("/youtube/v3/")
        self.units += _COSTS[method]
        if self.units > self.units_a_day:
            return error(403, "quotaExceeded", 'you have exceeded your <a href="/getting-started#quota">quota</a>.')
        assert "textOriginal" not in request.args
        match method:
            case "search":
                return self._search(request.args)
            case "commentThreads":
                return self._threads(request.args)
            case "comments" if "id" in request.args:
                return self._lookup(request.args["id"].split(","))
            case _:
                return self._replies(request.args)

    def _search(self, asked: Any) -> Response:
        words = asked["q"].replace('"', "").lower().split("|")
        found = [
            video for video in self.videos.values()
            if asked["publishedAfter"] <= video["snippet"]["publishedAt"] < asked["publishedBefore"]
            and any(word in video["snippet"]["title"].lower() for word in words)
        ]  # fmt: skip
        found.sort(key=lambda video: video["snippet"]["publishedAt"], reverse=True)
        return _json({"kind": "youtube#searchListResponse", "items": found[: int(asked["maxResults"])]})

    def _threads(self, asked: Any) -> Response:
        video = asked.get("videoId")
        if video is not None and video not in self.videos:
            return error(404, "videoNotFound", "The video could not be found.")
        if video in self.closed:
            return error(403, "commentsDisabled", "The video has <b>disabled comments</b>.")
        if video in self.private:
            return error(403, "forbidden", "Insufficient permissions.")
        channel = asked.get("allThreadsRelatedToChannelId")
        if channel not in (None, CHANNEL):
            return error(404, "channelNotFound", "The channel could not be found.")
        assert asked["order"] == "time"
        assert asked["textFormat"] == "plainText"
        found = [comment for comment in self.threads if video in (None, comment["snippet"].get("videoId"))]
        found.sort(key=lambda comment: str(comment["snippet"].get("publishedAt")), reverse=True)
        return self._paged([self._thread(comment, asked["part"]) for comment in found], asked, "commentThread")

    def _thread(self, comment: dict[str, Any], parts: str) -> dict[str, Any]:
        replies = self.replies.get(comment["id"], [])
        thread: dict[str, Any] = {
            "kind": "youtube#commentThread", "id": comment["id"],
            "snippet": {
                "channelId": CHANNEL, "videoId": comment["snippet"].get("videoId"), "topLevelComment": comment,
                "canReply": True, "totalReplyCount": len(replies), "isPublic": True,
            },
        }  # fmt: skip
        if replies and "replies" in parts:
            thread["replies"] = {"comments": replies[-_INLINED:][::-1]}
        return thread

    def _replies(self, asked: Any) -> Response:
        parent = asked["parentId"]
        if parent in self.gone_between or parent not in {comment["id"] for comment in self.threads}:
            return error(404, "parentCommentNotFound", "The parent comment could not be found.")
        return self._paged(self.replies.get(parent, []), asked, "comment")

    def _lookup(self, ids: list[str]) -> Response:
        assert len(ids) <= 50
        there = {comment["id"] for comment in self.threads} | {
            reply["id"] for replies in self.replies.values() for reply in replies
        }
        if self.strict_lookups and not there.issuperset(ids):
            return error(404, "commentNotFound", "One or more of the specified comments cannot be found.")
        if self.empty_lookups:
            ids = []
        items = [{"kind": "youtube#comment", "id": native_id} for native_id in ids if native_id in there]
        return _json({"kind": "youtube#commentListResponse", "items": items})

    def _paged(self, entries: list[dict[str, Any]], asked: Any, kind: str) -> Response:
        start = 0
        if token := asked.get("pageToken"):
            if self.forget_tokens:
                return error(400, "processingFailure", "The API server failed to successfully process the request.")
            start = int(base64.urlsafe_b64decode(token).split(b":")[1])
        size = int(asked["maxResults"])
        answer: dict[str, Any] = {"kind": f"youtube#{kind}ListResponse", "items": entries[start : start + size]}
        following = start if self.repeat_token and start else start + size
        if following < len(entries):
            answer["nextPageToken"] = base64.urlsafe_b64encode(f"at:{following}".encode()).decode()
        return _json(answer)

    def found(self, video: str, title: str, published: datetime) -> None:
        """Put a video where search finds it."""
        self.videos[video] = _video(video, title, published)


def _video(native_id: str, title: str, published: datetime) -> dict[str, Any]:
    return {
        "kind": "youtube#searchResult", "id": {"kind": "youtube#video", "videoId": native_id},
        "snippet": {"publishedAt": _time(published), "channelId": CHANNEL, "title": title},
    }  # fmt: skip


def _comment(native_id: str, post: Post, video: str | None, **said: Any) -> dict[str, Any]:
    snippet = {
        "textDisplay": post.text, "textOriginal": post.text, "authorDisplayName": f"@{post.author}",
        "authorChannelUrl": f"http://www.youtube.com/@{post.author}",
        "authorChannelId": {"value": f"UC{post.author}"}, "canRate": True, "viewerRating": "none", "likeCount": 0,
        "publishedAt": _time(post.said_at), "updatedAt": _time(post.said_at), "channelId": CHANNEL,
        **({"videoId": video} if video else {}), **said,
    }  # fmt: skip
    return {"kind": "youtube#comment", "id": native_id, "snippet": snippet}


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def error(code: int, reason: str, message: str, status: str | None = None, **more: Any) -> Response:
    """A refusal as the API writes it."""
    body: dict[str, Any] = {
        "code": code, "message": message, "errors": [{"message": message, "domain": "youtube", "reason": reason}],
        **({"status": status} if status else {}), **more,
    }  # fmt: skip
    return _json({"error": body}, code)


def _json(data: Any, code: int = 200) -> Response:
    return Response(json.dumps(data), code, content_type="application/json; charset=UTF-8")
