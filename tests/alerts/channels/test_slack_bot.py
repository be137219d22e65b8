"""Against a fake Slack on a real socket, with the real SDK."""

import json
import logging
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from werkzeug import Request, Response

from alerts.channel import ChannelSetupError, Mode, Searchable, TryLater, Undeliverable
from alerts.channels.slack_bot import FIND_PAGES, PAGE, SlackBot
from alerts.notice import NoticeKind
from alerts.reasons import Reason
from alerts.registry import build_channel
from alerts.severity import Severity
from alerts.slack.errors import failure_of_call
from alerts.text import size
from tests.alerts.slack.fake_slack import (
    CHANNEL,
    SIGNING_SECRET,
    TOKEN,
    FakeSlack,
    Room,
    assert_inert,
    problem_with,
)

from .conformance import HttpContract, HttpFarEnd

KEY = "detractor-opened-0123456789abcdef"


@pytest.fixture
def slack(httpserver: HTTPServer) -> FakeSlack:
    return FakeSlack(httpserver)


def a_bot(slack: FakeSlack, **options) -> SlackBot:
    given = {"token": TOKEN, "channel": CHANNEL, "signing_secret": SIGNING_SECRET, "base_url": slack.base_url}
    built = build_channel("team", "slack_bot", given | options, lambda: datetime.now(UTC))
    assert isinstance(built, SlackBot)
    return built


class WebApi(HttpFarEnd):
    """Slack's Web API as every channel's far end."""

    path = "/api/chat.postMessage"
    secrets = (TOKEN, SIGNING_SECRET)
    disabling = frozenset({401, 404, 405, 410})

    def __init__(self, server: HTTPServer) -> None:
        self._slack = FakeSlack(server, serves=False)
        super().__init__(server)

    def at(self, base: str, **options) -> SlackBot:
        return a_bot(self._slack, base_url=f"{base}/api", **options)

    def taken(self, request: Request) -> Response:
        return self._slack.answer(request)

    def received(self) -> list[dict[str, Any]]:
        return self._slack.messages

    def words(self, message: dict[str, Any]) -> str:
        return json.dumps(message, ensure_ascii=False)

    def assert_inert(self, message: dict[str, Any]) -> None:
        assert_inert(message)

    def assert_within_limits(self, message: dict[str, Any]) -> None:
        assert problem_with(message) is None
        assert size(json.dumps([message["text"], message["blocks"]], ensure_ascii=False)) < 12_000


class TestContract(HttpContract):
    @pytest.fixture
    def far_end(self, httpserver: HTTPServer) -> WebApi:
        return WebApi(httpserver)


def refused(call) -> Undeliverable:
    with pytest.raises(Undeliverable) as caught:
        call()
    return caught.value


def put_off(call) -> TryLater:
    with pytest.raises(TryLater) as caught:
        call()
    return caught.value


# Sending


def test_a_message_is_posted_with_its_key_and_buttons(slack, a_notice):
    receipt = a_bot(slack).send(a_notice())
    [message] = slack.messages
    assert receipt.ref == f"{CHANNEL}:{message['ts']}"
    assert message["metadata"] == {
        "event_type": "escucha_notice",
        "event_payload": {"key": KEY, "alert_id": 7, "version": 3},
    }
    assert "actions" in [block["type"] for block in message["blocks"]]
    assert message["text"].startswith("Aeroluz: new detractor incident: Warning")
    [call] = slack.called("chat.postMessage")
    assert (call["unfurl_links"], call["unfurl_media"]) == (False, False)


def test_without_a_signing_secret_there_are_no_buttons_that_nobody_would_hear(slack, a_notice):
    a_bot(slack, signing_secret=None).send(a_notice())
    assert "actions" not in [block["type"] for block in slack.messages[0]["blocks"]]


def test_a_message_is_changed_where_it_stands(slack, a_notice):
    bot = a_bot(slack)
    ref = bot.send(a_notice()).ref
    receipt = bot.send(a_notice(key="k2", title="Aeroluz: 25 detractors", kind=NoticeKind.UPDATED), Mode.UPDATE, ref)
    [message] = slack.messages
    assert receipt.ref == ref
    assert message["blocks"][0]["text"]["text"] == "Aeroluz: 25 detractors"
    assert message["metadata"]["event_payload"]["key"] == "k2"


