"""`escucha alerts backtest` and `escucha digest`, as a person types them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.notice import Notice
from listener.configfile import parse_text
from listener.store import migrate
from listener.store.engine import Store
from listener.store.tables import Delivery
from tests.conftest import Clock
from tests.listener.conftest import Site, item

from .conftest import Escucha

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
HOUR = timedelta(hours=1)

FILE = """\
brands:
  - name: Aeroluz
    alerts: {detractor: {min_probability: 0.7}}
  - name: Nubia
    role: competitor
teams:
  - name: care
    timezone: Europe/Madrid
    language: es
    digest: {daily: "08:00"}
"""


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Site]:
    """A database with two days of what was said, and escucha.yml beside it."""
    Path("escucha.yml").write_text(FILE, encoding="utf-8")
    store = Store(f"sqlite:///{tmp_path}/data/escucha.db")
    migrate.upgrade(store)
    site = Site(store, Clock())
    site.clock.now = NOW - 90 * 24 * HOUR
    site.brand(alerting={"detractor": {"min_probability": 0.7}})
    site.brand("Nubia", role="competitor")
    site.source()
    for number in range(8, 0, -1):
        site.clock.now = NOW - number * 5 * HOUR
        text = f"Aeroluz lost \x9b31m bag {number * 'again '}"
        site.take(item(str(number), text, created_at=site.clock(), reach=number))
        site.score({9 - number: "detractor" if number % 2 else "promoter"})
    yield site
    store.close()


def test_a_backtest_says_how_often_and_at_what(heard: Site, escucha: Escucha) -> None:
    result = escucha("alerts", "backtest", "--brand", "Aeroluz", "--rule", "detractor", "--days", "3")

    assert result.status == 0, result.err
    assert "in force:  expect about" in result.out
    assert "4 incidents" in result.out
    assert "90% likely a detractor (alerts from 70%)" in result.out
    assert "before inhibition" in result.out
    assert "\x9b" not in result.out
    assert "trying detractor" in result.err


def test_settings_stand_side_by_side_and_the_file_reads_them(heard: Site, escucha: Escucha) -> None:
    result = escucha(
        "alerts", "backtest", "-b", "Aeroluz", "-r", "detractor", "--days", "3", "--set", "min_reach=4", "--set",
        "group_by=[language]", "-s", "when=-#x", "--limit", "1",
    )  # fmt: skip

    assert result.status == 0, result.err
    assert "proposed:  expect about" in result.out
    assert "2 incidents would stay, 0 would be new, 2 would be gone" in result.out
    assert "      and 1 earlier ones" in result.out
    text = result.out.partition("write into escucha.yml:\n\n")[2]
    config = parse_text(text, Path("escucha.yml"), None)
    assert config.brands[0].alerts == {
        "detractor": {"min_probability": 0.7, "min_reach": 4, "group_by": ["language"], "when": "-#x"}
    }


def test_the_same_as_json(heard: Site, escucha: Escucha) -> None:
    result = escucha("alerts", "backtest", "-b", "Aeroluz", "-r", "detractor", "--days", "3", "--json")

    found = json.loads(result.out)
    assert (found["brand"], found["in_force"]["told"], found["proposed"]) == ("Aeroluz", 4, None)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("-r", "rain", "-b", "Aeroluz"), 2, "there is no rule 'rain'"),
        (("-r", "detractor", "-b", "Nobody"), 2, "there are: Aeroluz, Nubia"),
        (("-r", "detractor", "-b", "Aeroluz", "--set", "window=never"), 2, "a length of time looks like"),
        (("-r", "detractor", "-b", "Aeroluz", "--set", "window"), 2, "min_probability=0.8"),
        (("-r", "detractor", "-b", "Aeroluz", "--until", "soon"), 2, "no day"),
        (("-b", "Aeroluz"), 2, "--rule"),
        (("-r", "spike"), 2, "the rule spike is about a brand; there are: Aeroluz, Nubia"),
        (("-r", "coverage", "--until", "0001-01-05", "--days", "366"), 2, "too near an end of the calendar"),
    ],
)
def test_what_cannot_be_tried_is_said(
    heard: Site, escucha: Escucha, arguments: tuple[str, ...], status: int, words: str
) -> None:
    result = escucha("alerts", "backtest", *arguments)

    assert result.status == status
    assert words in result.err
    assert "trying" not in result.err


def test_a_preview_shows_the_digest_and_sends_nothing(heard: Site, escucha: Escucha) -> None:
    result = escucha("digest", "preview", "care", "--weekly", "--html", "page.html", "--png", "charts")

    assert result.status == 0, result.err
    assert "Resumen semanal" in result.out
    assert "\x9b" not in result.out
    page = Path("page.html").read_text(encoding="utf-8")
    assert "cid:" not in page
    assert heard.rows(Delivery) == []


def test_a_day_is_meant_by_the_teams_own_clock(heard: Site, escucha: Escucha) -> None:
    result = escucha("digest", "preview", "care", "--date", "2026-03-29")

    assert "Resumen diario: 2026-03-28 08:00 CET a 2026-03-29 08:00 CEST" in result.out.replace("\n", " ")


def test_a_digest_can_be_sent_again(heard: Site, escucha: Escucha) -> None:
    for _ in range(2):
        result = escucha("digest", "send", "care", "--daily")
        assert result.status == 0, result.err
        assert "daily digest of care is in the outbox for log" in result.err

    rows = heard.rows(Delivery)
    assert [(row.channel, row.kind, row.reason, row.state) for row in rows] == [
        ("log", "digest", "asked_for", "pending")
    ] * 2
    assert Notice.from_json(rows[0].notice).language == "es"


def test_whom_nobody_knows_gets_nothing(heard: Site, escucha: Escucha) -> None:
    result = escucha("digest", "send", "nobody")

    assert result.status == 2
    assert "no team is called 'nobody'; escucha.yml has: care" in result.err.replace("\n", " ")
