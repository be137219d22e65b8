"""``escucha backfill`` as a person uses it: the plan, the money, Ctrl-C, kill -9, and the same command again."""

import os
import pty
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel
from pytest_httpserver import HTTPServer
from sqlalchemy import text
from werkzeug import Request, Response

from listener import configfile, registry
from listener.http import Http
from listener.items import Item
from listener.jobs.backfill import Outcome, Planned, run
from listener.query import Query
from listener.registry import SourceKind
from listener.source import Cursor, Estimate, Limit, Meter, Page, account_name
from listener.store.engine import Store
from tests.listener.sources.conformance import Post
from tests.listener.sources.fake_hackernews import FakeHackerNews

from .conftest import COMMAND, Escucha, count

POSTS = 300
SINCE = datetime(2026, 5, 1, tzinfo=UTC)
BACKFILL = ("backfill", "--brand", "Lumbra", "--since", "2026-05-01", "--until", "2026-05-31")
"""With an end, so that the same question is asked each time."""


class SlowHackerNews(FakeHackerNews):
    """Takes its time, so that one can be killed in the middle; remembers what it was asked."""

    def __init__(self, httpserver: HTTPServer, http: Http) -> None:
        super().__init__(httpserver, http)
        self.delay = 0.0
        self.most_per_page = 15  # so that there are many pages

    def answer(self, request: Request) -> Response:
        time.sleep(self.delay)
        return super().answer(request)


@pytest.fixture
def hackernews(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SlowHackerNews]:
    with Http() as http:
        platform = SlowHackerNews(httpserver, http)
        every = timedelta(days=30) / POSTS
        platform.publish(Post(str(n), f"Lumbra is down again, number {n}", SINCE + n * every) for n in range(POSTS))
        monkeypatch.setenv("ESCUCHA_HACKERNEWS_URL", httpserver.url_for("/api/v1"))
        write_config(tmp_path, "  - {name: hn, kind: hackernews}")
        yield platform


def write_config(tmp_path: Path, *sources: str) -> None:
    lines = ["brands: [{name: Lumbra}, {name: Telmira}]", "sources:", *sources]
    (tmp_path / "escucha.yml").write_text("\n".join(lines) + "\n")


