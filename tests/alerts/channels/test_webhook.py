"""The webhook of one's own: its schema, and signatures checked as Standard Webhooks' own libraries check them."""

import base64
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alerts.channel import ChannelSetupError, Mode
from alerts.channels.webhook import Webhook, WebhookOptions
from alerts.notice import NoticeKind
from alerts.webhook.payload import MESSAGE_LIMIT
from alerts.webhook.signature import key_of, signed

from .conformance import PNG, HttpContract, HttpFarEnd, assert_tame, full_notice, strings

SCHEMA = json.loads(Path(__file__).parents[3].joinpath("docs", "webhook.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())

PATH = "/hooks/s3cretpath"
KEY = bytes(range(32))
OLD_KEY = bytes(range(1, 33))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OLD_SECRET = "whsec_" + base64.b64encode(OLD_KEY).decode()
TOKEN = "Bearer s3crettoken"

SENT_AT = datetime(2026, 11, 21, 13, 30, tzinfo=UTC)


def verified(request: Request, key: bytes, now: datetime) -> bool:
    """As the specification has receivers check it: the time first, then any of the signatures."""
    sent = int(request.headers["webhook-timestamp"])
    if abs(now.timestamp() - sent) > 300:
        return False
    content = b".".join((request.headers["webhook-id"].encode(), str(sent).encode(), request.get_data()))
    wanted = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    given = [one.partition(",") for one in request.headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(mac, wanted) for version, _, mac in given)


class Receiver(HttpFarEnd):
    secrets = (SECRET, SECRET.removeprefix("whsec_"), "s3cretpath", "s3crettoken")
    disabling = frozenset({401, 410})
    pages = True

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.bodies: list[Any] = []

    def at(self, base: str, **options: Any) -> Webhook:
        given: dict[str, Any] = {"secret": SECRET, "headers": {"Authorization": TOKEN}, "timeout": 5.0, **options}
        return Webhook.from_options("team", WebhookOptions(url=base + PATH, **given), lambda: SENT_AT)

    def taken(self, request: Request) -> Response:
        if not verified(request, KEY, SENT_AT) or request.headers.get("Authorization") != TOKEN:
            return Response("no", 401)
        assert len(request.get_data()) <= MESSAGE_LIMIT
        self.bodies.append(request.get_json())
        return Response(f"Thanks for {self.bodies[-1]['key']}", 204 if len(self.bodies) % 2 else 201)

    def received(self) -> list[Any]:
        return self.bodies

    def words(self, message: Any) -> str:
        return "\n".join(strings(message))

    def assert_inert(self, message: Any) -> None:
        VALIDATOR.validate(message)
        for quoted in message["quotes"]:
            assert quoted["url"] is None or re.match(r"https?://[^\s\"<>@]+$", quoted["url"])
        for text in strings({**message, "key": ""}):
            assert_tame(text)
        expected = {"webhook-id", "webhook-timestamp", "webhook-signature", "authorization", "content-type"}
        for request in self.requests():
            ours = {name.lower() for name in request.headers.keys()}  # noqa: SIM118 - werkzeug's headers are pairs
            assert expected <= ours <= expected | {
                "host", "accept", "accept-encoding", "connection", "user-agent", "content-length",
            }  # fmt: skip

    def assert_within_limits(self, message: Any) -> None:
        VALIDATOR.validate(message)


class TestWebhook(HttpContract):
    @pytest.fixture
    def far_end(self, httpserver: HTTPServer) -> Receiver:
        return Receiver(httpserver)

    def test_the_id_is_the_notices_and_the_time_that_of_sending(self, far_end, a_notice):
        far_end.channel().send(a_notice())
        far_end.channel().send(a_notice())
        first, again = far_end.requests()
        assert first.headers["webhook-id"] == again.headers["webhook-id"] == "detractor-opened-0123456789abcdef"
        assert first.headers["webhook-timestamp"] == str(int(SENT_AT.timestamp()))
        assert not verified(first, KEY, SENT_AT + timedelta(minutes=6))
        assert not verified(first, OLD_KEY, SENT_AT)

    def test_while_the_secret_is_changed_both_are_good(self, far_end, a_notice):
        far_end.at(far_end.server.url_for("").rstrip("/"), old_secret=OLD_SECRET).send(a_notice())
        [request] = far_end.requests()
        assert verified(request, KEY, SENT_AT)
        assert verified(request, OLD_KEY, SENT_AT)

    def test_without_a_secret_there_is_no_signature(self, httpserver, a_notice):
        httpserver.expect_request(PATH).respond_with_data("ok")
        Webhook.from_options("team", WebhookOptions(url=httpserver.url_for(PATH)), lambda: SENT_AT).send(a_notice())
        [(request, _)] = httpserver.log
        assert "webhook-signature" not in request.headers
        assert request.headers["webhook-id"]

    @pytest.mark.parametrize("kind", NoticeKind)
    @pytest.mark.parametrize("mode", Mode)
    def test_what_is_sent_is_as_the_schema_says(self, far_end, a_notice, kind, mode):
        for notice in (full_notice(a_notice, kind), full_notice(a_notice, kind, about=None, quotes=(), charts=())):
            far_end.channel().send(notice, mode, "x")
        for body in far_end.received():
            VALIDATOR.validate(body)
            assert (body["kind"], body["mode"]) == (kind.value, mode.value)

    def test_the_schema_names_everything_there_is(self, far_end, a_notice):
        far_end.channel().send(full_notice(a_notice))
        [body] = far_end.received()
        assert body.keys() == SCHEMA["properties"].keys()
        for part in ("facts", "quotes", "sections", "links", "charts"):
            assert body[part][0].keys() == SCHEMA["properties"][part]["items"]["properties"].keys()
        assert body["incident"].keys() == SCHEMA["properties"]["incident"]["properties"].keys()
        assert set(SCHEMA["properties"]["kind"]["enum"]) == {kind.value for kind in NoticeKind}
        assert base64.b64decode(body["charts"][0]["base64"]) == PNG

    def test_pictures_go_before_words_do(self, far_end, a_notice):
        one = full_notice(a_notice).charts[0]
        large = type(one)(one.name, one.alt, base64.b64encode(PNG + bytes(900_000)).decode())
        far_end.channel().send(full_notice(a_notice, charts=(large,)))
        [body] = far_end.received()
        assert body["charts"][0]["base64"] is None
        assert body["charts"][0]["alt"] == "31 mentions at 11:00, usually 4"
        assert body["quotes"][0]["text"] == "Aeroluz lost my bag again"


def test_a_signature_is_the_specifications_own_example():
    """The example of the specification's reference libraries (standard-webhooks, libraries/python/tests)."""
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signed([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", ["", "whsec_", "s3cretpath", "whsec_" + "A" * 30, "whsec_" + "A" * 400, "whsec_ñ"])
def test_a_secret_that_is_none_is_refused_without_being_shown(secret):
    with pytest.raises(ChannelSetupError, match="openssl rand") as caught:
        key_of(secret)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "headers",
    [{"X\r\nY": "s3cret"}, {"X": "s3cret\r\nY: z"}, {"X": ""}, {"X": " s3cret"}, {"X": "s3crét"},
     {"Webhook-Signature": "s3cret"}, {"Content-Type": "s3cret"}, {"host": "s3cret"}, {"": "s3cret"}],
)  # fmt: skip
def test_headers_that_cannot_be_sent_are_refused_without_being_shown(headers):
    with pytest.raises(ValidationError) as caught:
        WebhookOptions(url="https://example.com/x", headers=headers)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://example.com/x", True), ("http://localhost:8080/x", True), ("http://127.0.0.1/x", True),
        ("http://10.1.2.3/x", True), ("http://[::1]/x", True), ("http://receiver:8080/x", True),
        ("http://hooks.corp.internal/x", True), ("http://example.com/x", False), ("http://8.8.8.8/x", False),
        ("http://example.com./x", False), ("ftp://example.com/x", False), ("https:///x", False),
    ],
)  # fmt: skip
def test_plain_http_is_for_ones_own_network(url, good):
    def build(**options: Any) -> Webhook:
        return Webhook.from_options("team", WebhookOptions(url=url, **options), lambda: SENT_AT)

    if good:
        build()
        return
    with pytest.raises(ChannelSetupError):
        build()
    if url.startswith("http://"):
        build(plain_http=True)
