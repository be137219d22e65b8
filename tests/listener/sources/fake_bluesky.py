"""A server that answers as Bluesky's does: sessions, searchPosts, getProfiles, getPosts, limits and XRPC's errors.

https://atproto.com/specs/xrpc, https://docs.bsky.app/docs/advanced-guides/rate-limits, and the lexicons in
https://github.com/bluesky-social/atproto/tree/main/lexicons.
"""

import base64
import json
import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from listener.http import Http
from listener.sources.bluesky import BlueskyOptions, BlueskySource
from listener.sources.bluesky.client import SESSIONS
from listener.tools import Endpoints, Tools
from tests.listener.sources.conformance import Post, RemotePlatform

HANDLE = "acme.example"
PASSWORD = "abcd-efgh-ijkl-mnop"
_FULL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def did_of(author: str) -> str:
    return f"did:plc:{author.encode().hex()[:24]:a<24}"


class FakeBluesky(RemotePlatform):
    """One server for accounts and search alike. ``reachable``: so many hits can be paged through.

    ``repeat_token``: the search sends one cursor again and again. ``remaining``: requests left of the limit; None =
    many. ``holds``: for how long an access token is good, in seconds. ``empty_lookups``: it answers getPosts with
    nothing. ``blocked``: URIs of those who have blocked the account.
    """

    def __init__(self, httpserver: HTTPServer, http: Http) -> None:
        super().__init__(httpserver)
        SESSIONS.forget()
        self.posts: dict[str, dict[str, Any]] = {}
        self.followers: dict[str, int] = {}
        self.reachable = 10_000
        self.repeat_token = False
        self.remaining: int | None = None
        self.holds = 7200
        self.logins = self.renewals = 0
        self.login_limit = 300
        self.empty_lookups = False
        self.blocked: set[str] = set()
        self._good: set[str] = set()
        self._refreshing: set[str] = set()
        self._ids: dict[str, str] = {}
        self._http = http

    def source(self, **options: Any) -> BlueskySource:
        tools = Tools(
            self._http,
            Endpoints(bluesky=self.server.url_for("").rstrip("/")),
            meter=lambda *account: self.meter,
            timeout=5,
        )
        return BlueskySource(BlueskyOptions(**{"handle": HANDLE, "app_password": PASSWORD, **options}), tools)

    def publish(self, posts: Iterable[Post]) -> None:
        for post in posts:
            self._ids[post.id] = self.add(text=post.text, at=post.said_at, author=post.author, rkey=f"3k{post.id}")

    def add(
        self, *, text: str, at: datetime, author: str = "ana", rkey: str | None = None, seen_at: datetime | None = None,
        record: Mapping[str, Any] | None = None, **view: Any,
    ) -> str:  # fmt: skip
        """Put up a post as its author's app wrote it at ``at``, first seen at ``seen_at``; its URI."""
        did = did_of(author)
        uri = f"at://{did}/app.bsky.feed.post/{rkey or f'3x{len(self.posts)}'}"
        self.followers.setdefault(did, 42)
        self.posts[uri] = {
            "uri": uri, "cid": "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
            "author": {"did": did, "handle": f"{author}.bsky.social", "displayName": author.title()},
            "record": {"$type": "app.bsky.feed.post", "createdAt": _written(at), "text": text, "langs": ["en"]}
            | dict(record or {}),
            "replyCount": 1, "repostCount": 2, "likeCount": 3, "quoteCount": 4, "indexedAt": _written(seen_at or at),
            "viewer": {}, "labels": [],
        } | view  # fmt: skip
        return uri

    def delete(self, post_id: str) -> None:
        del self.posts[self._ids[post_id]]

    def expire(self) -> None:
        """Every access token is over."""
        self._good.clear()

    def revoke(self) -> None:
        """Every session is over, as when the app password is deleted."""
        self._good.clear()
        self._refreshing.clear()

    def answer(self, request: Request) -> Response:
        method = request.path.removeprefix("/xrpc/")
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if method == "com.atproto.server.createSession":
            return self._login(request)
        if method == "com.atproto.server.refreshSession":
            if token not in self._refreshing:
                return self._error(400, "ExpiredToken", "Token has been revoked")
            self._refreshing.discard(token)
            self.renewals += 1
            return self._session()
        if not token:
            return self._error(401, "AuthMissing", "Authentication Required")
        if token not in self._good:
            return self._error(400, "ExpiredToken", "Token has expired")
        if self.remaining == 0:
            return self._error(429, "RateLimitExceeded", "Rate Limit Exceeded")
        if self.remaining is not None:
            self.remaining -= 1
        match method:
            case "app.bsky.feed.searchPosts":
                return self._search(request)
            case "app.bsky.actor.getProfiles":
                actors = request.args.getlist("actors")
                if not 1 <= len(actors) <= 25:
                    return self._error(400, "InvalidRequest", "Error: actors must not have more than 25 elements")
                found = [
                    {"did": did, "handle": "x.bsky.social", "followersCount": self.followers[did]}
                    for did in actors
                    if did in self.followers
                ]
                return self._json({"profiles": found})
            case "app.bsky.feed.getPosts":
                uris = request.args.getlist("uris")
                if not 1 <= len(uris) <= 25:
                    return self._error(400, "InvalidRequest", "Error: uris must not have more than 25 elements")
                shown = [] if self.empty_lookups else [uri for uri in uris if uri in self.posts]
                return self._json({"posts": [self.posts[uri] for uri in shown if uri not in self.blocked]})
            case "app.bsky.feed.getPostThread":
                return self._thread(request.args["uri"])
        return self._error(501, "MethodNotImplemented", "Method Not Implemented")

    def _login(self, request: Request) -> Response:
        assert request.content_type == "application/json"
        given = json.loads(request.get_data())
        self.logins += 1
        if self.logins > self.login_limit:
            return self._error(429, "RateLimitExceeded", "Rate Limit Exceeded")
        if (given["identifier"], given["password"]) != (HANDLE, PASSWORD):
            return self._error(401, "AuthenticationRequired", "Invalid identifier or password")
        return self._session()

    def _session(self) -> Response:
        number = self.logins + self.renewals
        access, refresh = _jwt(f"access-{number}", self.holds), _jwt(f"refresh-{number}", 60 * 86400)
        self._good.add(access)
        self._refreshing.add(refresh)
        did = did_of("acme")
        service = {
            "id": "#atproto_pds", "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": self.server.url_for("").rstrip("/"),
        }  # fmt: skip
        doc = {"id": did, "alsoKnownAs": [f"at://{HANDLE}"], "verificationMethod": [], "service": [service]}
        return self._json(
            {"did": did, "handle": HANDLE, "accessJwt": access, "refreshJwt": refresh, "didDoc": doc, "active": True}
        )

    def _search(self, request: Request) -> Response:
        asked = request.args
        if not asked.get("q"):
            return self._error(400, "InvalidRequest", "Error: Params must have the property q")
        for name in ("since", "until"):
            if name in asked and not _FULL_TIME.fullmatch(asked[name]):
                return self._error(400, "InvalidRequest", f"invalid Datetime for '{name}'")
        limit = int(asked.get("limit", 25))
        if not 1 <= limit <= 100:
            return self._error(400, "InvalidRequest", "Error: limit can not be greater than 100")
        since, until = (datetime.fromisoformat(asked[name]) if name in asked else None for name in ("since", "until"))
        words = [word.strip('"').casefold() for word in re.findall(r'"[^"]*"|\S+', asked["q"])]
        found = []
        for post in self.posts.values():
            at = _sort_at(post)
            if (since is not None and at < since) or (until is not None and at >= until):
                continue
            text = str(post["record"].get("text")).casefold()
            declared = post["record"].get("langs")
            langs = [f"lang:{lang}" for lang in declared] if isinstance(declared, list) else []
            if all(word in text or word in langs for word in words):
                found.append((at, post))
        found.sort(key=lambda pair: pair[0], reverse=True)
        offset = int(asked.get("cursor", 0))
        page = [post for _, post in found[: self.reachable][offset : offset + limit]]
        answer: dict[str, Any] = {"posts": page, "hitsTotal": min(len(found), 1000)}
        if offset + limit < min(len(found), self.reachable):
            answer["cursor"] = "100" if self.repeat_token else str(offset + limit)
        return self._json(answer)

    def _thread(self, uri: str) -> Response:
        if uri not in self.posts:
            return self._error(400, "NotFound", f"Post not found: {uri}")
        name = "blockedPost" if uri in self.blocked else "threadViewPost"
        thread = {"$type": f"app.bsky.feed.defs#{name}", "uri": uri}
        return self._json({"thread": thread if uri in self.blocked else thread | {"post": self.posts[uri]}})

    def _error(self, status: int, name: str, message: str) -> Response:
        return self._json({"error": name, "message": message}, status)

    def _json(self, data: Any, status: int = 200) -> Response:
        left = 2999 if self.remaining is None else self.remaining
        headers = {
            "ratelimit-limit": "3000", "ratelimit-remaining": str(left),
            "ratelimit-reset": str(int(time.time()) + 120), "ratelimit-policy": "3000;w=300",
        }  # fmt: skip
        return Response(json.dumps(data), status, headers, content_type="application/json; charset=utf-8")


def _sort_at(post: Mapping[str, Any]) -> datetime:
    seen_at = datetime.fromisoformat(post["indexedAt"])
    try:
        return min(datetime.fromisoformat(post["record"]["createdAt"]), seen_at)
    except (ValueError, KeyError, TypeError):  # no time, or one without its zone
        return seen_at


def _jwt(name: str, seconds: float) -> str:
    expires = int((datetime.now(UTC) + timedelta(seconds=seconds)).timestamp())
    parts = ({"typ": "at+jwt", "alg": "ES256K"}, {"scope": "com.atproto.access", "jti": name, "exp": expires})
    written = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*written, base64.urlsafe_b64encode(name.encode()).rstrip(b"=").decode()])


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
