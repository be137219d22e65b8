"""E-mail against a real server, with TLS and a login; what it got is read as a mailbox reads it."""

import re
import smtplib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.channel import ChannelSetupError, DeliveryError, Mode, TryLater, Undeliverable
from alerts.channels.email import EmailChannel, EmailOptions
from alerts.mail import smtp
from alerts.notice import NoticeKind, for_test
from alerts.reasons import Reason
from alerts.severity import Severity

from .conformance import NOON, PNG, ChannelContract, assert_discreet, assert_not_sent, assert_tame, full_notice, nobody
from .mail_server import PASSWORD, USER, MailServer, mail_server

# The relay next door and TLS from the first byte, as aiosmtpd sees them.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

SENDER = "Escucha Alerts <alerts@escucha.example>"
TO = ("ana@example.com", "Ben <ben@example.com>")

HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "References", "In-Reply-To", "X-Escucha-Key", "Auto-Submitted",
    "X-Auto-Response-Suppress", "List-Id", "Importance", "MIME-Version", "Content-Type", "X-Peer", "X-MailFrom",
    "X-RcptTo",
}  # fmt: skip

TAGS = {
    "html", "head", "meta", "title", "style", "body", "table", "tr", "td", "th", "div", "br", "a", "img",
}  # fmt: skip


