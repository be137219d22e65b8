"""Figures over HTTP: shares with intervals, the caller's brands alone, one narrowing at a time, tags for what stays."""

from datetime import timedelta

import pytest

from listener.access import Permission, Role
from tests.api.conftest import House
from tests.conftest import NOON

WINDOW = {"since": (NOON - timedelta(days=3)).isoformat(), "until": (NOON + timedelta(hours=1)).isoformat()}
HERE = "/api/v1/figures"


@pytest.fixture
def said(house: House) -> House:
    """Six mentions of Lumbra over two days, one of Telmira."""
    for number, label in enumerate(["promoter", "promoter", "passive", "detractor", "detractor", "detractor"]):
        house.clock.now = NOON - timedelta(hours=9 * number)
        house.hear(number, f"Lumbra {number}", label, lang="es" if number % 2 else "en", reach=10)
    house.clock.now = NOON
    house.hear(9, "Telmira cut me off", "detractor", brand="Telmira")
    return house


def test_a_series_has_a_share_and_its_interval_at_each_point(said: House) -> None:
    answer = said.client().get(
        f"{HERE}/series", params=WINDOW | {"by": "label", "bucket": "day", "zone": "Europe/Madrid", "brand": "Lumbra"}
    )

    assert answer.status_code == 200
    found = answer.json()
    assert [line["value"] for line in found["lines"]] == ["promoter", "passive", "detractor"]
    assert [point["whole"] for point in found["points"]] == [0, 1, 3, 2]
    assert found["lines"][0]["counts"] == [0, 0, 0, 2]
    assert found["lines"][0]["shares"][0] is None
    # Wilson, 2 of 2: from 1 / (1 + z2/2) on.
    assert found["lines"][0]["shares"][3] == pytest.approx({"value": 1, "low": 0.3424, "high": 1}, abs=1e-4)
    assert "chance alone" in found["note"]
    assert found["points"][1]["since"] == "2026-11-18T23:00:00Z"


def test_shares_totals_and_voice(said: House) -> None:
    client = said.client()
    shares = client.get(f"{HERE}/shares", params=WINDOW | {"by": "lang", "brand": "Lumbra"}).json()
    assert [(part["value"], part["mentions"]) for part in shares["parts"]] == [("en", 3), ("es", 3)]

    totals = client.get(f"{HERE}/totals", params=WINDOW | {"brand": "Lumbra"}).json()
    assert (totals["now"]["mentions"], totals["now"]["reach"], totals["now"]["detractors"]) == (6, 60, 3)
    assert totals["now"]["net"]["value"] == pytest.approx(-1 / 6)
    assert totals["now"]["net"]["inferred"] is True
    assert (totals["before"]["mentions"], totals["net_change"], totals["comparable"]) == (0, None, False)

    voice = client.get(f"{HERE}/voice", params=WINDOW).json()
    assert [(part["value"], part["mentions"]) for part in voice["parts"]] == [("Lumbra", 6), ("Telmira", 1)]
    assert (voice["whole"], voice["kinds"], len(voice["later"])) == (7, ["x"], 2)


def test_a_change_is_clear_only_where_its_interval_leaves_out_nothing(house: House) -> None:
    for number in range(24):
        house.clock.now = NOON - timedelta(days=1 if number < 12 else 4)
        house.hear(number, f"Lumbra {number}", "detractor" if number < 12 else "promoter")
    found = house.client().get(f"{HERE}/totals", params=WINDOW | {"brand": "Lumbra"}).json()

    assert found["change"]["detractor"]["clear"] is True
    assert found["change"]["detractor"]["value"] == 1
    assert found["change"]["passive"] == pytest.approx(
        {"value": 0, "low": -0.2425, "high": 0.2425, "clear": False}, abs=1e-4
    )


def test_a_caller_sees_their_brands_alone(said: House) -> None:
    theirs = said.client(Role.VIEWER, "Telmira")
    assert theirs.get(f"{HERE}/voice", params=WINDOW).json()["brands"] == ["Telmira"]
    assert theirs.get(f"{HERE}/totals", params=WINDOW).json()["now"]["mentions"] == 1
    unknown = theirs.get(f"{HERE}/totals", params=WINDOW | {"brand": "Nobody"})
    hidden = theirs.get(f"{HERE}/totals", params=WINDOW | {"brand": "Lumbra"})
    assert (unknown.status_code, hidden.status_code) == (404, 404)
    assert hidden.json()["detail"] == unknown.json()["detail"].replace("Nobody", "Lumbra")
    assert said.client(headers=said.key(Permission.READ_MENTIONS)).get(f"{HERE}/totals").status_code == 403
    assert said.client(headers={}).get(f"{HERE}/totals").status_code == 401


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"lang": "es", "theme": "bags"}, "one thing at a time, not by lang and theme"),
        ({"lang": "es", "by": "emotion"}, "not counted by emotion and lang at once"),
        ({"zone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
        ({"zone": "../../etc/passwd"}, "no time zone"),
        ({"zone": "Europe"}, "no time zone"),
        ({"since": "2026-11-22T00:00:00Z", "until": "2026-11-21T00:00:00Z"}, "since must come before until"),
        ({"since": "0001-01-01T00:00:00Z"}, "the years 1990 to 2200"),
        ({"since": "2001-01-01T00:00:00Z"}, "longer than 1100 days"),
        ({"since": "2025-01-01T00:00:00Z", "bucket": "hour"}, "ask for bucket=week"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_cannot_be_asked_says_what_can(house: House, params: dict[str, str], words: str) -> None:
    answer = house.client().get(f"{HERE}/series", params=WINDOW | params)

    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_the_same_figures_are_not_sent_again(said: House) -> None:
    client = said.client()
    first = client.get(f"{HERE}/shares", params=WINDOW)
    again = {"If-None-Match": first.headers["ETag"]}
    assert client.get(f"{HERE}/shares", params=WINDOW, headers=again).status_code == 304
    said.hear(50, "Lumbra is back", "promoter")
    changed = client.get(f"{HERE}/shares", params=WINDOW, headers=again)
    assert (changed.status_code, changed.headers["ETag"] != first.headers["ETag"]) == (200, True)
