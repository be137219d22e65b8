"""A team's digest over HTTP: what it says as it would be sent, for whoever may see all its brands."""

from dataclasses import replace

import pytest

from alerts.policy import Policy
from listener import clock as clock_module
from listener.access import Permission, Role
from tests.api.conftest import House

HERE = "/api/v1/digests"
TEAMS = Policy.model_validate(
    {
        "teams": [
            {"name": "care", "language": "es", "brands": ["Lumbra"], "digest": {"daily": "09:30", "weekly": "mon"}},
            {"name": "all", "brands": ["Lumbra", "Telmira"]},
        ]
    }
)


@pytest.fixture
def told(full_house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Two teams; what was said today."""
    full_house.clock.advance(hours=23)
    monkeypatch.setattr(clock_module, "now", full_house.clock)
    full_house.installation = replace(full_house.installation, policy=TEAMS)
    return full_house


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_teams_are_listed_for_who_may_see_all_their_brands(told: House) -> None:
    everything = told.client().get(HERE).json()["items"]
    assert [one["team"] for one in everything] == ["care", "all"]
    assert {name: everything[0][name] for name in ("brands", "daily", "weekly", "channels")} == {
        "brands": ["Lumbra"], "daily": "09:30", "weekly": "mon 08:00", "channels": ["log"],
    }  # fmt: skip

    theirs = told.client(Role.VIEWER, "Lumbra")
    assert [one["team"] for one in theirs.get(HERE).json()["items"]] == ["care"]
    hidden, unknown = theirs.get(f"{HERE}/all"), theirs.get(f"{HERE}/nobody")
    assert (hidden.status_code, hidden.json()["detail"]) == (404, unknown.json()["detail"])
    half = told.client(headers=told.key(Permission.READ_FIGURES))
    assert half.get(f"{HERE}/care").status_code == 404


def test_a_digest_is_shown_as_it_would_be_sent(told: House) -> None:
    client = told.client(Role.VIEWER, "Lumbra")
    said = client.get(f"{HERE}/care", params={"date": "2026-11-22"})
    assert said.status_code == 200
    assert [chart["name"] for chart in said.json()["charts"]] == ["mentions-1"]
    # Whoever may not see Telmira is not told that it is listened for.
    assert "Telmira" not in said.text

    text = client.get(f"{HERE}/care", params={"format": "text"})
    assert text.headers["content-type"].startswith("text/plain")
    assert "Lumbra is down again" in text.text

    page = client.get(f"{HERE}/care", params={"format": "html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "sandbox" in page.headers["content-security-policy"]
    assert "data:image/png;base64," in page.text
    assert "<script" not in page.text

    assert client.get(f"{HERE}/care", params={"date": "0001-01-01"}).status_code == 422
