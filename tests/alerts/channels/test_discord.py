"""Discord, as docs.discord.com describes its webhooks: execute, edit, embeds, rate limits."""

import json
import re
import threading
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alerts.channel import ChannelSetupError, Mode, TryLater, Undeliverable
from alerts.channels.discord import DiscordOptions, DiscordWebhook
from alerts.discord.message import characters
from alerts.notice import NoticeKind
from alerts.reasons import Reason
from alerts.text import size

from .conformance import (
    PNG,
    HttpContract,
    HttpFarEnd,
    assert_tame,
    failure,
    full_notice,
    strings,
)

TOKEN = "s3cretTokenOfTheWebhook-_"
PATH = f"/api/webhooks/112233445566/{TOKEN}"

_ESCAPE = re.compile(r"\\[^0-9A-Za-z\s]")
_LINK = re.compile(r"\[[^\[\]()\\]*\]\(https?://[^\s()\\]+\)")


class FakeDiscord(HttpFarEnd):
    secrets = (TOKEN,)
    path = PATH

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.messages: dict[str, dict[str, Any]] = {}
        self.lock = threading.Lock()

    def at(self, base: str, **options: Any) -> DiscordWebhook:
        return DiscordWebhook.from_options("team", DiscordOptions(url=base + PATH, **{"timeout": 5.0, **options}))

    def taken(self, request: Request) -> Response:
        """The rules of the two calls; what is wrong is refused as Discord refuses it."""
        multipart = (request.content_type or "").startswith("multipart/form-data")
        body = json.loads(request.form["payload_json"]) if multipart else request.get_json()
        files = {name: (file.filename, file.read()) for name, file in request.files.items()}
        named = [f"attachment://{one['filename']}" for one in body["attachments"]]
        wanted = [embed["image"]["url"] for embed in body["embeds"] if "image" in embed]
        if wanted != named or [name for name, _ in files.values()] != [one["filename"] for one in body["attachments"]]:
            return refusal(400, 50035, "Invalid Form Body")
        message = {"body": body, "files": files}
        base = urlsplit(PATH).path
        with self.lock:
            if request.method == "POST" and request.path == base and request.args.get("wait") == "true":
                sent = str(9_000_000 + len(self.messages))
            elif request.method == "PATCH" and (found := re.fullmatch(base + r"/messages/(\d+)", request.path)):
                sent = found[1]
                if sent not in self.messages:
                    return refusal(404, 10008, "Unknown Message")
            else:
                return refusal(405, 0, "405: Method Not Allowed")
            self.messages[sent] = message
        return Response(json.dumps({"id": sent, "channel_id": "5", "content": body["content"]}), 200)

    def received(self) -> list[Any]:
        return list(self.messages.values())

    def words(self, message: Any) -> str:
        return _ESCAPE.sub(lambda found: found[0][1], "\n".join(strings(message["body"])))

    def assert_inert(self, message: Any) -> None:
        body = message["body"]
        assert body["allowed_mentions"] == {"parse": []}
        assert body.keys() == {"content", "embeds", "allowed_mentions", "attachments"}
        assert_plain(body["content"].removeprefix("**").removesuffix("**"))
        for embed in body["embeds"]:
            assert embed.keys() <= {"title", "description", "color", "fields", "footer", "timestamp", "image"}
            fields = [field[part] for field in embed.get("fields", []) for part in ("name", "value")]
            for text in (embed.get("title", ""), embed.get("description", ""), *fields):
                assert_plain(text)

    def assert_within_limits(self, message: Any) -> None:
        body = message["body"]
        assert size(body["content"]) <= 2_000
        assert 1 <= len(body["embeds"]) <= 10
        assert sum(characters(embed) for embed in body["embeds"]) <= 6_000
        for embed in body["embeds"]:
            assert size(embed.get("title", "")) <= 256
            assert size(embed.get("description", "")) <= 4_096
            assert size(embed.get("footer", {}).get("text", "")) <= 2_048
            fields = embed.get("fields", [])
            assert len(fields) <= 25
            assert all(0 < size(field["name"].strip()) <= 256 for field in fields)
            assert all(0 < size(field["value"].strip()) <= 1_024 for field in fields)
        assert sum(len(content) for _, content in message["files"].values()) <= 10 * 1024 * 1024
        assert all(size(one["description"]) <= 1_024 for one in body["attachments"])


