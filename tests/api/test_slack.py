"""What Slack says when a button is pressed, over real sockets: who is believed, what is kept, what is answered."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import text
from sqlmodel import select
from structlog.testing import capture_logs

from alerts.notice import for_test
from alerts.policy import Policy
from alerts.slack.feedback import Outcome
from alerts.slack.press import MalformedError, read_press
from alerts.slack.signature import SigningSecret
from api.routes import slack as route
from api.wiring import build_channels, build_signing
from listener.config import ConfigError, Settings
from listener.config_entries import ConfigFile
from listener.jobs.interact import interact_next
from listener.store.engine import Store
from listener.store.tables import Interaction
from tests.alerts.slack.fake_slack import SIGNING_SECRET, TEAM, TOKEN, FakeSlack, signed
from tests.listener.conftest import together

from .conftest import House, Served

PATH = "/api/v1/slack/team/interactions"


def a_press(**changes: Any) -> dict[str, Any]:
    press = {
        "type": "block_actions",
        "user": {"id": "U1", "username": "ana", "name": "ana", "team_id": TEAM},
        "team": {"id": TEAM, "domain": "escucha"},
        "message": {"text": "what a stranger said"},
        "response_url": "https://hooks.slack.com/actions/T0/1/s3cret",
        "actions": [{"action_id": "escucha:acknowledge", "value": "1:1:en", "type": "button"}],
    }
    return press | changes


class Ear(Served):
    """A served installation that hears Slack, and Slack's side of it."""

    @property
    def store(self) -> Store:
        return self.house.store

    def hear(
        self, payload: Any, *, age: float = 0, secret: str = SIGNING_SECRET, path: str = PATH,
        sent: tuple[dict[str, str], bytes] | None = None, **headers: str,
    ) -> httpx2.Response:  # fmt: skip
        made, body = sent or signed(payload, datetime.now(UTC) - timedelta(seconds=age), secret)
        return httpx2.post(self.url + path, content=body, headers=made | headers, timeout=30)

    @property
    def kept(self) -> list[Interaction]:
        with self.store.reading() as session:
            return list(session.exec(select(Interaction)))


@pytest.fixture
def ear(house: House) -> Iterator[Ear]:
    signing = {name: SigningSecret(SIGNING_SECRET) for name in ("team", "sibling")}
    house.installation = replace(house.installation, signing=signing)
    served = Ear(house)
    yield served
    served.stop()


def test_a_press_is_kept_and_answered_with_nothing(ear: Ear):
    answer = ear.hear(a_press())
    assert (answer.status_code, answer.content) == (200, b"")
    [kept] = ear.kept
    assert (kept.channel, kept.outcome, kept.done_at) == ("team", None, None)
    assert json.loads(kept.payload)["action_id"] == "escucha:acknowledge"
    assert "stranger" not in kept.payload


# Who is believed


def test_a_forged_press_is_refused(ear: Ear):
    assert ear.hear(a_press(), secret="8f742231b10e8888abcd99yyyzzz0000").status_code == 401
    headers, body = signed(a_press(), datetime.now(UTC))
    assert ear.hear(None, sent=(headers, body + b"&more=1")).status_code == 401
    moved = headers | {"X-Slack-Request-Timestamp": str(int(headers["X-Slack-Request-Timestamp"]) + 1)}
    assert ear.hear(None, sent=(moved, body)).status_code == 401
    assert ear.kept == []


@pytest.mark.parametrize("age", [301, 3600, -330, -86400])
def test_a_press_that_is_more_than_five_minutes_off_is_refused(ear: Ear, age):
    answer = ear.hear(a_press(), age=age)
    assert (answer.status_code, answer.text) == (401, route.FORGED)
    assert ear.kept == []


def test_a_press_from_within_five_minutes_is_good(ear: Ear):
    assert ear.hear(a_press(), age=290).status_code == 200


