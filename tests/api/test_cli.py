"""The command as a person uses it: what it prints, what it leaves behind, and its exit status."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import structlog
from pytest_httpserver import HTTPServer
from sqlalchemy import text
from werkzeug import Request, Response

from api.cli import main
from listener.store.engine import Store

COMMAND = Path(sys.executable).parent / "escucha"

FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>
<item><guid>n1</guid><title>Lumbra outage leaves thousands offline, customers furious</title>
<link>https://example.com/n1</link><pubDate>{when}</pubDate></item>
<item><guid>n2</guid><title>Weather: sunny</title><link>https://example.com/n2</link></item></channel></rss>"""


@dataclass(frozen=True)
class Result:
    """What a command came to."""

    status: int
    out: str
    err: str


Escucha = Callable[..., Result]


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder and no settings but a data directory of the test's own."""
    for name in list(os.environ):
        if name.startswith("ESCUCHA_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ESCUCHA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ESCUCHA_POLL_SECONDS", "0.05")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def escucha(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Escucha:
    """Runs the command in this process."""

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["escucha", *arguments])
        try:
            main()
            status: object = 0
        except SystemExit as end:
            status = end.code
        finally:
            structlog.reset_defaults()
        said = capsys.readouterr()
        return Result(int(str(status or 0)), said.out, said.err)

    return run


