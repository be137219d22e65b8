"""A misspelt filter, or a brand that is not there, is refused: no answer may hold more or less than was asked for."""

import pytest
from fastapi.routing import APIRoute

from api.parameters import of
from api.registry import RESOURCES
from listener.access import Permission, Role

from .conftest import House

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_what_is_read_refuses_what_it_does_not_know(full_house: House) -> None:
    client = full_house.client()
    read = [
        route.path.replace("{kind}", "csv")
        for module in RESOURCES
        for route in module.router.routes
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and route.path.startswith("/api/v1/")
    ]
    assert {"/api/v1/alerts", "/api/v1/exports/promoters.csv", "/api/v1/audit"} <= set(read)
    for path in read:
        refused = client.get(path.replace("{", "").replace("}", ""), params={"brnad": "Lumbra"})
        said = refused.json()
        assert (path, refused.status_code, said["type"]) == (path, 422, "/problems/validation")
        assert said["detail"].startswith("there is no parameter 'brnad': this address takes ")
        assert said["errors"][0]["parameter"] == "query:brnad"


def test_the_refusal_names_what_can_be_asked_and_nothing_went_out(full_house: House) -> None:
    client = full_house.client()
    said = client.get("/api/v1/exports/alerts.jsonl?limit=1&severity=critical").json()["detail"]
    assert said == (
        "there is no parameter 'limit': this address takes brand, rule, state, severity, assignee, team, text"
    )
    assert client.get("/api/v1/audit?action=export").json()["items"] == []
    hostile = client.get("/api/v1/alerts", params={"\u202e<b>" * 40: "1"})
    assert hostile.status_code == 422
    assert "\u202e" not in hostile.text


def test_every_operations_own_parameters_are_known(full_house: House) -> None:
    described = full_house.client().app.openapi()["paths"]  # type: ignore[attr-defined]
    for route in (route for module in RESOURCES for route in module.router.routes):
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and route.include_in_schema:
            parameters = described[route.path_format]["get"].get("parameters", ())
            assert set(of(route.dependant)) == {one["name"] for one in parameters if one["in"] == "query"}


@pytest.mark.parametrize(
    "path",
    [
        "mentions", "mentions/counts", "promoters", "alerts", "alerts/service", "alerts/precision", "collections",
        "figures/series", "exports/mentions.csv", "exports/promoters.csv", "exports/alerts.jsonl",
    ],
)  # fmt: skip
def test_an_unknown_brand_is_no_silence(full_house: House, path: str) -> None:
    client = full_house.client()
    assert client.get(f"/api/v1/{path}?brand=Lumbra").status_code == 200
    refused = client.get(f"/api/v1/{path}?brand=Lumbar")
    assert (refused.status_code, refused.json()["detail"]) == (
        404, "no brand is called 'Lumbar'; GET /api/v1/brands has those that there are",
    )  # fmt: skip


def test_anothers_brand_is_like_one_that_is_not_there(full_house: House) -> None:
    marketer = full_house.client(Role.MARKETER, "Lumbra")
    key = full_house.client(headers=full_house.key(Permission.READ_MENTIONS, brand="Lumbra"))
    for client, path in ((marketer, "exports/mentions.csv"), (marketer, "mentions"), (key, "mentions/counts")):
        theirs, nobodys = (client.get(f"/api/v1/{path}?brand={name}") for name in ("Telmira", "Telmirx"))
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json()["detail"].replace("Telmira", "Telmirx") == nobodys.json()["detail"]
    assert marketer.get("/api/v1/exports/mentions.csv?brand=Lumbra").status_code == 200