def test_a_replayed_press_is_kept_once(ear: Ear):
    sent = signed(a_press(), datetime.now(UTC))
    assert {answer.status_code for answer in together(*[lambda: ear.hear(None, sent=sent)] * 4)} == {200}
    assert ear.hear(None, sent=sent, path="/api/v1/slack/sibling/interactions").status_code == 200
    assert len(ear.kept) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0="},
        {"X-Slack-Signature": "v1=" + "0" * 64},
        {"X-Slack-Signature": "v0=" + "é" * 64},
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Request-Timestamp": "now"},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Request-Timestamp": "1" * 400},
        {"X-Slack-Request-Timestamp": "1_000"},
        {"X-Slack-Request-Timestamp": "-5"},
        {"X-Slack-Request-Timestamp": "nan"},
    ],
)
def test_headers_that_slack_never_sends_are_refused(ear: Ear, headers):
    made, body = signed(a_press(), datetime.now(UTC))
    raw = [(name.encode(), value.encode("utf-8")) for name, value in (made | headers).items()]
    answer = httpx2.post(ear.url + PATH, content=body, headers=raw)
    assert (answer.status_code, ear.kept) == (401, [])


def test_a_channel_that_is_not_there_is_answered_as_a_forged_press_is(ear: Ear):
    answer = ear.hear(a_press(), path="/api/v1/slack/nobody/interactions")
    assert (answer.status_code, answer.text) == (401, route.FORGED)


def test_whoever_is_refused_again_and_again_does_not_fill_the_log(ear: Ear, monkeypatch):
    with capture_logs() as lines:
        for _ in range(20):
            assert ear.hear(a_press(), secret="another0another0another0").status_code == 401
        monkeypatch.setattr(route, "TOLD_EVERY_S", 0.0)
        assert ear.hear(a_press(), secret="another0another0another0").status_code == 401
    told = [line for line in lines if line["event"] == "press_refused"]
    assert [line["more_since_the_last"] for line in told] == [0, 19]


def test_a_body_that_is_no_text_is_refused(ear: Ear):
    assert ear.hear(b"payload=\xff\xfe").status_code == 401


# What it says


@pytest.mark.parametrize(
    "payload",
    ["", "not json", "[]", "3", "null", "{}", '{"type": "block_actions"}', '{"type": 3, "user": {"id": []}}',
     "[" * 5000, '{"user": {"id": "U1"}}'],
)  # fmt: skip
def test_what_slack_signed_and_nobody_can_read_is_kept_with_its_outcome_and_shown_as_failed(ear: Ear, payload):
    assert ear.hear(payload).status_code == 400
    [kept] = ear.kept
    assert kept.outcome == Outcome.MALFORMED
    assert kept.done_at is not None
    assert "sha256" in kept.payload


def test_a_form_without_a_payload_is_malformed(ear: Ear):
    assert ear.hear(b"a=1&b=2").status_code == 400
    assert ear.hear(b"&".join(b"a%d=1" % number for number in range(100))).status_code == 400
    assert [row.outcome for row in ear.kept] == ["malformed"] * 2


@pytest.mark.parametrize(
    "payload",
    [a_press(actions=[]), a_press(actions="x"), a_press(actions=[3]), a_press(user={"id": "U\x00\ud800\u202e1"}),
     a_press(response_url=["x"]), a_press(type="view_submission"), a_press(actions=[{"value": "9" * 10_000}])],
)  # fmt: skip
def test_whatever_else_it_says_is_kept_for_the_job_to_judge(ear: Ear, payload):
    assert ear.hear(payload).status_code == 200
    [kept] = ear.kept
    assert kept.outcome is None
    assert len(kept.payload) < 5_000


def test_slack_checks_the_certificate(ear: Ear):
    answer = ear.hear(urlencode({"ssl_check": "1", "token": "x"}).encode())
    assert (answer.status_code, answer.content, ear.kept) == (200, b"", [])


def test_slack_checks_the_address(ear: Ear):
    body = json.dumps({"type": "url_verification", "challenge": "<b>3eZbrw1aB</b>", "token": "x"}).encode()
    answer = ear.hear(body, **{"Content-Type": "application/json"})
    assert (answer.status_code, answer.text) == (200, "<b>3eZbrw1aB</b>")
    assert answer.headers["content-type"].startswith("text/plain")
    assert ear.kept == []


def test_nobody_who_is_not_slack_is_told_a_challenge(ear: Ear):
    body = json.dumps({"type": "url_verification", "challenge": "x"}).encode()
    assert ear.hear(body, secret="another0another0another0").status_code == 401


def test_a_press_says_what_is_kept_of_it_and_malformed_ones_why():
    press = read_press(json.dumps(a_press()))
    assert (press.actor, press.team, press.value) == ("ana (U1)", TEAM, "1:1:en")
    with pytest.raises(MalformedError, match="not JSON"):
        read_press("{")


# Too much