def begin(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([COMMAND, *arguments], stdout=-1, stderr=-1, text=True)


def test_the_past_is_read_and_said_and_read_once(escucha: Escucha, tmp_path: Path, hackernews: SlowHackerNews) -> None:
    result = escucha(*BACKFILL)
    assert result.status == 0, result.err
    assert "hn (hackernews): 2026-05-01 00:00 UTC to 2026-06-01 00:00 UTC; costs nothing" in result.err
    assert "hn: 300 found, 300 new, 0 known already" in result.err
    assert count(tmp_path, "SELECT count(*) FROM mention") == POSTS

    asked = len(hackernews.requests)
    result = escucha(*BACKFILL)
    assert result.status == 0
    assert "was read before, 300 mentions stored; --again reads it once more" in result.err
    assert len(hackernews.requests) == asked

    result = escucha(*BACKFILL, "--again")
    assert result.status == 0
    assert "hn: 300 found, 0 new, 300 known already" in result.err


def test_a_dry_run_reads_nothing(escucha: Escucha, tmp_path: Path, hackernews: SlowHackerNews) -> None:
    result = escucha(*BACKFILL, "--dry-run")
    assert result.status == 0
    assert "2026-05-01 00:00 UTC to" in result.err
    assert hackernews.requests == []
    assert count(tmp_path, "SELECT count(*) FROM backfill") == 0


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_however_it_ends_the_same_command_goes_on(
    escucha: Escucha, tmp_path: Path, hackernews: SlowHackerNews, end: signal.Signals
) -> None:
    hackernews.delay = 0.03
    process = begin(*BACKFILL)
    while len(hackernews.requests) < 20:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(end)
    _, errors = process.communicate(timeout=30)
    kept = count(tmp_path, "SELECT count(*) FROM mention")
    assert 0 < kept < POSTS
    if end is signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
        with_lease_over(tmp_path)
    else:
        assert process.returncode == 130, errors
        assert "stopped; the same command goes on where it was" in errors

    hackernews.delay = 0
    result = escucha(*BACKFILL)
    assert result.status == 0, result.err
    assert "goes on after" in result.err
    assert count(tmp_path, "SELECT count(*) FROM mention") == POSTS
    assert count(tmp_path, f"SELECT count(*) FROM backfill WHERE state = 'finished' AND found >= {POSTS - kept}") == 1


def with_lease_over(tmp_path: Path) -> None:
    """Two minutes later."""
    store = Store(f"sqlite:///{tmp_path}/data/escucha.db")
    with store.transaction() as session:
        session.connection().execute(text("UPDATE backfill SET lease_until = started_at"))
    store.close()


def test_a_platform_that_is_down_is_told_and_nothing_is_lost(
    escucha: Escucha, tmp_path: Path, hackernews: SlowHackerNews, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("listener.jobs.backfill.TRIES", 1)
    for request in range(8, 20):
        hackernews.fail(lambda request, response: Response("down", 503), request=request)
    result = escucha(*BACKFILL)
    assert result.status == 1
    assert "503" in result.err
    assert "the same command goes on where it was" in result.err
    kept = count(tmp_path, "SELECT count(*) FROM mention")
    hackernews._faults.clear()
    assert escucha(*BACKFILL).status == 0
    assert kept < count(tmp_path, "SELECT count(*) FROM mention") == POSTS


def test_another_sources_secret_is_not_needed(escucha: Escucha, tmp_path: Path, hackernews: SlowHackerNews) -> None:
    write_config(
        tmp_path,
        "  - {name: hn, kind: hackernews}",
        "  - {name: yt, kind: youtube, channels: [UC12345678901234567890ab], api_key_from: NOBODY_SET_THIS}",
        "channels: [{name: slack, kind: slack, url_from: NOR_THIS}]",
    )
    result = escucha(*BACKFILL, "--source", "hn")
    assert result.status == 0, result.err
    assert count(tmp_path, "SELECT count(*) FROM mention") == POSTS

    result = escucha(*BACKFILL)
    assert result.status == 1
    assert "yt (youtube) cannot be read: " in result.err
    assert "NOBODY_SET_THIS is not set" in result.err


def test_what_nobody_foresaw_in_one_source_stops_no_other(
    escucha: Escucha, tmp_path: Path, hackernews: SlowHackerNews, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(store: Store, planned: Planned, *more: Any) -> Outcome:
        if planned.row.name == "[bold]odd":
            raise KeyError("a secret")
        return run(store, planned, *more)

    monkeypatch.setattr("api.cli.backfill.run_backfill", breaks)
    write_config(tmp_path, "  - {name: hn, kind: hackernews}", "  - {name: '[bold]odd', kind: hackernews}")
    result = escucha(*BACKFILL)
    assert result.status == 1
    assert "hn: 300 found, 300 new" in result.err
    last = result.err.strip().splitlines()[-1]
    assert last == (
        "escucha: [bold]odd: unforeseen KeyError; the log tells more; the same command goes on where it was"
    )
    bars = [line for line in result.err.splitlines() if "0:00:0" in line]
    assert any("[bold]odd" in line for line in bars)


def test_a_feed_that_cannot_look_back_says_so(escucha: Escucha, tmp_path: Path, httpserver: HTTPServer) -> None:
    write_config(tmp_path, "  - {name: news, kind: rss, url: 'https://news.example/feed'}")
    result = escucha(*BACKFILL)
    assert result.status == 1
    assert "news (rss) cannot look back: its platform only hands out what it has now" in result.err
    assert "no source can look back for that; nothing was read" in result.err


@pytest.mark.parametrize(
    ("arguments", "says", "status"),
    [
        (("--brand", "Lumbra", "--since", "yesterday"), "is no day", 2),
        (("--brand", "Lumbra", "--since", "2026-05-02", "--until", "2026-05-01"), "is not before", 2),
        (("--brand", "Lumbra", "--since", "2999-01-01"), "is not before now", 2),
        (("--brand", "Lumbre", "--since", "2026-05-01"), "nobody listens for Lumbre; the brands are: Lumbra, Tel", 1),
        (("--brand", "Lumbra", "--since", "2026-05-01", "--source", "x"), "no source is called x; escucha.yml", 1),
        (("--since", "2026-05-01"), "--brand", 2),
    ],
)
def test_wrong_use_is_one_clear_line(
    escucha: Escucha, hackernews: SlowHackerNews, arguments: Sequence[str], says: str, status: int
) -> None:
    result = escucha("backfill", *arguments)
    assert result.status == status
    assert says in " ".join(result.err.split())
    assert "Traceback" not in result.err
    assert hackernews.requests == []


def test_a_day_is_meant_whole(escucha: Escucha, tmp_path: Path, hackernews: SlowHackerNews) -> None:
    assert escucha("backfill", "-b", "Lumbra", "--since", "2026-05-01", "--until", "2026-05-01").status == 0
    assert count(tmp_path, "SELECT count(*) FROM mention") == POSTS // 30 + 1  # the one of midnight belongs to both


# --- A platform that costs money


class DearOptions(BaseModel):
    """None."""


class Dear:
    """Ten posts, fifty cents each at most, a page a post."""

    kind: ClassVar[str] = "dear"
    ordered: ClassVar[bool] = True
    lag: ClassVar[timedelta] = timedelta(0)
    history: ClassVar[timedelta | None] = None

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def estimate(self, query: Query | None, since: datetime, until: datetime) -> Estimate:
        return Estimate(10, Decimal(5), weight=1200)

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        for number in range(cursor["next"] if cursor else 0, 10):
            self._meter.ask(cost=Decimal("0.50"))
            self._meter.paid(Decimal("0.25"))
            said_at = SINCE + timedelta(hours=number)
            yield Page((Item("dear", str(number), "Lumbra is down", said_at),), {"next": number + 1})


@pytest.fixture
def dear(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def make(_options: Any, tools: Any) -> Dear:
        limits = (Limit(100, timedelta(minutes=1)),)
        return Dear(tools.meter(account_name("dear", "token"), limits, Decimal("10.00")))

    kinds = {**registry.SOURCES, "dear": SourceKind("dear", "Costs.", DearOptions, make)}
    for module in (registry, configfile):
        monkeypatch.setattr(module, "SOURCES", kinds)
    write_config(tmp_path, "  - {name: x-brand, kind: dear}")


def test_money_is_not_spent_unasked(escucha: Escucha, tmp_path: Path, dear: None) -> None:
    result = escucha(*BACKFILL)
    assert result.status == 2
    said = " ".join(result.err.replace("│", " ").split())
    assert "about 10 requests (1,200 units of the quota); at most $5.00; the day's cap is $10.00" in said
    assert "takes 15 minutes or more within the quotas" in said  # 1,200 of 80 a minute
    assert "this may cost up to $5.00: say --yes to spend that" in said
    assert count(tmp_path, "SELECT count(*) FROM mention") == 0
    assert count(tmp_path, "SELECT count(*) FROM spend") == 0


def test_with_yes_it_is_spent_and_told(escucha: Escucha, tmp_path: Path, dear: None) -> None:
    result = escucha(*BACKFILL, "--yes")
    assert result.status == 0, result.err
    assert "x-brand: 10 found, 10 new, 0 known already, $2.50 spent" in result.err
    assert count(tmp_path, "SELECT sum(amount) FROM spend") == 2_500_000_000
    assert count(tmp_path, "SELECT sum(requests) FROM spend") == 10


@pytest.mark.parametrize(("answer", "status", "stored"), [("y", 0, 10), ("n", 1, 0)])
def test_at_a_terminal_it_asks(
    escucha: Escucha,
    tmp_path: Path,
    dear: None,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    status: int,
    stored: int,
) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    with os.fdopen(theirs) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        result = escucha(*BACKFILL)
    os.close(ours)
    assert result.status == status
    assert "Spend up to $5.00?" in result.err
    assert count(tmp_path, "SELECT count(*) FROM mention") == stored
