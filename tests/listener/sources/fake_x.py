"""A server that answers as X's API v2 does: recent search, counts and lookup, with its limits and its refusals."""

import json
import re
import time
import zlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from listener.http import Http
from listener.sources.x import XOptions, XSource
from listener.sources.x.posts import id_at, time_of
from listener.tools import Endpoints, Tools
from tests.listener.sources.conformance import UNTIL, Post, RemotePlatform

TOKEN = "AAAAAAAAAAAAAAAAAAAAAMLheAAAAAAA0"
_PROBLEMS = "https://api.twitter.com/2/problems"
_SEARCH = {
    "query", "max_results", "since_id", "until_id", "start_time", "end_time", "next_token", "pagination_token",
    "sort_order", "tweet.fields", "user.fields", "media.fields", "poll.fields", "place.fields", "expansions",
}  # fmt: skip
_COUNTS = {"query", "since_id", "until_id", "start_time", "end_time", "next_token", "granularity"}
_LOOKUP = {"ids", "tweet.fields", "user.fields", "expansions"}
_DEFAULT = {"id", "text", "edit_history_tweet_ids"}


class FakeX(RemotePlatform):
    """``now`` is X's own clock, from which its seven days are counted."""

    def __init__(self, httpserver: HTTPServer, http: Http) -> None:
        super().__init__(httpserver)
        self._http = http
        self.now = UNTIL + timedelta(hours=1)
        self.posts: dict[str, dict[str, Any]] = {}
        self.users: dict[str, dict[str, Any]] = {}
        self.ids: dict[str, str] = {}
        """The platform's ids by the tests' ids."""
        self.left = 450
        self.repeat_token = False
        self.hides: dict[str, str] = {}
        """Posts that are there and not shown, with the type of problem."""
        self.untold: set[str] = set()
        """Posts of which it says nothing at all when they are looked up."""
        self.empty_lookups = False
        """It says nothing of any."""
        self.dearest = False
        """Everybody has an account of their own and answers one post while they quote another: each post published
        brings along as much as a post can."""
        self._tokens: dict[str, dict[str, str]] = {}

    def source(self, **options: Any) -> XSource:
        endpoints = Endpoints(x=self.server.url_for("").rstrip("/"))
        tools = Tools(self._http, endpoints, meter=lambda *account: self.meter, timeout=5)
        return XSource(XOptions(**{"bearer_token": TOKEN, "daily_cap": 1000, **options}), tools)

    # What people do there

    def publish(self, posts: Iterable[Post]) -> None:
        for post in posts:
            if not self.dearest:
                self.ids[post.id] = self.add(post.text, post.said_at, post.author)
                continue
            before = post.said_at - timedelta(days=3)
            refers = [
                {"type": kind, "id": self.add(f"{kind} here", before, "bea")} for kind in ("replied_to", "quoted")
            ]
            author = f"{post.author}{len(self.users)}"
            self.ids[post.id] = self.add(post.text, post.said_at, author, referenced_tweets=refers)

    def add(self, text: str, at: datetime, author: str = "ana", **more: Any) -> str:
        """A post; its id."""
        post_id = str(id_at(at) + len(self.posts) % 4096)
        author_id = str(1000 + zlib.crc32(author.encode()))
        metrics = {"followers_count": 250, "following_count": 3, "tweet_count": 9, "listed_count": 0}
        self.users.setdefault(
            author_id,
            {"id": author_id, "username": author, "name": author.title(), "verified": False, "public_metrics": metrics},
        )
        post = {
            "id": post_id,
            "text": _escaped(text if len(text) <= 280 else text[:279] + "…"),
            "edit_history_tweet_ids": [post_id],
            "author_id": author_id,
            "created_at": f"{at:%Y-%m-%dT%H:%M:%S}.000Z",
            "lang": "en",
            "public_metrics": {"retweet_count": 2, "reply_count": 1, "like_count": 7, "quote_count": 0},
            "_words": text,
            **more,
        }
        if len(text) > 280:
            post["note_tweet"] = {"text": _escaped(text)}
        self.posts[post_id] = post
        return post_id

    def repost(self, original: str, at: datetime, author: str = "bea") -> str:
        said = self.posts[original]["_words"]
        by = self.users[self.posts[original]["author_id"]]["username"]
        cut = f"RT @{by}: {said}"
        cut = cut if len(cut) <= 140 else cut[:139] + "…"
        refers = [{"type": "retweeted", "id": original}]
        return self.add(cut, at, author, referenced_tweets=refers, _words=said)

    def edit(self, post_id: str, text: str, at: datetime) -> None:
        old = self.posts[self.ids[post_id]]
        by = self.users[old["author_id"]]["username"]
        new_id = self.add(text, at, by)
        chain = [*old["edit_history_tweet_ids"], new_id]
        for version in chain:
            self.posts[version]["edit_history_tweet_ids"] = chain

    def delete(self, post_id: str) -> None:
        for version in self.posts[self.ids[post_id]]["edit_history_tweet_ids"]:
            del self.posts[version]

    # What the API answers

    def answer(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _problem(401, "about:blank", "Unauthorized", "Unauthorized")
        routes: dict[str, tuple[set[str], Callable[[dict[str, str]], Response]]] = {
            "/2/tweets/search/recent": (_SEARCH, self._search),
            "/2/tweets/counts/recent": (_COUNTS, self._counts),
            "/2/tweets": (_LOOKUP, self._lookup),
        }
        if request.path not in routes or request.method != "GET":
            return Response("", 404)
        known, route = routes[request.path]
        asked = {name: request.args[name] for name in request.args}
        if strange := asked.keys() - known:
            return _invalid(f"The query parameter [{min(strange)}] is not one of [{','.join(sorted(known))}]")
        limits = {"x-rate-limit-limit": "450", "x-rate-limit-reset": str(int(time.time()) + 600)}
        if self.left <= 0:
            response = _problem(429, "about:blank", "Too Many Requests", "Too Many Requests")
        else:
            self.left -= 1
            response = route(asked)
        response.headers.update({**limits, "x-rate-limit-remaining": str(max(self.left, 0))})
        return response

    def _search(self, asked: dict[str, str]) -> Response:
        most = int(asked.get("max_results", "10"))
        if not 10 <= most <= 100:
            return _invalid(
                f"The `max_results` query parameter value [{most}] is not between 10 and 100", "max_results"
            )
        if (wrong := self._wrong(asked)) is not None:
            return wrong
        token = asked.pop("next_token", None)
        if token is not None:
            begun = self._tokens.get(token)
            if begun is None or {name: begun.get(name) for name in asked} != asked:
                return _invalid("Invalid 'next_token'", "next_token")
        found = self._found(asked)
        if token is not None:
            found = [post for post in found if int(post["id"]) < int(self._tokens[token]["_last"])]
        page = found[:most]
        meta: dict[str, Any] = {"result_count": len(page)}
        answer: dict[str, Any] = {"meta": meta}
        if page:
            answer |= self._shown(page, asked)
            meta |= {"newest_id": page[0]["id"], "oldest_id": page[-1]["id"]}
        if len(found) > most:
            token = "b26v89c19zqg8o3f" if self.repeat_token else f"b26v89c19zqg8o3f{len(self._tokens)}"
            self._tokens[token] = {**asked, "_last": page[-1]["id"]}
            meta["next_token"] = token
        return _json(answer)

    def _counts(self, asked: dict[str, str]) -> Response:
        if (wrong := self._wrong(asked)) is not None:
            return wrong
        days: dict[str, int] = {}
        for post in self._found(asked):
            day = f"{time_of(int(post['id'])):%Y-%m-%dT00:00:00.000Z}"
            days[day] = days.get(day, 0) + 1
        data = [{"start": day, "end": day, "tweet_count": count} for day, count in sorted(days.items())]
        return _json({"data": data, "meta": {"total_tweet_count": sum(days.values())}})

    def _lookup(self, asked: dict[str, str]) -> Response:
        ids = asked["ids"].split(",")
        if len(ids) > 100:
            return _invalid(f"The number of values in the `ids` query parameter list [{len(ids)}] is not 100", "ids")
        ids = [one for one in ids if one not in self.untold and not self.empty_lookups]
        if not ids:
            return _json({"data": []})
        there = [self.posts[one] for one in ids if one in self.posts and one not in self.hides]
        answer: dict[str, Any] = self._shown(there, asked) if there else {}
        errors = [self._missing(one, "ids") for one in ids if one not in self.posts or one in self.hides]
        if errors:
            answer["errors"] = errors + answer.get("errors", [])
        return _json(answer)

    def _wrong(self, asked: dict[str, str]) -> Response | None:
        if len(asked["query"]) > 512:
            return _invalid(f"There were errors processing your request: Rule length {len(asked['query'])}", "query")
        by_id, by_time = asked.keys() & {"since_id", "until_id"}, asked.keys() & {"start_time", "end_time"}
        if by_id and by_time:
            return _invalid(
                "Invalid use of 'since_id' or 'until_id' in conjunction with 'start_time' or 'end_time'.", min(by_id)
            )
        earliest = self.now - timedelta(days=7)
        since = asked.get("since_id")
        if since is not None and int(since) <= id_at(earliest):
            return _invalid(
                f"'since_id' must be a tweet id created after {earliest:%Y-%m-%dT%H:%MZ}. Please use a 'since_id' that "
                f"is larger than {id_at(earliest)}",
                "since_id",
                since,
            )
        return None

    def _found(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        above, below = (
            int(asked.get("since_id", id_at(self.now - timedelta(days=7)))),
            int(asked.get("until_id", 1 << 63)),
        )
        fits = _matcher(asked["query"])
        found = [
            post
            for post in self.posts.values()
            if above < int(post["id"]) < below and post["edit_history_tweet_ids"][-1] == post["id"] and fits(post)
        ]
        return sorted(found, key=lambda post: int(post["id"]), reverse=True)

    def _shown(self, posts: list[dict[str, Any]], asked: dict[str, str]) -> dict[str, Any]:
        fields = _DEFAULT | set(filter(None, asked.get("tweet.fields", "").split(",")))
        user_fields = {"id", "name", "username"} | set(filter(None, asked.get("user.fields", "").split(",")))
        expansions = set(filter(None, asked.get("expansions", "").split(",")))
        answer: dict[str, Any] = {"data": [_only(post, fields) for post in posts]}
        includes: dict[str, Any] = {}
        if "author_id" in expansions:
            authors = dict.fromkeys(post["author_id"] for post in posts)
            includes["users"] = [_only(self.users[one], user_fields) for one in authors if one in self.users]
        if "referenced_tweets.id" in expansions:
            refers = dict.fromkeys(one["id"] for post in posts for one in post.get("referenced_tweets", ()))
            includes["tweets"] = [_only(self.posts[one], fields) for one in refers if one in self.posts]
            missing = [self._missing(one, "referenced_tweets.id") for one in refers if one not in self.posts]
            if missing:
                answer["errors"] = missing
        if any(includes.values()):
            answer["includes"] = {name: value for name, value in includes.items() if value}
        return answer

    def _missing(self, post_id: str, parameter: str) -> dict[str, str]:
        kind = self.hides.get(post_id, "resource-not-found")
        return {
            "value": post_id,
            "detail": f"Could not find tweet with {parameter}: [{post_id}].",
            "title": "Not Found Error",
            "resource_type": "tweet",
            "parameter": parameter,
            "resource_id": post_id,
            "type": f"{_PROBLEMS}/{kind}",
        }


def _only(thing: dict[str, Any], fields: set[str]) -> dict[str, Any]:
    return {name: value for name, value in thing.items() if name in fields}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _json(data: Any, status: int = 200) -> Response:
    # X writes UTF-8, and half a character could not be posted there.
    text = json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")
    return Response(text, status, content_type="application/json; charset=utf-8")


def _problem(status: int, kind: str, title: str, detail: str, **more: Any) -> Response:
    return _json({"title": title, "type": kind, "status": status, "detail": detail, **more}, status)


def _invalid(message: str, parameter: str = "query", value: str = "") -> Response:
    errors = [{"parameters": {parameter: [value]}, "message": message}]
    detail = "One or more parameters to your request was invalid."
    return _json({"errors": errors, "title": "Invalid Request", "detail": detail,
                  "type": f"{_PROBLEMS}/invalid-request"}, 400)  # fmt: skip


def _matcher(query: str) -> Callable[[dict[str, Any]], bool]:
    """X's query language as far as it is sent: words, phrases, OR before nothing, AND by a space, "-", parentheses."""
    tokens = re.findall(r'-?\(|\)|-?"[^"]*"|[^\s()]+', query)

    def either() -> Callable[[dict[str, Any]], bool]:
        sides = [both()]
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            sides.append(both())
        return lambda post: any(side(post) for side in sides)

    def both() -> Callable[[dict[str, Any]], bool]:
        parts = []
        while tokens and tokens[0] not in ("OR", ")"):
            parts.append(one(tokens.pop(0)))
        return lambda post: all(part(post) for part in parts)

    def one(token: str) -> Callable[[dict[str, Any]], bool]:
        negated, token = token.startswith("-"), token.removeprefix("-")
        if token == "(":
            test = either()
            assert tokens.pop(0) == ")"
        elif token == "is:retweet":
            test = _is_repost
        else:
            words = _words(token.strip('"'))
            test = lambda post: words in _words(post["_words"])  # noqa: E731
        return (lambda post: not test(post)) if negated else test

    return either()


def _is_repost(post: dict[str, Any]) -> bool:
    return any(one["type"] == "retweeted" for one in post.get("referenced_tweets", ()))


def _words(text: str) -> str:
    return " " + " ".join(re.findall(r"[\w#@]+", text.lower())) + " "


def at(moment: str) -> datetime:
    """A time of day on the first of May, in UTC."""
    return datetime.fromisoformat(f"2026-05-01T{moment}").replace(tzinfo=UTC)
