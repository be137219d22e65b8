"""A server that answers as Slack's Web API does: messages with metadata, threads, changes, limits and refusals; and
that says what Slack says when somebody presses a button.

docs.slack.dev/reference/methods, /reference/block-kit, /apis/web-api/rate-limits, /interactivity.
"""

import hashlib
import hmac
import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlencode

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

TOKEN = "xoxb-000000000000-000000000000-s3cretpartofthetoken"
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TEAM = "T0ESCUCHA"
CHANNEL = "C0ALERTS01"
ANA, BEN = ("U0ANA0001", "ana"), ("U0BEN0002", "ben")

_ARGUMENTS = {
    "chat.postMessage": {"channel", "text", "blocks", "metadata", "thread_ts", "reply_broadcast", "unfurl_links",
                         "unfurl_media"},
    "chat.update": {"channel", "ts", "text", "blocks", "metadata"},
    "conversations.history": {"channel", "oldest", "latest", "limit", "cursor", "include_all_metadata", "inclusive"},
    "conversations.replies": {"channel", "ts", "oldest", "latest", "limit", "cursor", "include_all_metadata",
                              "inclusive"},
    "auth.test": set(),
    "users.info": {"user"},
}  # fmt: skip
_SCOPES = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
    "users.info": "users:read",
}