def test_a_reply_stands_under_the_incident_and_its_receipt_names_the_incidents_message(slack, a_notice):
    bot = a_bot(slack)
    ref = bot.send(a_notice()).ref
    receipt = bot.send(a_notice(key="k2", kind=NoticeKind.GREW), Mode.THREAD, ref)
    first, reply = slack.messages
    assert (reply["thread_ts"], reply.get("subtype")) == (first["ts"], None)
    assert receipt.ref == ref
    assert "actions" not in [block["type"] for block in reply["blocks"]]


def test_what_is_to_wake_somebody_is_shown_in_the_channel_too(slack, a_notice):
    bot = a_bot(slack)
    ref = bot.send(a_notice()).ref
    for kind in (
        NoticeKind.GREW, NoticeKind.REMINDER, NoticeKind.REOPENED, NoticeKind.RESOLVED, NoticeKind.ESCALATED,
    ):  # fmt: skip
        bot.send(a_notice(key=kind.value, kind=kind, severity=Severity.WARNING), Mode.THREAD, ref)
    bot.send(a_notice(key="worse", kind=NoticeKind.GREW, severity=Severity.CRITICAL), Mode.THREAD, ref)
    shown = [one["metadata"]["event_payload"]["key"] for one in slack.messages if "subtype" in one]
    assert shown == ["reminder", "reopened", "escalated", "worse"]


def test_without_a_message_to_reply_to_or_to_change_the_notice_is_one(slack, a_notice):
    bot = a_bot(slack)
    for mode in (Mode.THREAD, Mode.UPDATE):
        assert bot.send(a_notice(), mode, None).ref == f"{CHANNEL}:{slack.messages[-1]['ts']}"
    assert len(slack.messages) == 2


def test_a_reply_to_a_message_that_somebody_deleted_becomes_a_message(slack, a_notice):
    bot = a_bot(slack)
    ref = bot.send(a_notice()).ref
    slack.delete(ref.partition(":")[2])
    receipt = bot.send(a_notice(key="k2", kind=NoticeKind.GREW), Mode.THREAD, ref)
    [message] = slack.messages
    assert (receipt.ref, "thread_ts" in message) == (f"{CHANNEL}:{message['ts']}", False)
    assert "actions" in [block["type"] for block in message["blocks"]]


def test_a_change_of_a_message_that_somebody_deleted_wakes_nobody(slack, a_notice):
    bot = a_bot(slack)
    ref = bot.send(a_notice()).ref
    slack.delete(ref.partition(":")[2])
    failure = refused(lambda: bot.send(a_notice(), Mode.UPDATE, ref))
    assert (failure.reason, failure.disables_channel) == (Reason.MESSAGE_GONE, False)
    assert slack.messages == []


def test_messages_go_to_where_the_incident_was_posted_even_when_the_channel_was_changed(slack, a_notice):
    ref = a_bot(slack).send(a_notice()).ref
    slack.rooms["C0ANOTHER1"] = Room()
    moved = a_bot(slack, channel="C0ANOTHER1")
    moved.send(a_notice(key="k2"), Mode.UPDATE, ref)
    assert slack.messages[0]["metadata"]["event_payload"]["key"] == "k2"
    moved.send(a_notice(key="k3"))
    assert len(slack.rooms["C0ANOTHER1"].messages) == 1


HOSTILE = "<!channel> <@U1> *Acknowledged* <https://evil.example|Open the incident>"


