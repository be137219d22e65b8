"""Problem details for programs, pages for people; and neither tells what broke."""

import sqlite3
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from api.headers import POLICY
from listener.access import Role
from listener.store import silences

from .conftest import House

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nowhere", 404), ("GET", "/api/v1/alerts/999", 404), ("PUT", "/api/v1/alerts", 405),
        ("POST", "/healthz", 405), ("GET", "/static/none.css", 404), ("GET", "/api/v1/alerts/0", 422),
    ],
)  # fmt: skip
def test_programs_are_told_in_problem_details(full_house: House, method: str, path: str, status: int) -> None:
    answer = full_house.client().request(method, path)
    said = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (said["status"], said["instance"]) == (status, path)
    assert said["detail"]
    assert said["detail"] != said["title"]


def test_people_are_told_on_a_page_in_their_language(full_house: House) -> None:
    client = full_house.client(Role.VIEWER)
    assert "There is nothing here" in client.get("/alerts/999").text
    spanish = client.get("/alerts/999", headers={"Accept-Language": "es-MX"})
    assert spanish.status_code == 404
    assert "Aquí no hay nada" in spanish.text
    assert spanish.headers["Content-Security-Policy"] == POLICY
    forged = client.post("/alerts/1/acknowledge", headers={"X-CSRF-Token": "x"})
    assert (forged.status_code, "from before you signed in" in forged.text) == (403, True)


def _raising(error: Exception) -> Any:
    def listed(*_: Any, **__: Any) -> None:
        raise error

    return listed


def quiet(house: House) -> TestClient:
    return house.client(raise_server_exceptions=False)


def test_what_is_broken_is_not_told_but_can_be_found(
    full_house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(silences, "shown", _raising(RuntimeError("password=hunter2")))
    answer = quiet(full_house).get("/api/v1/silences")
    said = answer.json()
    assert (answer.status_code, said["type"]) == (500, "/problems/unforeseen")
    assert "hunter2" not in answer.text
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert said["reference"] in capsys.readouterr().out


def test_a_busy_database_is_worth_another_try(full_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = OperationalError("SELECT secret", {}, sqlite3.OperationalError("database is locked"))
    monkeypatch.setattr(silences, "shown", _raising(busy))
    answer = quiet(full_house).get("/api/v1/silences")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/database-busy")
    assert int(answer.headers["Retry-After"]) > 0
    assert "secret" not in answer.text