def assert_plain(text: str) -> None:
    """As Discord reads it: past escapes and our own links, nothing is left that could begin something."""
    assert_tame(text)
    bare = _LINK.sub("", _ESCAPE.sub("", text))
    bare = re.sub(r"^> ", "", bare, flags=re.MULTILINE)
    assert not re.search(r"[*_~`|<>\[\]#\\]|@everyone|@here|https?:|^\s*(?:[-+]\s|\d+\.)", bare, re.MULTILINE)


def refusal(status: int, code: int, message: str, **more: Any) -> Response:
    return Response(json.dumps({"code": code, "message": message, **more}), status, content_type="application/json")


class TestDiscord(HttpContract):
    @pytest.fixture
    def far_end(self, httpserver: HTTPServer) -> FakeDiscord:
        return FakeDiscord(httpserver)

    def test_charts_go_along_and_are_shown(self, far_end, a_notice):
        notice = full_notice(a_notice, charts=full_notice(a_notice).charts * 2)
        far_end.channel().send(notice)
        [message] = far_end.received()
        assert [content for _, content in message["files"].values()] == [PNG, PNG]
        assert [embed["image"]["url"] for embed in message["body"]["embeds"]] == [
            "attachment://chart-1.png", "attachment://chart-2.png",
        ]  # fmt: skip
        assert message["body"]["attachments"][0]["description"] == "31 mentions at 11:00, usually 4"

    def test_an_update_takes_away_the_charts_that_it_does_not_have(self, far_end, a_notice):
        channel = far_end.channel()
        ref = channel.send(full_notice(a_notice)).ref
        channel.send(a_notice(kind=NoticeKind.UPDATED), Mode.UPDATE, ref)
        [message] = far_end.received()
        assert message["body"]["attachments"] == []

    def test_a_message_that_was_deleted_says_so_and_the_channel_stays_on(self, far_end, a_notice):
        with pytest.raises(Undeliverable, match="deleted in Discord") as caught:
            far_end.channel().send(a_notice(), Mode.UPDATE, "404404")
        assert (caught.value.reason, caught.value.disables_channel) == (Reason.MESSAGE_GONE, False)

    def test_a_ref_that_is_none_of_discords_becomes_no_path(self, far_end, a_notice):
        far_end.channel().send(a_notice(), Mode.UPDATE, "1/../../2")
        assert [request.path for request in far_end.requests()] == [PATH]

    def test_the_wait_that_discord_asks_for_is_exact(self, far_end, a_notice):
        far_end.answers = [refusal(429, 0, "You are being rate limited.", retry_after=0.564, **{"global": False})]
        assert failure(TryLater, far_end, a_notice).after == 0.564

    @pytest.mark.parametrize("asked", ["NaN", '"soon"', "null", "true"])
    def test_a_wait_that_makes_no_sense_is_the_headers(self, far_end, a_notice, asked):
        far_end.answers = [Response(f'{{"retry_after": {asked}}}', 429, {"Retry-After": "3"})]
        assert failure(TryLater, far_end, a_notice).after == 3.0

    def test_taken_by_something_that_gives_no_id(self, far_end, a_notice):
        far_end.answers = [Response("", 204)]
        receipt = far_end.channel().send(a_notice())
        assert (receipt.ref, "204" in receipt.detail) == (None, True)

    def test_a_post_in_a_forum_goes_there(self, far_end, a_notice):
        base = far_end.server.url_for("").rstrip("/")
        channel = DiscordWebhook("team", base + PATH + "?thread_id=77")
        channel.send(a_notice(), Mode.UPDATE, channel.send(a_notice()).ref)
        assert [request.query_string for request in far_end.requests()] == [b"thread_id=77&wait=true", b"thread_id=77"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "got nothing"),
        ("discord.com/api/webhooks/1/x", "does not start with https://"),
        ("http://discord.com" + PATH, "it takes https://"),
        ("https://discord.com/api/webhooks/1", "another path"),
        ("https://discord.com/channels/1/2", "another path"),
        ("https://discord.com" + PATH + "?wait=false", "only thread_id="),
        ("https://user@discord.com" + PATH, "user name in it"),
        ("https://discord.com" + PATH + " x", "spaces"),
        ("https://[discord" + PATH, "makes no sense"),
        ("https://discord.com" + PATH + "#x", "a # in it"),
    ],
)
def test_what_is_no_webhook_is_refused_in_words_without_the_secret(url, words):
    with pytest.raises(ChannelSetupError, match=re.escape(words)) as caught:
        DiscordWebhook("team", url)
    assert TOKEN not in str(caught.value)
