"""A server that answers as Reddit does: tokens, listings that end, search, info, and words for its refusals."""

import base64
import heapq
import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from listener.http import Http
from listener.sources.reddit import RedditOptions, RedditSource
from listener.tools import Endpoints, Tools
from tests.listener.sources.conformance import Post, RemotePlatform

CLIENT_ID, SECRET = "Abc-123_client", "s3cret-of-the-app"
_SUBREDDIT = "airlines"


class FakeReddit(RemotePlatform):
    """The site under /www, its API under /oauth. Listings end after ``ends``, searches after ``search_ends`` things."""

    def __init__(self, httpserver: HTTPServer, http: Http) -> None:
        super().__init__(httpserver)
        self._http = http
        self.things: dict[str, dict[str, Any]] = {}
        self.names: dict[str, str] = {}
        """The platform's names by the tests' ids."""
        self.tokens: list[str] = []
        self.token_lives = 1_000_000
        """Requests after which a token has run out."""
        self.ends, self.search_ends = 1000, 250
        self.left = 1000
        self.repeat_token = False
        self.subreddits = [_SUBREDDIT]
        """Those in which people publish, and which a source reads unless it is told otherwise."""
        self.private: set[str] = set()
        self.banned: set[str] = set()
        self.renamed: set[str] = set()
        self.empty_lookups = False
        """Things that are looked up are not found, whatever they are."""
        self.odd_lookups: set[str] = set()
        """Things that come without their name when they are looked up."""
        self.unlisted: set[str] = set()
        """Gone from the listings: what was deleted."""
        self.before_page: Callable[[int], None] = lambda number: None
        """Called before the nth page after the first of a listing is made."""
        self._uses = 0

    def source(self, **options: Any) -> RedditSource:
        endpoints = Endpoints(reddit=self.server.url_for("/oauth"), reddit_login=self.server.url_for("/www"))
        tools = Tools(self._http, endpoints, meter=lambda *account: self.meter, timeout=5)
        options = {"client_id": CLIENT_ID, "client_secret": SECRET, "subreddits": self.subreddits, **options}
        return RedditSource(RedditOptions(**options), tools)

    # What people do there

    def publish(self, posts: Iterable[Post]) -> None:
        """Every other post is a submission, the rest are comments: each kind has a listing of its own."""
        for number, post in enumerate(posts):
            where = self.subreddits[number // 2 % len(self.subreddits)]
            if number % 2 == 0:
                title = "A question about airlines"
                name = self.submit(title, post.said_at, post.author, selftext=post.text, subreddit=where)
            else:
                name = self.comment(post.text, post.said_at, post.author, subreddit=where)
            self.names[post.id] = name

    def submit(self, title: str, at: datetime, author: str = "ana", **more: Any) -> str:
        name = f"t3_{_base36(1_000_000 + len(self.things))}"
        subreddit = more.get("subreddit", _SUBREDDIT)
        permalink = f"/r/{subreddit}/comments/{name[3:]}/a_title/"
        return self._add(name, at, author, {
            "title": title, "selftext": "", "is_self": True, "num_comments": 3, "upvote_ratio": 0.9,
            "subreddit": subreddit, "permalink": permalink, "url": f"https://www.reddit.com{permalink}",
            "removed_by_category": None, **more,
        })  # fmt: skip

    def comment(self, body: str, at: datetime, author: str = "ana", **more: Any) -> str:
        name = f"t1_{_base36(1_000_000 + len(self.things))}"
        subreddit = more.get("subreddit", _SUBREDDIT)
        return self._add(name, at, author, {
            "body": body, "subreddit": subreddit, "parent_id": "t3_above", "link_id": "t3_above",
            "link_title": "Something else", "permalink": f"/r/{subreddit}/comments/above/a_title/{name[3:]}/", **more,
        })  # fmt: skip

    def _add(self, name: str, at: datetime, author: str, thing: dict[str, Any]) -> str:
        self.things[name] = {
            "name": name, "id": name[3:], "author": author, "author_fullname": f"t2_{author}", "edited": False,
            "created_utc": at.timestamp(), "score": 12, "_place": at.timestamp(), **thing,
        }  # fmt: skip
        return name

    def edit(self, post_id: str, text: str, at: datetime) -> None:
        thing = self.things[self.names[post_id]]
        thing[_body(thing)] = text
        thing["edited"] = at.timestamp()

    def vanish(self, post_id: str) -> None:
        """Removed by moderators: still listed for a while, without its words."""
        thing = self.things[self.names[post_id]]
        thing[_body(thing)] = "[removed]"
        if thing["name"].startswith("t3_"):
            thing["removed_by_category"] = "moderator"

    def delete(self, post_id: str) -> None:
        self.remove(self.names[post_id])

    def remove(self, name: str) -> None:
        """Deleted by its author: no longer listed, and looked up it has neither author nor words."""
        thing = self.things[name]
        thing |= {"author": "[deleted]", _body(thing): "[deleted]"}
        thing.pop("author_fullname", None)
        self.unlisted.add(name)

    def source_of_parts(self) -> RedditSource:
        """Two subreddits, of which ``spoil_part`` makes the one private that is read first."""
        self.subreddits = ["travel", _SUBREDDIT]
        return self.source()

    def spoil_part(self) -> None:
        self.private.add("travel")

    def mend_part(self) -> None:
        self.private.clear()

    # What the site answers

    def answer(self, request: Request) -> Response:
        if request.path == "/www/api/v1/access_token" and request.method == "POST":
            return self._token(request)
        token = request.headers.get("Authorization", "").removeprefix("bearer ")
        self._uses += 1
        if not self.tokens or token != self.tokens[-1] or self._uses > self.token_lives:
            return _json({"message": "Unauthorized", "error": 401}, 401, {"www-authenticate": _CHALLENGE})
        limits = {"x-ratelimit-reset": "321", "x-ratelimit-used": str(1000 - self.left)}
        if self.left <= 0:
            return _json({"message": "Too Many Requests", "error": 429}, 429, limits | {"x-ratelimit-remaining": "0.0"})
        self.left -= 1
        response = self._api(request)
        response.headers.update(limits | {"x-ratelimit-remaining": f"{self.left}.0"})
        return response

    def _token(self, request: Request) -> Response:
        basic = base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {basic}":
            return _json({"message": "Unauthorized", "error": 401}, 401)
        grant = request.form.get("grant_type")
        if grant == "password" and (request.form.get("username"), request.form.get("password")) != ("ana", "hunter2"):
            return _json({"error": "invalid_grant"})
        if grant not in ("password", "client_credentials"):
            return _json({"error": "unsupported_grant_type"})
        self.tokens.append(f"token-{len(self.tokens)}-{grant}")
        self._uses = 0
        return _json({"access_token": self.tokens[-1], "token_type": "bearer", "expires_in": 86400, "scope": "*"})

    def _api(self, request: Request) -> Response:
        asked = request.args
        assert "before" not in asked
        if request.path == "/oauth/api/info":
            names = asked["id"].split(",")
            assert len(names) <= 100
            there = [] if self.empty_lookups else [self.things[name] for name in names if name in self.things]
            return _listing(
                [{**thing, "name": None} if thing["name"] in self.odd_lookups else thing for thing in there], None
            )
        found = re.fullmatch(r"/oauth/(?:r/([\w+-]+)/)?(new|comments|search)", request.path)
        if found is None:
            return _json({"message": "Not Found", "error": 404}, 404)
        subreddit, which = found[1] and found[1].lower(), found[2]
        if subreddit in self.private:
            return _json({"reason": "private", "message": "Forbidden", "error": 403}, 403)
        if subreddit in self.banned:
            return _json({"reason": "banned", "message": "Not Found", "error": 404}, 404)
        known = {thing["subreddit"] for thing in self.things.values()} | {_SUBREDDIT, *self.subreddits}
        if subreddit is not None and (subreddit in self.renamed or subreddit not in known):
            return Response("", 302, {"Location": f"https://www.reddit.com/subreddits/search?q={subreddit}"})
        kind = "t1_" if which == "comments" else "t3_"
        things = [
            thing
            for name, thing in self.things.items()
            if name.startswith(kind) and (subreddit is None or thing["subreddit"] == subreddit)
        ]
        ends = self.ends
        if which == "search":
            assert len(asked["q"]) <= 512
            assert (asked["sort"], asked.get("restrict_sr")) == ("new", "on" if subreddit else None)
            fits, ends = _matcher(asked["q"]), self.search_ends
            things = [thing for thing in things if fits(f"{thing['title']} {thing['selftext']}")]
        return self._page(things, asked, ends)

    def _page(self, things: list[dict[str, Any]], asked: Any, ends: int) -> Response:
        limit, after = min(int(asked.get("limit", "25")), 100), asked.get("after")
        if after is not None:
            self.before_page(len(self.requests))
        listed = [thing for thing in things if thing["name"] not in self.unlisted]
        # Those of one second stand in the order in which they came.
        listed = heapq.nlargest(ends, listed, key=lambda thing: (thing["_place"], int(thing["id"], 36)))
        names = [thing["name"] for thing in listed]
        if after is not None and after not in names:
            return _listing([], None)
        start = names.index(after) + 1 if after is not None else 0
        page = listed[start : start + limit]
        following = page[-1]["name"] if page and start + limit < len(listed) else None
        if self.repeat_token and page:
            following = names[min(limit, len(names)) - 1]
        return _listing(page, following)


_CHALLENGE = 'Bearer realm="reddit", error="invalid_token"'
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits


def _body(thing: dict[str, Any]) -> str:
    return "selftext" if thing["name"].startswith("t3_") else "body"


def _listing(things: list[dict[str, Any]], after: str | None) -> Response:
    children = [
        {
            "kind": f"t{3 if 'selftext' in thing else 1}",
            "data": {key: value for key, value in thing.items() if key != "_place"},
        }
        for thing in things
    ]
    data = {"after": after, "before": None, "dist": len(children), "modhash": None, "children": children}
    return _json({"kind": "Listing", "data": data})


def _json(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(data), status, headers, content_type="application/json; charset=UTF-8")


def _matcher(query: str) -> Callable[[str], bool]:
    """Reddit's search as far as it is sent: words and phrases, AND, OR, NOT and parentheses."""
    tokens = re.findall(r'\(|\)|"[^"]*"|[^\s()]+', query)

    def either() -> Callable[[str], bool]:
        sides = [both()]
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            sides.append(both())
        return lambda text: any(side(text) for side in sides)

    def both() -> Callable[[str], bool]:
        parts = [one()]
        while tokens and tokens[0] not in ("OR", ")"):
            if tokens[0] == "AND":
                tokens.pop(0)
            parts.append(one())
        return lambda text: all(part(text) for part in parts)

    def one() -> Callable[[str], bool]:
        token = tokens.pop(0)
        if token == "NOT":
            inner = one()
            return lambda text: not inner(text)
        if token == "(":
            inner = either()
            assert tokens.pop(0) == ")"
            return inner
        words = _words(token.strip('"'))
        return lambda text: words in _words(text)

    return either()


def _words(text: str) -> str:
    return " " + " ".join(re.findall(r"\w+", text.lower())) + " "
