"""docs/api.md: its lines do what it says, and every example in the description fits."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from api import openapi
from api.openapi import operation_id
from api.registry import RESOURCES

from .conftest import House, Served

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

GUIDE = Path(__file__).parents[2] / "docs" / "api.md"


def test_the_guides_lines_work(served: Served) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 5
    key = served.headers["Authorization"].removeprefix("Bearer ")
    ran = subprocess.run(
        ["bash", "-euc", "\necho\n".join(blocks)], check=True, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "KEY": key, "URL": served.url},
    )  # fmt: skip
    assert '"type":"about:blank"' in ran.stdout
    assert '"comment":"planned work"' in ran.stdout
    assert 'etag: "' in ran.stdout.lower()
    assert "escucha_backlog" in ran.stdout
    assert ran.stdout.count('"status":4') == 1


def test_every_body_has_an_example_and_each_fits_its_model(house: House) -> None:
    app = house.client().app
    assert isinstance(app, FastAPI)
    paths = openapi.describe(app)["paths"]
    checked = 0
    for route in (route for module in RESOURCES for route in module.router.routes):
        if not isinstance(route, APIRoute) or route.body_field is None:
            continue
        method = min(route.methods).lower()
        described = paths[route.path_format][method]
        assert described["operationId"] == operation_id(route)
        examples = described["requestBody"]["content"]["application/json"].get("examples")
        assert examples, f"{method} {route.path} has no example of its body"
        for one in examples.values():
            TypeAdapter(route.body_field.field_info.annotation).validate_json(json.dumps(one["value"]))
            checked += 1
    assert checked > 15


def test_every_refusal_is_the_same_problem_and_names_are_unique(house: House) -> None:
    app = house.client().app
    assert isinstance(app, FastAPI)
    described = openapi.describe(app)
    operations = [one for methods in described["paths"].values() for one in methods.values()]
    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names))
    assert all("application/problem+json" in one["responses"]["default"]["content"]
               for one in operations if one["tags"] != ["slack"])  # fmt: skip
    assert {tag for one in operations for tag in one["tags"]} == {tag["name"] for tag in described["tags"]}
    assert set(described["components"]["securitySchemes"]) == {"key", "session"}