def test_a_body_that_is_too_large_is_not_read(ear: Ear):
    assert ear.hear(b"x" * (route.LARGEST_BODY + 1)).status_code == 413
    headers, _ = signed(b"", datetime.now(UTC))
    host = ear.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.request("POST", PATH, iter([b"x" * 2**16] * 20), headers, encode_chunked=True)
    with connection.getresponse() as answer:
        assert answer.status == 413


def stalling(ear: Ear, sent: bytes = b"payload=") -> socket.socket:
    """Somebody who begins a request and then says nothing more."""
    headers, _ = signed(b"", datetime.now(UTC))
    host, _, port = ear.url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    connection.sendall(f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}Content-Length: 1000\r\n\r\n".encode() + sent)
    return connection


def test_a_hundred_who_stall_keep_nobody_out_and_are_let_go(ear: Ear):
    with ExitStack() as stack:
        stalled = [stack.enter_context(stalling(ear)) for _ in range(100)]
        assert ear.hear(a_press()).status_code == 200
        stalled[0].settimeout(30)
        assert stalled[0].recv(100).startswith(b"HTTP/1.1 408")
        assert ear.hear(a_press(type="view_closed")).status_code == 200
    assert len(ear.kept) == 2


def test_what_is_read_of_all_bodies_together_is_bounded_and_given_back(ear: Ear, monkeypatch):
    monkeypatch.setattr(route, "READING", 400)
    with stalling(ear, b"x" * 300), stalling(ear, b"x" * 300) as second:
        second.settimeout(30)
        assert second.recv(100).startswith((b"HTTP/1.1 503", b"HTTP/1.1 408"))
    monkeypatch.undo()
    assert ear.hear(a_press()).status_code == 200


def test_a_database_that_is_busy_is_said_within_the_time_that_slack_waits(ear: Ear, monkeypatch):
    monkeypatch.setattr(route, "ANSWERED_IN_S", 0.2)
    with ear.store.transaction() as session:
        # SQLite has one writer.
        session.connection().execute(
            text("LOCK TABLE interaction" if ear.store.dialect == "postgresql" else "SELECT 1")
        )
        assert ear.hear(a_press()).status_code in (408, 503)


def test_the_secret_is_in_no_representation():
    assert SIGNING_SECRET not in repr(SigningSecret(SIGNING_SECRET))


def test_what_the_route_kept_the_job_does(ear: Ear):
    assert ear.hear(a_press()).status_code == 200
    assert interact_next(ear.store, {}, Policy(), lambda: datetime.now(UTC)) == 1
    assert [row.outcome for row in ear.kept] == [Outcome.GONE]


# Set up from the configuration


def configured(**options: str) -> ConfigFile:
    options = {"token_from": "SLACK_TOKEN", "channel": "C0ALERTS01"} | options
    return ConfigFile.model_validate({"channels": [{"name": "team", "kind": "slack_bot"} | options]})


def test_a_bot_is_built_from_its_secrets_and_told_where_slack_is(monkeypatch, httpserver: HTTPServer):
    slack = FakeSlack(httpserver)
    monkeypatch.setenv("SLACK_TOKEN", TOKEN)
    settings = Settings(slack_url=slack.base_url)
    [bot] = build_channels(settings, configured()).values()
    bot.send(for_test("team", datetime.now(UTC)))
    assert [method for method, _ in slack.calls] == ["chat.postMessage"]
    assert build_signing(settings, configured()) == {}


def test_a_process_that_sends_nothing_hears_buttons_without_the_token(monkeypatch):
    monkeypatch.delenv("SLACK_TOKEN", raising=False)
    monkeypatch.setenv("SLACK_SIGNING", SIGNING_SECRET)
    config = configured(signing_secret_from="SLACK_SIGNING")
    assert build_signing(Settings(), config) == {"team": SigningSecret(SIGNING_SECRET)}


@pytest.mark.parametrize("secret", [None, "s3cret with spaces", "s3cret"])
def test_a_signing_secret_that_is_missing_or_none_is_said_without_it(monkeypatch, secret):
    if secret is None:
        monkeypatch.delenv("SLACK_SIGNING", raising=False)
    else:
        monkeypatch.setenv("SLACK_SIGNING", secret)
    with pytest.raises(ConfigError, match="team: ") as caught:
        build_signing(Settings(), configured(signing_secret_from="SLACK_SIGNING"))
    assert "s3cret" not in str(caught.value)