class Page(HTMLParser):
    """What a reader of HTML makes of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


class Mailbox:
    secrets = (PASSWORD,)

    def __init__(self, server: MailServer) -> None:
        self.server = server

    def channel(self, **options: Any) -> EmailChannel:
        return channel(self.server, **options)

    def received(self) -> list[EmailMessage]:
        return self.server.messages

    def words(self, message: EmailMessage) -> str:
        text, html = parts(message)
        return "\n".join((str(message["Subject"]), str(message["X-Escucha-Key"]), text, *Page(html).texts))

    def assert_inert(self, message: EmailMessage) -> None:
        assert set(message.keys()) <= HEADERS
        assert len(message.keys()) == len(set(message.keys())), "no header twice"
        assert message["To"] == "ana@example.com, Ben <ben@example.com>"
        assert_tame(str(message["Subject"]))
        text, html = parts(message)
        assert_tame(text)
        page = Page(html)
        assert {tag for tag, _ in page.tags} <= TAGS
        for tag, given in page.tags:
            assert not [name for name in given if name.startswith("on")]
            if tag == "a":
                assert re.match(r"https?://[^\s\"<>@]+$", given["href"] or "")
            if tag == "img":
                assert (given["src"] or "").startswith("cid:")
        assert sum(tag == "style" for tag, _ in page.tags) == 1

    def assert_within_limits(self, message: EmailMessage) -> None:
        _, html = parts(message)
        assert len(html.encode()) <= 102_000
        raw = bytes(self.server.envelopes[-1].original_content or b"")
        raw.decode("ascii")
        assert max(map(len, raw.split(b"\r\n"))) <= 998
        assert len(raw) < 10_000_000


def parts(message: EmailMessage) -> tuple[str, str]:
    """The two ways in which it is written."""
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content().replace("\r\n", "\n"), html.get_content()


def channel(server: MailServer, **options: Any) -> EmailChannel:
    given: dict[str, Any] = {
        "host": "localhost", "port": server.port, "ca_file": server.ca_file, "user": USER, "password": PASSWORD,
        "sender": SENDER, "to": TO, **options,
    }  # fmt: skip
    return EmailChannel.from_options("team", EmailOptions(**given))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    with mail_server(tmp_path) as running:
        yield running


class TestEmail(ChannelContract):
    @pytest.fixture
    def far_end(self, server: MailServer) -> Mailbox:
        return Mailbox(server)


def failed(sender: EmailChannel, a_notice: Any) -> DeliveryError:
    """What sending fails with, without the password in it."""
    with pytest.raises(DeliveryError) as caught:
        sender.send(a_notice())
    assert_discreet(caught.value, Mailbox)
    return caught.value


def test_a_notice_arrives_over_tls_after_a_login_for_everybody(server, a_notice):
    receipt = channel(server).send(a_notice(title="Ñandú: new 😀"))
    [envelope], [message] = server.envelopes, server.messages
    assert (envelope.mail_from, envelope.rcpt_tos) == ("alerts@escucha.example", ["ana@example.com", "ben@example.com"])
    assert server.secured == [True]
    assert server.logins
    assert receipt.detail == "250 2.0.0 queued as 4F1"
    assert message["Subject"] == "[Warning] Ñandú: new 😀"
    assert message["From"] == SENDER
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "<team.escucha.escucha.example>"
    assert message["X-Escucha-Key"] == "detractor-opened-0123456789abcdef"
    assert message["Date"].datetime == NOON


def test_text_and_html_say_the_same(server, a_notice):
    channel(server).send(full_notice(a_notice))
    text, html = parts(server.messages[0])
    seen = " ".join(Page(html).texts)
    for words in ("Aeroluz lost my bag again", "91% likely a detractor", "Refunds: 12 mentions", "Open the incident"):
        assert words in text
        assert words in seen
    assert "> Aeroluz lost my bag again" in text
    assert "http://127.0.0.1:8000/incidents/7" in text


def test_charts_stand_inside_the_html(server, a_notice):
    channel(server).send(full_notice(a_notice))
    [message] = server.messages
    assert message.get_content_type() == "multipart/alternative"
    [picture] = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert picture.get_content() == PNG
    assert picture.get_content_disposition() == "inline"
    _, html = parts(message)
    [image] = [given for tag, given in Page(html).tags if tag == "img"]
    assert f"<{str(image['src']).removeprefix('cid:')}>" == picture["Content-ID"]
    assert image["alt"] == "31 mentions at 11:00, usually 4"


def test_a_message_sent_twice_is_the_same_one_to_a_mailbox(server, a_notice):
    receipts = [channel(server).send(a_notice()) for _ in range(2)]
    first, again = server.messages
    assert first["Message-ID"] == again["Message-ID"] == "<detractor-opened-0123456789abcdef@escucha.example>"
    assert [receipt.ref for receipt in receipts] == [first["Message-ID"]] * 2


def test_mail_about_one_incident_is_threaded_and_about_another_is_not(server, a_notice):
    sender = channel(server)
    first = sender.send(a_notice())
    sender.send(a_notice(kind=NoticeKind.GREW, key="detractor-grew-1"), Mode.THREAD, first.ref)
    sender.send(a_notice(kind=NoticeKind.RESOLVED, key="detractor-resolved-1"))
    sender.send(a_notice(key="other-opened-1", about=replace(a_notice().about, id=8)))
    opened, grew, resolved, other = server.messages
    assert grew["In-Reply-To"] == opened["Message-ID"]
    assert opened["Message-ID"] in grew["References"]
    assert opened["References"] == resolved["References"]
    assert opened["References"] in grew["References"]
    assert opened["In-Reply-To"] is None
    assert other["References"] != opened["References"]


def test_what_is_critical_is_marked_and_a_test_is_not(server, a_notice):
    sender = channel(server)
    sender.send(a_notice(severity=Severity.CRITICAL, title="CRITICAL · New: Aeroluz"))
    sender.send(for_test("team", NOON))
    critical, test = server.messages
    assert (critical["Importance"], critical["Subject"]) == ("high", "CRITICAL · New: Aeroluz")
    assert (test["Importance"], test["Subject"]) == (None, "Test message from Escucha")


def test_a_dot_alone_on_a_line_ends_nothing(server, a_notice):
    channel(server).send(a_notice(text="one\n.\n..two\n. three"))
    assert "> .\n> ..two\n> . three" in parts(server.messages[0])[0]


@pytest.mark.parametrize(
    ("phase", "answer", "reason", "disables"),
    [
        ("MAIL", "550 5.7.1 sender refused", Reason.CHANNEL_REFUSED, True),
        ("MAIL", "552 5.3.4 too big", Reason.REJECTED, False),
        ("DATA", "554 5.7.1 looks like spam", Reason.REJECTED, False),
        ("DATA", "552 5.3.4 too big", Reason.REJECTED, False),
        ("AUTH", "535 5.7.8 wrong password", Reason.CHANNEL_REFUSED, True),
    ],
)
def test_what_a_person_must_see_to(server, a_notice, phase, answer, reason, disables):
    server.answers[phase] = answer
    error = failed(channel(server), a_notice)
    assert isinstance(error, Undeliverable)
    assert (error.reason, error.disables_channel) == (reason, disables)
    assert answer[4:] in error.message
    assert server.envelopes == []


@pytest.mark.parametrize(
    ("phase", "answer"),
    [("MAIL", "451 4.3.0 later"), ("MAIL", "452 4.3.1 disk full"), ("DATA", "451 4.3.0 later"),
     ("AUTH", "454 4.7.0 later"), ("MAIL", "421 4.7.0 too fast")],
)  # fmt: skip
def test_what_heals_with_time_and_certainly_was_not_sent(server, a_notice, phase, answer):
    server.answers[phase] = answer
    error = failed(channel(server), a_notice)
    assert isinstance(error, TryLater)
    assert (error.reason, error.ambiguous, error.whole_channel) == (Reason.PUT_OFF, False, False)


def test_one_wrong_address_of_several_keeps_it_from_nobody_else(server, a_notice):
    server.answers["ben@example.com"] = "550 5.1.1 no such user"
    receipt = channel(server).send(a_notice())
    assert [envelope.rcpt_tos for envelope in server.envelopes] == [["ana@example.com"]]
    assert "not taken: ben@example.com (550 5.1.1 no such user)" in receipt.detail


def test_nobody_to_send_it_to(server, a_notice):
    server.answers |= {"ana@example.com": "550 5.1.1 no such user", "ben@example.com": "550 5.1.1 no such user"}
    error = failed(channel(server), a_notice)
    assert isinstance(error, Undeliverable)
    assert (error.reason, error.disables_channel) == (Reason.CHANNEL_REFUSED, True)
    server.answers["ben@example.com"] = "450 4.2.0 greylisted"
    later = failed(channel(server), a_notice)
    assert isinstance(later, TryLater)
    assert (later.reason, later.ambiguous) == (Reason.PUT_OFF, False)
    assert server.envelopes == []


def test_a_connection_that_breaks_before_the_message_sent_nothing(server, a_notice):
    server.dropped.add("MAIL")
    error = failed(channel(server), a_notice)
    assert isinstance(error, TryLater)
    assert_not_sent(error, Mailbox)


def test_a_connection_that_breaks_after_the_message_leaves_nobody_knowing(server, a_notice):
    server.dropped.add("DATA")
    error = failed(channel(server), a_notice)
    assert isinstance(error, TryLater)
    assert (error.reason, error.ambiguous) == (Reason.CONNECTION_LOST, True)
    assert len(server.envelopes) == 1, "it was there"


def test_nobody_listens(a_notice):
    port = int(nobody().rpartition(":")[2])
    error = failed(EmailChannel.from_options("team", EmailOptions(
        host="localhost", port=port, tls="none", sender=SENDER, to=TO)), a_notice)  # fmt: skip
    assert isinstance(error, TryLater)
    assert_not_sent(error, Mailbox)


def test_a_server_that_says_nothing_is_given_up(a_notice):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        options = EmailOptions(host="127.0.0.1", port=silent.getsockname()[1], tls="none", sender=SENDER, to=TO,
                               timeout=0.3)  # fmt: skip
        error = failed(EmailChannel.from_options("team", options), a_notice)
    assert isinstance(error, TryLater)
    assert_not_sent(error, Mailbox)


def scripted(
    answers: list[bytes], before: Callable[[], object] = bool, more: Callable[[], bytes] | None = None
) -> tuple[int, threading.Thread]:
    """A server that greets, gives these answers in turn, and then says nothing more until the other end hangs up.

    ``before``: called before each answer. ``more``: what it says again and again instead of nothing.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)

    def serve() -> None:
        with listener:
            connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines, suppress(OSError):
            connection.settimeout(30)
            for answer in answers:
                before()
                connection.sendall(answer)
                lines.readline()
            while more is not None:
                connection.sendall(more())
            while lines.readline():
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    return listener.getsockname()[1], thread