def count(tmp_path: Path, query: str) -> int:
    """A number out of the test's database."""
    store = Store(f"sqlite:///{tmp_path}/data/escucha.db")
    with store.engine.connect() as connection:
        found = int(connection.execute(text(query)).scalar() or 0)
    store.close()
    return found


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    """A JSONL file."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


ROWS: list[dict[str, object]] = [
    {"id": 1, "created_at": "2026-11-20T10:00:00Z", "target": "Lumbra", "text": "I love Lumbra, best support ever"},
    {
        "id": 2,
        "created_at": "2026-11-20T10:05:00Z",
        "target": "Lumbra",
        "text": "Lumbra is horrible, I hate it",
    },
    {
        "id": 3,
        "created_at": "2026-11-20T10:06:00Z",
        "target": "Telmira",
        "text": "Telmira is awful, worst service ever",
    },
]


@pytest.mark.parametrize(
    "command",
    ["demo", "run", "serve", "schedule", "work", "import", "collect", "score", "check", "db", "db upgrade", "channels",
     "channels list", "channels test", "channels enable"],
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


def test_import_stores_scores_judges_and_delivers_once(escucha: Escucha, tmp_path: Path) -> None:
    write_rows(tmp_path / "m.jsonl", ROWS)
    first = escucha("import", "m.jsonl", "--brand", "Lumbra", "--brand", "Telmira", "--alert")
    assert first.status == 0, first.err
    assert "3 mentions stored, 0 known already" in first.err
    assert "all scored, judged and delivered" in first.err
    assert count(tmp_path, "SELECT count(*) FROM score") == 3
    assert count(tmp_path, "SELECT count(*) FROM mention_brand WHERE label = 'promoter'") >= 1
    assert count(tmp_path, "SELECT count(*) FROM delivery WHERE state = 'sent'") == 2
    second = escucha("import", "m.jsonl", "--brand", "Lumbra", "--brand", "Telmira", "--alert")
    assert "0 mentions stored, 3 known already" in second.err
    assert count(tmp_path, "SELECT count(*) FROM delivery") == 2


def test_import_says_which_rows_name_another_brand(escucha: Escucha, tmp_path: Path) -> None:
    write_rows(tmp_path / "m.jsonl", ROWS)
    result = escucha("import", "m.jsonl", "--brand", "Lumbra")
    assert "2 mentions stored" in result.err
    assert "Telmira (1); add --brand NAME" in result.err


def test_imported_history_raises_no_alert_unless_asked(escucha: Escucha, tmp_path: Path) -> None:
    old = [row | {"created_at": "2020-01-01T00:00:00Z"} for row in ROWS]
    write_rows(tmp_path / "m.jsonl", old)
    assert escucha("import", "m.jsonl", "--brand", "Lumbra", "--brand", "Telmira").status == 0
    assert count(tmp_path, "SELECT count(*) FROM alert") == 0
    assert count(tmp_path, "SELECT count(*) FROM mention_brand WHERE verdict = 'too_old'") == 2


def test_a_line_that_is_no_json_is_told_and_the_rest_is_kept(escucha: Escucha, tmp_path: Path) -> None:
    write_rows(tmp_path / "m.jsonl", ROWS)
    with (tmp_path / "m.jsonl").open("a", encoding="utf-8") as lines:
        lines.write('{"id": 4, "text": \n' + json.dumps(ROWS[0] | {"id": 5}) + "\n")
    result = escucha("import", "m.jsonl", "--brand", "Lumbra")
    assert result.status == 1
    assert "not stored: line 4: " in result.err
    assert "1 rows of m.jsonl were not stored" in result.err
    assert count(tmp_path, "SELECT count(*) FROM mention") == 3


def test_a_csv_with_broken_quoting_is_refused_with_the_line(escucha: Escucha, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(
        'id,created_at,text\n1,2026-11-20T10:00:00Z,fine\n2,2026-11-20T10:00:00Z,"open\n3,x,y\n'
    )
    result = escucha("import", "m.csv", "--brand", "Lumbra")
    assert result.status == 1
    assert "line 3" in result.err
    assert "quot" in result.err


@pytest.mark.parametrize(
    ("variable", "value", "says", "status"),
    [
        ("ESCUCHA_MODEL", "/nowhere/model", "/nowhere/model", 1),
        ("ESCUCHA_SLACK_WEBHOOK_URL", "hooks.slack.com/services/T0/B0/secret", "looks like https://hooks.slack.com", 2),
        ("ESCUCHA_DATABASE_URL", "mysql://root@localhost/x", "postgresql+psycopg", 1),
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


def test_score_keeps_order_and_the_contract(escucha: Escucha, tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", [{"text": "I love Lumbra", "target": "Lumbra", "mine": 1}, {"text": "Meh"}])
    result = escucha("score", "--input", "in.jsonl", "--output", "out.jsonl")
    assert result.status == 0, result.err
    first, second = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines())
    assert (first["text"], first["mine"], second["text"]) == ("I love Lumbra", 1, "Meh")
    assert set(first["polarity"]) == {"negative", "neutral", "positive"}
    assert set(first["stance"]) == {"-2", "-1", "0", "1", "2"}
    assert first["label"] in ("promoter", "passive", "detractor")
    assert (second["stance"], second["label"]) == (None, None)
    assert {"emotions", "irony", "offensive", "complaint", "relevance", "model", "revision"} <= set(first)


@pytest.mark.parametrize(
    ("line", "says"), [("{", "line 2: not JSON"), ("[]", "line 2: not a JSON object"), ('{"text": 5}', "line 2")]
)
def test_score_refuses_a_bad_row_and_leaves_no_half_output(
    escucha: Escucha, tmp_path: Path, line: str, says: str
) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "fine"}\n' + line + "\n")
    result = escucha("score", "--input", "in.jsonl", "--output", "out.jsonl")
    assert result.status == 1
    assert says in result.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl"]


def test_check_names_every_mistake_with_its_place(escucha: Escucha, tmp_path: Path) -> None:
    (tmp_path / "escucha.yml").write_text(
        "brands:\n  - name: Lumbra\n    qeury: x\nsources:\n  - {name: a, kind: rss}\n"
        "  - {name: b, kind: twitter}\nchannels: []\n"
    )
    result = escucha("check")
    assert result.status == 2
    assert "escucha.yml: line 3, column 5: nothing here is called 'qeury'" in result.err
    (tmp_path / "escucha.yml").write_text(
        "brands: [{name: Lumbra}]\nsources:\n  - {name: a, kind: rss}\n  - {name: b, kind: twitter}\n"
    )
    result = escucha("check")
    assert "line 3, column 5: 'url' is missing" in result.err
    assert "line 4, column 15: no source is of the kind 'twitter'" in result.err


def test_check_is_content_with_a_sound_file_and_warns_of_a_misspelt_setting(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "escucha.yml").write_text("brands: [{name: Lumbra}]\n")
    monkeypatch.setenv("ESCUCHA_SLACK_WEBHOK_URL", "x")
    result = escucha("check")
    assert result.status == 0
    assert "1 brand, 0 sources; alerts go to log" in result.err
    assert "ESCUCHA_SLACK_WEBHOK_URL is no setting of Escucha; did you mean ESCUCHA_SLACK_WEBHOOK_URL?" in result.err


def test_db_upgrade_tells_the_revision(escucha: Escucha) -> None:
    assert "(was empty)" in escucha("db", "upgrade").err
    assert "already" in escucha("db", "upgrade").err


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
    assert "slack: slack, on" in escucha("channels", "list").err
    assert "0 deliveries will be tried again" in escucha("channels", "enable", "slack").err
    wrong = escucha("channels", "test", "slak")
    assert (wrong.status, "there are: log, slack" in wrong.err) == (1, True)


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
    assert min(summary["promoters"], summary["detractors"], summary["alerts"]) > 0
    assert summary["delivered"] >= summary["alerts"]


def test_run_brings_a_detractor_to_slack_and_stops_in_good_order(tmp_path: Path, httpserver: HTTPServer) -> None:
    when = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() - 60))
    taken: list[dict[str, object]] = []

    def slack(request: Request) -> Response:
        taken.append(request.get_json())
        return Response("ok")

    httpserver.expect_request("/feed").respond_with_data(FEED.format(when=when))
    httpserver.expect_request("/services/T0/B0/x").respond_with_handler(slack)
    feed = httpserver.url_for("/feed")
    (tmp_path / "escucha.yml").write_text(
        f"brands: [{{name: Lumbra}}]\nsources:\n  - {{name: news, kind: rss, every: 1s, url: '{feed}'}}\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = os.environ | {
        "ESCUCHA_SLACK_WEBHOOK_URL": httpserver.url_for("/services/T0/B0/x"),
        "ESCUCHA_PORT": str(port),
        "ESCUCHA_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    running = subprocess.Popen([COMMAND, "run"], env=settings, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not taken and time.monotonic() < deadline and running.poll() is None:
            time.sleep(0.1)
        assert taken, "nothing reached Slack"
        (alert,) = httpx2.get(f"http://127.0.0.1:{port}/api/alerts").json()["items"]
        assert httpx2.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    finally:
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=30)
    assert running.returncode == 0, said
    assert (alert["brand"], alert["count"]) == ("Lumbra", 1)
    assert len(taken) == 1
    assert "Lumbra outage" in json.dumps(taken[0])
    assert f"http://127.0.0.1:{port}/alerts/{alert['id']}" in json.dumps(taken[0])