@dataclass
class Room:
    """A channel as Slack keeps it; ``messages`` oldest first, replies among them."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    archived: bool = False
    joined: bool = True
    free_at: float = 0.0


@dataclass(frozen=True)
class Trouble:
    """What one call comes to instead. ``taken``: the server did what was asked, and only its answer is wrong."""

    status: int = 200
    error: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    taken: bool = False


class FakeSlack:
    """``clock`` gives seconds since 1970; ``limited``: one message a second and channel, as Slack lets through.
    ``serves``: it answers by itself; else somebody asks it for its ``answer``."""

    def __init__(
        self, server: HTTPServer, clock: Callable[[], float] = time.time, *, limited: bool = False, serves: bool = True
    ) -> None:
        self._clock = clock
        self._limited = limited
        self._number = count(1)
        self.rooms = {CHANNEL: Room()}
        self.scopes = set(_SCOPES.values())
        self.token = TOKEN
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.troubles: deque[tuple[str, Trouble]] = deque()
        self.told: list[dict[str, Any]] = []
        """What was said to people who pressed a button, by their own address."""
        self.told_trouble: deque[Response] = deque()
        self.base_url = server.url_for("/api/")
        self._response_url = server.url_for("/actions/T0ESCUCHA/1/s3cretaddress")
        if not serves:
            return
        server.expect_request(re.compile(r"/api/[a-z.A-Z]+"), method="POST").respond_with_handler(self.answer)
        server.expect_request(re.compile(r"/actions/.*"), method="POST").respond_with_handler(self._take_answer)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Of the usual channel."""
        return self.rooms[CHANNEL].messages

    def called(self, method: str) -> list[dict[str, Any]]:
        """What a method was called with."""
        return [arguments for name, arguments in self.calls if name == method]

    def trouble(self, method: str, **what: Any) -> None:
        """The next call of the method comes to this."""
        self.troubles.append((method, Trouble(**what)))

    def delete(self, ts: str) -> None:
        """A person deletes a message."""
        for room in self.rooms.values():
            room.messages[:] = [one for one in room.messages if one["ts"] != ts]

    # What people do

    def press(
        self, message: Mapping[str, Any], action: str, user: tuple[str, str] = ANA, *, choice: str | None = None,
        team: str = TEAM,
    ) -> dict[str, Any]:  # fmt: skip
        """What Slack says when somebody presses a button of the message, or takes a choice."""
        elements = [element for block in message["blocks"] for element in block.get("elements", [])]
        [element] = [one for one in elements if one.get("action_id") == f"escucha:{action}"]
        pressed = {"action_id": element["action_id"], "type": element["type"], "action_ts": self._ts()}
        if choice is None:
            pressed |= {"value": element["value"], "text": element["text"]}
        else:
            [option] = [one for one in element["options"] if one["value"].endswith(f":{choice}")]
            pressed |= {"selected_option": option}
        return {
            "type": "block_actions",
            "user": {"id": user[0], "username": user[1], "name": user[1], "team_id": team},
            "api_app_id": "A0ESCUCHA",
            "token": "verification-token-of-old",
            "container": {"type": "message", "message_ts": message["ts"], "channel_id": CHANNEL},
            "trigger_id": "1.2.3",
            "team": {"id": TEAM, "domain": "escucha"},
            "channel": {"id": CHANNEL, "name": "alerts"},
            "message": dict(message),
            "response_url": self._response_url,
            "actions": [pressed],
        }

    # What Slack does

    def _ts(self) -> str:
        return f"{self._clock():.0f}.{next(self._number):06d}"

    def _take_answer(self, request: Request) -> Response:
        if self.told_trouble:
            return self.told_trouble.popleft()
        self.told.append(request.get_json())
        return Response("ok")

    def answer(self, request: Request) -> Response:
        """What Slack answers to a call."""
        method = request.path.removeprefix("/api/")
        arguments = _read(request)
        self.calls.append((method, arguments))
        trouble = None
        if self.troubles and self.troubles[0][0] == method:
            trouble = self.troubles.popleft()[1]
            if not trouble.taken:
                return _troubled(trouble)
        answer = self._refusal(request, method, arguments) or self._done(method, arguments)
        if trouble is not None:
            return _troubled(trouble)
        headers = {}
        if wait := answer.pop("retry_after", None):
            headers["Retry-After"] = str(wait)
        return Response(json.dumps(answer), 429 if headers else 200, headers, content_type="application/json")

    def _refusal(self, request: Request, method: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        given = request.headers.get("Authorization", "")
        if not given:
            return _no("not_authed")
        if given != f"Bearer {self.token}":
            return _no("invalid_auth")
        if (scope := _SCOPES.get(method)) and scope not in self.scopes:
            return _no("missing_scope", needed=scope, provided=",".join(sorted(self.scopes)))
        if unknown := arguments.keys() - _ARGUMENTS[method]:
            return _no("invalid_arguments", response_metadata={"messages": sorted(unknown)})
        return None

    def _done(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if method == "auth.test":
            return {"ok": True, "team_id": TEAM, "user_id": "U0BOT", "bot_id": "B0BOT", "url": "https://x.slack.com/"}
        if method == "users.info":
            return {"ok": True, "user": {"id": arguments["user"], "name": "ana", "real_name": "Ana"}}
        room = self.rooms.get(arguments.get("channel", ""))
        if room is None:
            return _no("channel_not_found")
        if method == "chat.postMessage":
            return self._post(room, arguments)
        if method == "chat.update":
            return self._update(room, arguments)
        if not room.joined:
            return _no("not_in_channel")
        if method == "conversations.replies":
            parent = arguments.get("ts")
            if not any(one["ts"] == parent for one in room.messages):
                return _no("thread_not_found")
            found = [one for one in room.messages if parent in (one["ts"], one.get("thread_ts"))]
        else:
            found = [one for one in reversed(room.messages) if _in_channel(one)]
        return self._page(found, arguments)

    def _post(self, room: Room, arguments: dict[str, Any]) -> dict[str, Any]:
        if not room.joined:
            return _no("not_in_channel")
        if room.archived:
            return _no("is_archived")
        if problem := problem_with(arguments):
            return _no(problem)
        thread = arguments.get("thread_ts")
        if thread is not None and not any(one["ts"] == thread for one in room.messages):
            return _no("thread_not_found")
        now = self._clock()
        if self._limited:
            if now < room.free_at:
                return _no("ratelimited") | {"retry_after": max(1, round(room.free_at - now))}
            room.free_at = now + 1
        message = {"type": "message", "ts": self._ts(), "bot_id": "B0BOT"} | {
            name: arguments[name] for name in ("text", "blocks", "metadata") if name in arguments
        }
        if thread is not None:
            message["thread_ts"] = thread
            if arguments.get("reply_broadcast"):
                message["subtype"] = "thread_broadcast"
        room.messages.append(message)
        return {"ok": True, "channel": arguments["channel"], "ts": message["ts"], "message": message}

    def _update(self, room: Room, arguments: dict[str, Any]) -> dict[str, Any]:
        found = [one for one in room.messages if one["ts"] == arguments.get("ts")]
        if not found:
            return _no("message_not_found")
        if found[0]["bot_id"] != "B0BOT":
            return _no("cant_update_message")
        if problem := problem_with(arguments):
            return _no(problem)
        found[0].update({name: arguments[name] for name in ("text", "blocks", "metadata") if name in arguments})
        found[0]["edited"] = {"ts": self._ts()}
        return {"ok": True, "channel": arguments["channel"], "ts": found[0]["ts"], "text": found[0]["text"]}

    def _page(self, found: list[dict[str, Any]], arguments: dict[str, Any]) -> dict[str, Any]:
        oldest = float(arguments.get("oldest", 0))
        found = [one for one in found if float(one["ts"]) > oldest]
        start = int(arguments.get("cursor") or 0)
        end = start + min(int(arguments.get("limit", 100)), 999)
        shown = found[start:end]
        if str(arguments.get("include_all_metadata")) not in ("1", "True", "true"):
            shown = [{name: value for name, value in one.items() if name != "metadata"} for one in shown]
        more = end < len(found)
        cursor = {"response_metadata": {"next_cursor": str(end)}} if more else {}
        return {"ok": True, "messages": shown, "has_more": more} | cursor


def signed(
    payload: Mapping[str, Any] | str | bytes, at: datetime, secret: str = SIGNING_SECRET
) -> tuple[dict[str, str], bytes]:
    """The headers and body of Slack's request about an interaction, made at this time."""
    if isinstance(payload, bytes):
        body = payload
    else:
        written = payload if isinstance(payload, str) else json.dumps(payload)
        body = urlencode({"payload": written}).encode()
    timestamp = str(int(at.timestamp()))
    mac = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={mac}",
    }
    return headers, body


def _read(request: Request) -> dict[str, Any]:
    if request.is_json:
        read = request.get_json()
        assert isinstance(read, dict)
        return read
    return {name: values[0] for name, values in parse_qs(request.get_data(as_text=True)).items()}


def _troubled(trouble: Trouble) -> Response:
    body = trouble.body
    if body is None:
        body = json.dumps(_no(trouble.error)) if trouble.error else ""
    return Response(body, trouble.status, dict(trouble.headers), content_type="application/json")


def _no(error: str | None, **more: Any) -> dict[str, Any]:
    return {"ok": False, "error": error} | more


def _in_channel(message: Mapping[str, Any]) -> bool:
    """Replies do not stand in a channel's history, unless they were sent to the channel too."""
    return "thread_ts" not in message or message.get("subtype") == "thread_broadcast"


def problem_with(arguments: Mapping[str, Any]) -> str | None:
    """Slack's word for what is wrong with a message."""
    if not arguments.get("text") and not arguments.get("blocks"):
        return "no_text"
    if len(arguments.get("text", "")) > 40_000:
        return "msg_too_long"
    blocks = arguments.get("blocks", [])
    if len(blocks) > 50 or not all(_sound(block) for block in blocks):
        return "invalid_blocks"
    if len(json.dumps(blocks, ensure_ascii=False)) > 13_200:
        return "msg_blocks_too_long"
    metadata = arguments.get("metadata")
    if metadata is not None and not (metadata.keys() == {"event_type", "event_payload"} and metadata["event_type"]):
        return "invalid_metadata_format"
    return None


def _sound(block: Mapping[str, Any]) -> bool:
    match block["type"]:
        case "header":
            return _text(block["text"], 150, "plain_text")
        case "section":
            fields = block.get("fields", [])
            whole = "text" in block or bool(fields)
            return whole and len(fields) <= 10 and all(_text(one, 2_000) for one in fields) and (
                "text" not in block or _text(block["text"], 3_000)
            )  # fmt: skip
        case "context":
            return 0 < len(block["elements"]) <= 10 and all(_text(one, 3_000) for one in block["elements"])
        case "actions":
            ids = [one["action_id"] for one in block["elements"]]
            return 0 < len(ids) <= 25 and len(set(ids)) == len(ids) and all(_control(one) for one in block["elements"])
        case _:
            return False


def _control(element: Mapping[str, Any]) -> bool:
    if len(element["action_id"]) > 255:
        return False
    if element["type"] == "button":
        return _text(element["text"], 75, "plain_text") and len(element["value"]) <= 2_000
    return _text(element["placeholder"], 150, "plain_text") and all(
        _text(one["text"], 75, "plain_text") and len(one["value"]) <= 75 for one in element["options"]
    )


def _text(item: Mapping[str, Any], limit: int, kind: str | None = None) -> bool:
    return 0 < len(item["text"]) <= limit and (kind is None or item["type"] == kind)


_LINK = re.compile(r"<(?P<url>https?://[^|<>\s]+)\|[^<>]*>")


def assert_inert(message: Mapping[str, Any]) -> None:
    """No text in it acts but by the links that we write: everything else is shown as it stands."""
    for text, kind in [(message["text"], "fallback"), *_texts(message.get("blocks", []))]:
        left = _LINK.sub("", text)
        assert not [url for url in _LINK.findall(text) if "@" in url.partition("//")[2].partition("/")[0]]
        if kind == "plain_text" and "<" in left:
            # Labels of buttons are ours.
            continue
        assert "<" not in left
        assert not re.search(r"^(?!> )[^\n]*>|`|~|:[\w+'-]+:", left, re.MULTILINE), left


def _texts(blocks: Any) -> Iterator[tuple[str, str]]:
    if isinstance(blocks, dict) and isinstance(blocks.get("text"), str):
        assert blocks["type"] == "plain_text" or blocks["verbatim"] is True, "Slack makes links of what looks like one"
        yield blocks["text"], blocks["type"]
    for inner in blocks.values() if isinstance(blocks, dict) else blocks if isinstance(blocks, list) else ():
        yield from _texts(inner)