def plain(port: int, **options: Any) -> EmailChannel:
    given: dict[str, Any] = {"host": "127.0.0.1", "port": port, "tls": "none", "sender": SENDER, "to": TO[:1]}
    return EmailChannel.from_options("team", EmailOptions(**{**given, **options}))


def test_an_answer_that_never_comes_after_the_message_leaves_nobody_knowing(a_notice):
    port, thread = scripted([b"220 hello\r\n", b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"])
    error = failed(plain(port, timeout=0.5), a_notice)
    thread.join()
    assert isinstance(error, TryLater)
    assert (error.reason, error.ambiguous) == (Reason.TIMED_OUT, True)


@pytest.mark.parametrize(
    ("greeting", "kind"),
    [(b"554 go away\r\n", Undeliverable), (b"421 busy\r\n", TryLater), (b"HTTP/1.1 400\r\n", None)],
)
def test_a_server_that_does_not_greet(a_notice, greeting, kind):
    port, thread = scripted([greeting])
    error = failed(plain(port, timeout=0.5), a_notice)
    thread.join()
    assert isinstance(error, kind or DeliveryError)
    assert getattr(error, "ambiguous", False) is False


def test_a_server_that_lets_us_wait_for_each_address_is_given_up_before_anything_is_sent(a_notice):
    """A tarpit: each answer comes in time, all of them together would outlast the lease."""
    slow = threading.Event()
    port, thread = scripted([b"220 hello\r\n", b"250 hello\r\n", *[b"250 ok\r\n"] * 30], lambda: slow.wait(0.2))
    sender = plain(port, to=tuple(f"a{number}@example.com" for number in range(20)))
    sender._server = replace(sender._server, patience=1.0)
    error = failed(sender, a_notice)
    thread.join()
    assert isinstance(error, TryLater)
    assert_not_sent(error, Mailbox)
    assert "longer than 1 s to take the addresses" in error.message


def test_an_answer_that_trickles_after_the_message_is_cut_off(a_notice, monkeypatch):
    monkeypatch.setattr(smtp, "AFTER_S", 1.0)
    wait = threading.Event()

    def more() -> bytes:
        wait.wait(0.1)
        return b"250-more\r\n"

    port, thread = scripted([b"220 hello\r\n", b"250 hello\r\n", *[b"250 ok\r\n"] * 2, b"354 go on\r\n"], more=more)
    error = failed(plain(port), a_notice)
    thread.join()
    assert isinstance(error, TryLater)
    assert (error.reason, error.ambiguous) == (Reason.TIMED_OUT, True)


def test_a_goodbye_that_fails_changes_nothing(server, a_notice, monkeypatch):
    def quit_badly(self: smtplib.SMTP) -> None:
        raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr(smtplib.SMTP, "quit", quit_badly)
    assert channel(server).send(a_notice()).detail.startswith("250")


def test_a_certificate_that_nobody_vouches_for_gets_no_password(server, a_notice):
    error = failed(channel(server, ca_file=None), a_notice)
    assert isinstance(error, TryLater)
    assert_not_sent(error, Mailbox)
    assert "certificate" in error.message
    assert server.logins == []


def test_a_certificate_of_another_name_gets_no_password(server, a_notice):
    error = failed(channel(server, host="127.0.0.2"), a_notice)
    assert isinstance(error, TryLater)
    assert_not_sent(error, Mailbox)
    assert server.logins == []


def test_a_server_without_starttls_gets_no_password(tmp_path, a_notice):
    with mail_server(tmp_path, tls="none") as server:
        error = failed(channel(server), a_notice)
        assert isinstance(error, Undeliverable)
        assert error.disables_channel
        assert "tls: implicit" in error.message
        assert server.logins == []


def test_tls_from_the_first_byte(tmp_path, a_notice):
    with mail_server(tmp_path, tls="implicit") as server:
        channel(server, tls="implicit").send(a_notice())
        assert server.secured == [True]


def test_a_relay_next_door_needs_neither_tls_nor_a_login(tmp_path, a_notice):
    with mail_server(tmp_path, tls="none", login=False) as server:
        channel(server, tls="none", user=None, password=None).send(a_notice())
        assert (len(server.envelopes), server.logins) == (1, [])


def test_a_server_that_lets_nobody_log_in(tmp_path, a_notice):
    with mail_server(tmp_path, tls="none", login=False) as server:
        error = failed(channel(server, tls="none"), a_notice)
        assert isinstance(error, Undeliverable)
        assert error.disables_channel


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"to": []}, "at least 1 item"),
        ({"to": ["ana"]}, "an address looks like"),
        ({"to": ["a@b.example", "A <a@b.example>"]}, "stands there twice"),
        ({"to": ["a@b.example, c@d.example"]}, "an address looks like"),
        ({"sender": "x\r\nBcc: evil@example.com"}, "control characters"),
        ({"user": None}, "go together"),
        ({"tls": "none", "host": "mail.example.com"}, "for everybody to read"),
        ({"host": "smtp://mail.example.com"}, "match pattern"),
        ({"timeout": 60}, "less than or equal"),
    ],
)
def test_wrong_options_are_refused_in_words_without_the_password(options, words):
    given: dict[str, Any] = {
        "host": "localhost", "user": USER, "password": PASSWORD, "sender": SENDER, "to": TO, **options,
    }  # fmt: skip
    with pytest.raises(ValidationError, match=re.escape(words)) as caught:
        EmailOptions(**given)
    assert PASSWORD not in str(caught.value)


def test_certificates_that_cannot_be_read_are_told_when_it_is_built(tmp_path):
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("empty.pem", "none.pem"):
        with pytest.raises(ChannelSetupError, match="ca_file"):
            EmailChannel.from_options("x", EmailOptions(host="h", sender=SENDER, to=TO, ca_file=tmp_path / name))
