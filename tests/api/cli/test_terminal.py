"""What strangers say is written to a terminal as text, whichever way it comes there."""

import json
import logging
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from alerts.text import BIDI_CONTROLS
from api import logs
from api.cli import output
from api.terminal import json_text, visible_lines

from .conftest import Escucha

HOSTILE = "\x1b[2J\x1b]0;title\x07\x9b31m\u202eabc\rover\x00\x7f[bold]not bold[/]"


def harmless(shown: str) -> bool:
    """Whether a terminal shows all of it as it is."""
    return not any((ord(one) < 32 and one != "\n") or 0x7F <= ord(one) < 0xA0 or one in BIDI_CONTROLS for one in shown)


@given(st.recursive(st.text() | st.integers() | st.none(), lambda of: st.lists(of) | st.dictionaries(st.text(), of)))
def test_json_is_the_same_data_and_harmless(data: object) -> None:
    for written in (json_text(data), json_text(data, indent=2)):
        assert json.loads(written) == data
        assert harmless(written)
        written.encode("utf-8")


def test_letters_of_all_scripts_stay_as_they_are() -> None:
    assert json_text("¡Qué alegría! 日本 🙂 שלום") == '"¡Qué alegría! 日本 🙂 שלום"'
    assert visible_lines("¡Qué alegría!\n  日本 🙂") == "¡Qué alegría!\n  日本 🙂"


def test_what_is_said_to_a_person_keeps_its_lines_and_nothing_that_acts(capsys: pytest.CaptureFixture[str]) -> None:
    output.say(f"a server said:\n  {HOSTILE}")

    said = capsys.readouterr().err
    assert harmless(said)
    assert said.splitlines()[0] == "a server said:"
    assert r"  \x1b[2J\x1b]0;title\x07\x9b31m\u202eabc\rover\x00\x7f[bold]not bold[/]" in said


def test_a_server_that_refuses_does_not_act_on_the_terminal(
    escucha: Escucha, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words end the command, and stand in the list and in the JSON afterwards."""
    httpserver.expect_request("/api/v1/timelines/tag/lumbra").respond_with_json({"error": HOSTILE}, status=403)
    monkeypatch.setenv("ESCUCHA_MASTODON_URL", httpserver.url_for(""))
    (tmp_path / "escucha.yml").write_text(
        "brands: [{name: Lumbra}]\nsources: [{name: toots, kind: mastodon, hashtags: [lumbra]}]\n"
    )

    refused = escucha("collect", "--once")

    assert refused.status == 1
    assert r"(\x1b[2J\x1b]0;title\x07\x9b31m\u202eabc\rover" in refused.err
    listed, shown, data = escucha("sources"), escucha("sources", "show", "toots"), escucha("sources", "--json")
    assert all(harmless(result.out + result.err) for result in (refused, listed, shown, data))
    assert json.loads(data.out)
    assert r"\u009b31m\u202eabc" in data.out


def test_json_on_the_terminal_is_harmless(escucha: Escucha) -> None:
    result = escucha("query", "explain", "Aeroluz", "--text", f"Aeroluz {HOSTILE}", "--json")

    assert result.status == 0
    assert harmless(result.out)
    json.loads(result.out)


@pytest.mark.parametrize("as_json", [True, False])
def test_a_traceback_in_the_log_is_harmless(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    logs.configure("info", as_json=as_json)
    try:
        try:
            raise ValueError(HOSTILE)
        except ValueError:
            structlog.get_logger().exception("failed", why=HOSTILE)
            logging.getLogger("elsewhere").exception("failed there")
    finally:
        structlog.reset_defaults()

    said = capsys.readouterr().err
    assert said.count("ValueError") >= 2
    assert harmless(said)
