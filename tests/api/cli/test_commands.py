"""What holds for all commands, and those that need few words."""

import json
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from listener.http import Http
from listener.store.engine import Store

from .conftest import COMMAND, ROWS, Escucha, count, write_rows

FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>
<item><guid>n1</guid><title>Lumbra outage leaves thousands offline, customers furious</title>
<link>https://example.com/n1</link><pubDate>{when}</pubDate></item>
<item><guid>n2</guid><title>Weather: sunny</title><link>https://example.com/n2</link></item></channel></rss>"""


@pytest.mark.parametrize(
    "command",
    ["demo", "run", "serve", "schedule", "work", "import", "collect", "backfill", "score", "explain", "evaluate",
     "check", "db", "db upgrade", "channels", "channels list", "sources", "sources show", "sources test",
     "alerts", "alerts list", "alerts acknowledge", "alerts precision", "alerts service",
     "channels test", "channels enable", "brands", "brands list", "brands show", "brands reset",
     "query", "query explain", "silences", "silences list", "silences add",
     "silences end", "alerts route", "users", "users list", "users add", "users roles", "users password",
     "users deactivate", "users activate", "keys", "keys list", "keys make", "keys revoke"],
)  # fmt: skip
def test_every_command_explains_itself(escucha: Escucha, command: str) -> None:
    result = escucha(*command.split(), "--help")
    assert result.status == 0
    assert "Usage: escucha" in result.out


def test_a_misspelt_option_is_named_and_nothing_happens(escucha: Escucha, tmp_path: Path) -> None:
    result = escucha("import", "x.jsonl", "--brnad", "Lumbra")
    assert result.status == 2
    assert "--brnad" in result.err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("variable", "value", "says", "status"),
    [
        ("ESCUCHA_MODEL", "/nowhere/model", "/nowhere/model", 2),
        ("ESCUCHA_SLACK_WEBHOOK_URL", "hooks.slack.com/services/T0/B0/secret", "looks like https://hooks.slack.com", 2),
        ("ESCUCHA_DATABASE_URL", "mysql://root@localhost/x", "postgresql+psycopg", 2),
        ("ESCUCHA_THREADS", "many", "ESCUCHA_THREADS", 2),
        ("ESCUCHA_CONFIG", "none.yml", "there is no none.yml", 2),
    ],
)
def test_a_wrong_setting_is_one_clear_line(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str, status: int
) -> None:
    write_rows(tmp_path / "m.jsonl", ROWS)
    monkeypatch.setenv(variable, value)
    result = escucha("import", "m.jsonl", "--brand", "Lumbra")
    assert result.status == status
    assert says in result.err
    assert "Traceback" not in result.err
    assert "secret" not in result.err
    assert "stored" not in result.err
    assert not (tmp_path / "data").exists() or count(tmp_path, "SELECT count(*) FROM brand") == 0


def test_collect_once_reads_every_source_and_tells_which_failed(
    escucha: Escucha, tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/feed").respond_with_data(FEED.format(when="Fri, 20 Nov 2026 10:00:00 GMT"))
    httpserver.expect_request("/gone").respond_with_data("", status=404)
    (tmp_path / "escucha.yml").write_text(
        f"brands: [{{name: Lumbra}}]\nsources:\n  - {{name: good, kind: rss, url: '{httpserver.url_for('/feed')}'}}\n"
        f"  - {{name: bad, kind: rss, url: '{httpserver.url_for('/gone')}'}}\n"
    )
    result = escucha("collect", "--once")
    assert result.status == 1
    assert "good: 2 seen, 1 new, 0 known already" in result.err
    assert "bad: " in result.err
    assert "404" in result.err
    assert count(tmp_path, "SELECT count(*) FROM mention") == 1


def test_a_channel_can_be_tested(escucha: Escucha, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/services/T0/B0/x").respond_with_data("ok")
    monkeypatch.setenv("ESCUCHA_SLACK_WEBHOOK_URL", httpserver.url_for("/services/T0/B0/x"))
    assert "slack: sent (ok)" in escucha("channels", "test", "slack").err
    assert "slack: slack, on" in escucha("channels", "list").out
    assert "0 deliveries will be tried again" in escucha("channels", "enable", "slack").err
    wrong = escucha("channels", "test", "slak")
    assert (wrong.status, "there are: log, slack" in wrong.err) == (2, True)


def test_demo_once_ends_with_its_summary() -> None:
    done = subprocess.run([COMMAND, "demo", "--once"], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert list(summary) == [
        "mentions",
        "scored",
        "promoters",
        "passives",
        "detractors",
        "alerts",
        "delivered",
        "seconds",
    ]
    assert summary["mentions"] >= 400
    assert summary["mentions"] == summary["scored"]
    assert summary["scored"] == summary["promoters"] + summary["passives"] + summary["detractors"]
    # Not every incident is told: promoters are from a number of them on.
    assert min(summary[name] for name in ("promoters", "detractors", "alerts", "delivered")) > 0


def test_the_version_is_told(escucha: Escucha) -> None:
    assert escucha("--version").out == f"escucha {version('escucha')}\n"


def test_names_of_sources_go_with_once_only(escucha: Escucha, tmp_path: Path) -> None:
    (tmp_path / "escucha.yml").write_text("brands: [{name: Lumbra}]\nsources: [{name: hn, kind: hackernews}]\n")
    result = escucha("collect", "hn")
    assert result.status == 2
    assert "--once" in result.err


@pytest.mark.parametrize(
    "command", ["import m.jsonl --brand Lumbra", "import m.jsonl --brand Lumbra --map text=none", "collect --once",
                "channels list", "channels test slak", "db upgrade", "check", "demo --once"],
)  # fmt: skip
def test_every_command_closes_what_it_opened(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    opened: list[object] = []
    for kind in (Store, Http):
        made, closed = kind.__init__, kind.close

        def make(self: object, *given: object, made: object = made, **more: object) -> None:
            opened.append(self)
            made(self, *given, **more)  # type: ignore[operator]

        def close(self: object, closed: object = closed) -> None:
            opened.remove(self)
            closed(self)  # type: ignore[operator]

        monkeypatch.setattr(kind, "__init__", make)
        monkeypatch.setattr(kind, "close", close)
    (tmp_path / "escucha.yml").write_text("brands: [{name: Lumbra}]\n")
    write_rows(tmp_path / "m.jsonl", ROWS)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "escucha.db").touch()
    escucha(*command.split())
    assert opened == []