def test_nothing_in_a_post_acts(slack, a_notice):
    a_bot(slack).send(a_notice(text=HOSTILE, author=HOSTILE, title=HOSTILE, why=HOSTILE, links=(), url=None))
    [call] = slack.called("chat.postMessage")
    written = [call["text"]] + [
        item["text"]
        for block in call["blocks"]
        for item in [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
        if item and isinstance(item.get("text"), str)
    ]
    assert [text for text in written if "<" in text or "*Acknowledged*" in text] == []


# Slack's refusals


@pytest.mark.parametrize(
    ("setting", "word", "advice"),
    [
        ("token", "invalid_auth", "new bot token"),
        ("room", "channel_not_found", "/invite"),
        ("archived", "is_archived", "unarchive"),
        ("joined", "not_in_channel", "/invite"),
        ("scopes", r"missing_scope \(chat:write\)", "add the scope"),
    ],
)
def test_what_keeps_every_message_out_switches_the_channel_off_and_says_what_to_do(
    slack, a_notice, setting, word, advice
):
    match setting:
        case "token":
            slack.token = "xoxb-another"
        case "room":
            slack.rooms.clear()
        case "archived":
            slack.rooms[CHANNEL].archived = True
        case "joined":
            slack.rooms[CHANNEL].joined = False
        case "scopes":
            slack.scopes.discard("chat:write")
    with pytest.raises(Undeliverable, match=f"answered {word}: .*{advice}") as caught:
        a_bot(slack).send(a_notice())
    assert (caught.value.reason, caught.value.disables_channel) == (Reason.CHANNEL_REFUSED, True)
    assert "s3cret" not in caught.value.message
    assert len(slack.calls) == 1


@pytest.mark.parametrize(
    "word", ["account_inactive", "token_revoked", "token_expired", "no_permission", "not_allowed_token_type",
             "org_login_required", "restricted_action", "team_not_found", "not_authed"],
)  # fmt: skip
def test_other_words_that_switch_the_channel_off(slack, a_notice, word):
    slack.trouble("chat.postMessage", error=word)
    assert refused(lambda: a_bot(slack).send(a_notice())).disables_channel


@pytest.mark.parametrize("word", ["msg_too_long", "invalid_blocks", "no_text", "metadata_too_large", "a_new_word"])
def test_words_about_one_message_leave_the_channel_on(slack, a_notice, word):
    slack.trouble("chat.postMessage", error=word)
    failure = refused(lambda: a_bot(slack).send(a_notice()))
    assert (failure.reason, failure.disables_channel) == (Reason.REJECTED, False)
    assert word in failure.message


def test_slack_says_when_to_come_back(slack, a_notice):
    slack.trouble("chat.postMessage", status=429, error="ratelimited", headers={"Retry-After": "7"})
    failure = put_off(lambda: a_bot(slack).send(a_notice()))
    assert (failure.reason, failure.after, failure.ambiguous) == (Reason.RATE_LIMITED, 7.0, False)
    assert failure.whole_channel
    assert len(slack.calls) == 1, "the SDK must not retry by itself"


def test_one_message_a_second_and_channel(httpserver, a_notice):
    now = [1_000_000.0]
    slack = FakeSlack(httpserver, lambda: now[0], limited=True)
    bot = a_bot(slack)
    bot.send(a_notice())
    assert put_off(lambda: bot.send(a_notice())).after == 1.0
    now[0] += 1
    bot.send(a_notice())
    assert len(slack.messages) == 2


@pytest.mark.parametrize(
    ("trouble", "reason", "ambiguous"),
    [
        ({"status": 500, "error": "internal_error"}, Reason.SERVER_ERROR, True),
        ({"status": 503, "body": "<html>"}, Reason.SERVER_ERROR, True),
        ({"error": "fatal_error"}, Reason.SERVER_ERROR, True),
        ({"error": "service_unavailable"}, Reason.SERVER_ERROR, True),
        ({"status": 408}, Reason.TIMED_OUT, True),
        ({"error": "message_limit_exceeded"}, Reason.RATE_LIMITED, False),
        ({"body": ""}, Reason.CONNECTION_LOST, True),
        ({"body": '{"ok": true, "ts": "17'}, Reason.CONNECTION_LOST, True),
    ],
)
def test_what_may_have_arrived_is_told_apart_from_what_has_not(slack, a_notice, trouble, reason, ambiguous):
    slack.trouble("chat.postMessage", **trouble)
    failure = put_off(lambda: a_bot(slack).send(a_notice()))
    assert (failure.reason, failure.ambiguous) == (reason, ambiguous)


@pytest.mark.parametrize(
    "trouble",
    [
        {"body": "<html>Sign in to the guest network</html>"},
        {"body": "[1, 2]"},
        {"status": 302, "headers": {"Location": "https://elsewhere.example/"}},
        {"status": 404, "body": "not found"},
    ],
)
def test_an_answer_that_is_not_slacks_is_no_success(slack, a_notice, trouble):
    slack.trouble("chat.postMessage", **trouble)
    failure = refused(lambda: a_bot(slack).send(a_notice()))
    assert failure.disables_channel
    assert "ESCUCHA_SLACK_URL" in failure.message


def test_when_nobody_listens_nothing_was_sent(slack, a_notice):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    failure = put_off(lambda: a_bot(slack, base_url=f"http://127.0.0.1:{port}/api").send(a_notice()))
    assert (failure.reason, failure.ambiguous) == (Reason.CONNECTION_FAILED, False)


def test_when_no_answer_comes_it_may_have_been_sent(slack, a_notice):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        bot = a_bot(slack, base_url=f"http://127.0.0.1:{port}/api", timeout=0.2)
        failure = put_off(lambda: bot.send(a_notice()))
    assert (failure.reason, failure.ambiguous) == (Reason.TIMED_OUT, True)


@given(status=st.integers(200, 599), word=st.text(max_size=80) | st.none() | st.integers(), retry=st.text(max_size=10))
def test_every_answer_means_something_and_repeats_nothing_odd(status, word, retry):
    data = {"ok": False, "error": word, "needed": f"{TOKEN} s3cret"}
    response = SlackResponse(
        client=None, http_verb="POST", api_url="", req_args={}, data=data, headers={"retry-after": retry},
        status_code=status,
    )  # fmt: skip
    failure = failure_of_call(SlackApiError("", response), "slack.com")
    assert isinstance(failure, TryLater | Undeliverable)
    assert "s3cret" not in failure.message
    assert failure.message.isprintable()


# Finding


def since(message) -> datetime:
    return datetime.fromtimestamp(float(message["ts"]), UTC)


def test_it_can_be_searched(slack):
    assert isinstance(a_bot(slack), Searchable)


def test_a_message_whose_answer_was_lost_is_found(slack, a_notice):
    bot = a_bot(slack)
    slack.trouble("chat.postMessage", status=500, taken=True)
    assert put_off(lambda: bot.send(a_notice())).ambiguous
    [message] = slack.messages
    found = bot.find(KEY, since(message))
    assert found is not None
    assert found.ref == f"{CHANNEL}:{message['ts']}"


def test_what_was_never_sent_is_not_found(slack, a_notice):
    bot = a_bot(slack)
    bot.send(a_notice(key="another"))
    assert bot.find(KEY, since(slack.messages[0])) is None


def test_what_was_sent_long_before_is_not_looked_at(slack, a_notice):
    bot = a_bot(slack)
    bot.send(a_notice())
    assert bot.find(KEY, since(slack.messages[0]) + timedelta(hours=1)) is None


def test_a_reply_whose_answer_was_lost_is_found_in_its_thread(slack, a_notice):
    bot = a_bot(slack)
    ref = bot.send(a_notice()).ref
    slack.trouble("chat.postMessage", status=500, taken=True)
    put_off(lambda: bot.send(a_notice(key="k2", kind=NoticeKind.GREW), Mode.THREAD, ref))
    start = since(slack.messages[0])
    assert bot.find("k2", start) is None, "a channel's history holds no replies"
    found = bot.find("k2", start, ref)
    assert found is not None
    assert found.ref == ref, "later changes go to the incident's own message"
    assert bot.find("k3", start, ref) is None


def test_a_reply_that_had_to_become_a_message_is_found_in_the_channel(slack, a_notice):
    bot = a_bot(slack)
    ref = bot.send(a_notice()).ref
    start = since(slack.messages[0])
    slack.delete(ref.partition(":")[2])
    bot.send(a_notice(key="k2"), Mode.THREAD, ref)
    found = bot.find("k2", start, ref)
    assert found is not None
    assert found.ref == f"{CHANNEL}:{slack.messages[0]['ts']}"


def fill(slack: FakeSlack, number: int) -> None:
    start = float(slack.messages[-1]["ts"])
    odd = ({}, {"metadata": None}, {"metadata": {"event_type": "escucha_notice", "event_payload": []}})
    slack.messages.extend(
        {"type": "message", "ts": f"{start + 1 + index:.6f}", "text": "chat", "user": "U1", **odd[index % 3]}
        for index in range(number)
    )


def test_it_is_found_behind_pages_of_other_peoples_chat(slack, a_notice):
    bot = a_bot(slack)
    bot.send(a_notice())
    fill(slack, PAGE + 20)
    assert bot.find(KEY, since(slack.messages[0])) is not None
    assert len(slack.called("conversations.history")) == 2


def test_where_there_is_too_much_to_look_through_nobody_says_that_it_is_not_there(slack, a_notice):
    bot = a_bot(slack)
    bot.send(a_notice())
    fill(slack, FIND_PAGES * PAGE)
    assert "too many to look through" in put_off(lambda: bot.find(KEY, since(slack.messages[0]))).message


def test_a_channel_that_may_not_be_read_may_still_be_written_to(slack, a_notice):
    slack.scopes.discard("channels:history")
    failure = refused(lambda: a_bot(slack).find(KEY, datetime.now(UTC)))
    assert "channels:history" in failure.message
    assert not failure.disables_channel


# Answering whoever pressed


def url_of(slack: FakeSlack) -> str:
    return slack.base_url.replace("/api/", "/actions/T0/1/s3cretaddress")


def test_only_the_person_who_pressed_is_told(slack):
    a_bot(slack).tell(url_of(slack), "Acknowledged")
    assert slack.told == [{"response_type": "ephemeral", "replace_original": False, "text": "Acknowledged"}]


def test_slack_itself_is_never_answered_in_the_clear(slack):
    bot = a_bot(slack, base_url=slack.base_url.replace("http://", "https://"))
    for url in (url_of(slack), "https://[x"):
        assert "not Slack's" in refused(lambda url=url: bot.tell(url, "Acknowledged")).message
    assert slack.told == []


@pytest.mark.parametrize(
    "url", ["https://evil.example/actions/1", "http://hooks.slack.com/actions/1", "", "file:///etc/passwd",
            "https://hooks.slack.com@evil.example/"],
)  # fmt: skip
def test_nobody_elses_address_is_called(slack, url):
    assert "not Slack's" in refused(lambda: a_bot(slack).tell(url, "Acknowledged")).message


def test_an_address_that_is_no_longer_good_concerns_that_press_alone(slack):
    slack.told_trouble.append(Response("expired_url", 404))
    failure = refused(lambda: a_bot(slack).tell(url_of(slack), "Acknowledged"))
    assert not failure.disables_channel
    slack.told_trouble.append(Response("", 500))
    assert put_off(lambda: a_bot(slack).tell(url_of(slack), "Acknowledged")).reason is Reason.SERVER_ERROR


# Options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"token": "https://hooks.slack.com/services/T/B/s3cret"}, "begins with xoxb-"),
        ({"token": "xoxe.xoxb-1-s3cret"}, "token rotation"),
        ({"channel": "#alerts"}, "channel's id"),
        ({"signing_secret": "s3cret with spaces"}, "signing secret"),
        ({"team": "acme"}, "team"),
        ({"timeout": 60}, "timeout"),
        ({"proxy": "socks5://proxy"}, "proxy"),
    ],
)
def test_options_that_cannot_work_are_refused_in_words_without_secrets(slack, options, words):
    with pytest.raises(ChannelSetupError, match=words) as caught:
        a_bot(slack, **options)
    assert "s3cret" not in str(caught.value)


def test_the_token_stays_out_of_logs_and_representations(slack, a_notice, caplog):
    caplog.set_level(logging.DEBUG)
    bot = a_bot(slack)
    slack.trouble("chat.postMessage", status=500, body=f"token was {TOKEN}")
    failure = put_off(lambda: bot.send(a_notice()))
    logged = "".join(record.getMessage() for record in caplog.records if not record.name.startswith("werkzeug"))
    assert "s3cret" not in logged + repr(bot) + failure.message
