"""``escucha channels`` as a person uses it."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import text

from listener.store import channels
from listener.store.engine import Store
from listener.store.tables import DeliveryAttempt, table

from .conftest import Escucha

TOKEN = "s3crettoken"
HOOK = f"/api/webhooks/123456/{TOKEN}"

CONFIG = """
channels:
  - {name: ops, kind: discord, url_from: OPS_WEBHOOK, budget: 12, fallback: console}
  - {name: console, kind: log}
  - {name: mail, kind: email, host: mail.example.com, user: me, password_from: MAIL_PASSWORD,
     sender: escucha@example.com, to: [ana@example.com]}
"""


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer) -> HTTPServer:
    """Three channels; one's secret is set, and its server is here."""
    (tmp_path / "escucha.yml").write_text(CONFIG)
    # The server in this process logs what it was asked, as ours never do.
    monkeypatch.setattr(logging.getLogger("werkzeug"), "disabled", True)
    monkeypatch.setenv("OPS_WEBHOOK", httpserver.url_for(HOOK))
    return httpserver


def test_a_test_says_what_came_back_and_needs_no_other_channels_secret(
    escucha: Escucha, configured: HTTPServer
) -> None:
    configured.expect_request(HOOK).respond_with_json({"id": "99"})
    result = escucha("channels", "test", "ops")

    assert (result.status, result.err) == (0, "ops: sent (message 99)\n")
    [(request, _)] = configured.log
    assert "Test message from Escucha" in request.get_data(as_text=True)


def test_a_test_that_fails_says_why_and_what_to_do(escucha: Escucha, configured: HTTPServer) -> None:
    configured.expect_request(HOOK).respond_with_json({"code": 10015, "message": "Unknown Webhook"}, status=404)
    result = escucha("channels", "test", "ops")

    assert result.status == 1
    assert "ops: not sent (channel_refused)" in result.err
    assert "create a new webhook in Discord" in result.err
    assert TOKEN not in result.err
    assert "Traceback" not in result.err


def test_a_test_that_may_have_arrived_says_so(escucha: Escucha, configured: HTTPServer) -> None:
    configured.expect_request(HOOK).respond_with_data("", status=502)
    result = escucha("channels", "test", "ops")

    assert (result.status, "it may have arrived" in result.err) == (1, True)


def test_a_test_without_its_secret_names_the_variable(escucha: Escucha, configured: HTTPServer) -> None:
    result = escucha("channels", "test", "mail")

    assert result.status == 2
    assert "MAIL_PASSWORD is not set" in result.err


def test_a_name_that_nobody_has_is_told_with_those_there_are(escucha: Escucha, configured: HTTPServer) -> None:
    for command in ("test", "enable"):
        result = escucha("channels", command, "opps")
        assert (result.status, "there are: ops, console, mail" in result.err) == (2, True)


def test_a_channel_that_is_off_is_listed_with_why_and_switched_on_again(
    escucha: Escucha, configured: HTTPServer, tmp_path: Path
) -> None:
    configured.expect_request(HOOK).respond_with_json({"id": "99"})
    assert "ops: discord, on; 0 pending, 0 dead; 0 of 12 messages in the last hour; nothing sent yet" in (
        escucha("channels", "list").out
    )
    now = datetime.now(UTC)
    store = Store(f"sqlite:///{tmp_path}/data/escucha.db")
    with store.transaction() as session:
        channels.held(session, "ops", now)
        channels.disable(session, "ops", now, "discord.com answered 404")
        session.connection().execute(
            text(
                "INSERT INTO delivery (key, channel, kind, mode, severity, reason, notice, state, ambiguous, attempts,"
                " not_before, created_at) VALUES ('k', 'ops', 'opened', 'post', 'warning', 'incident_opened', '{}',"
                " 'dead', false, 8, :now, :now)"
            ),
            {"now": now.replace(tzinfo=None).isoformat(" ")},
        )
        refused = {
            "delivery_id": 1, "number": 1, "at": now, "outcome": "channel_refused", "detail": "", "counts": False
        }  # fmt: skip
        session.connection().execute(table(DeliveryAttempt).insert().values(**refused))
    store.close()

    listed = escucha("channels", "list")
    assert listed.status == 0
    assert "ops: discord, off since " in listed.out
    assert "discord.com answered 404; 0 pending, 1 dead;" in listed.out
    assert "console: log, on" in listed.out
    assert "switch it on with: escucha channels enable ops" in escucha("channels", "test", "ops").err
    assert "ops is on; 1 delivery will be tried again" in escucha("channels", "enable", "ops").err
    assert "ops: discord, on; 1 pending, 0 dead" in escucha("channels", "list").out
