"""docs/push.md under test: its settings are sound, its payloads are taken, its curl lines are signed right."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_httpserver import HTTPServer

from listener.configfile import parse_text
from listener.push.batch import parse_body, read_mapped, read_own
from listener.push.options import PushEntry
from listener.push.schema import Entry, Passed, PushedItem
from listener.push.signature import OwnSignature

PAGE = Path(__file__).parent.parent / "docs" / "push.md"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BLOCKS = re.findall(r"```(yaml|json|sh)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
PAIRS = [
    (yaml.safe_load(one)["push"][0]["name"], one, two)
    for (kind, one), (after, two) in pairwise(BLOCKS)
    if (kind, after) == ("yaml", "json")
]

TAKEN: dict[str, list[dict[str, Any]]] = {
    "crm": [{"id": "case-7731", "text": "Lumbra has been down since noon and nobody answers", "nps": 2}],
    "zendesk": [{"id": "5158-18475620751", "text": "Down for the third day."}],
    "typeform": [{"id": "x71for1wr6irs2rx71fotn12b3izh25v", "text": "It drops every evening.", "nps": 4}],
    "intercom": [{"id": "215469-4412", "text": "Still nothing, it's a joke."}],
    "reviews": [{"id": "88", "text": "Meh", "stars": 2}],
}


def entry(settings: str) -> PushEntry:
    environ = dict.fromkeys(re.findall(r"_from: (\w+)", settings), "0123456789abcdef")
    config = parse_text(f"brands: [{{name: Lumbra}}]\n{settings}", Path("escucha.yml"), environ)
    return config.push[0]


@pytest.mark.parametrize(("name", "settings", "payload"), PAIRS, ids=[name for name, _, _ in PAIRS])
def test_a_systems_payload_is_taken_as_the_page_says(name: str, settings: str, payload: str) -> None:
    its = entry(settings)
    document, mapping = parse_body(payload.encode()), its.compiled()
    batch = read_mapped(document, mapping, its.platforms, NOW) if mapping else read_own(document, its.platforms, NOW)
    taken = []
    for read in batch.entries:
        if isinstance(read, Passed):
            continue
        assert isinstance(read, Entry), read
        marks = {mark: value for mark, (value, _, _) in read.declared.items()}
        taken.append({"id": read.item.native_id, "text": read.item.text, **marks})
    assert taken == TAKEN[name]


def test_every_example_is_there() -> None:
    assert {name for name, _, _ in PAIRS} == set(TAKEN)


def test_the_page_names_every_field_and_every_setting() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in PushedItem.model_fields if name not in page] == []
    named = {"judge_as_new", "kinds"}  # as with every source; the default will do
    assert [name for name in PushEntry.model_fields if name not in page and name not in named] == []


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl")
def test_the_shell_lines_sign_what_they_send(httpserver: HTTPServer, tmp_path: Path) -> None:
    (script,) = (text for kind, text in BLOCKS if kind == "sh")
    (tmp_path / "items.json").write_text(next(two for name, _, two in PAIRS if name == "crm"))
    httpserver.expect_request("/api/v1/ingest", method="POST").respond_with_data("{}")
    script = script.replace("http://127.0.0.1:8765", httpserver.url_for("").rstrip("/"))
    environ = {"ESCUCHA_PUSH_CRM": "a secret with 'quotes' and é", "PATH": "/usr/bin:/bin:/usr/local/bin"}
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, env=environ, check=True, capture_output=True, timeout=30)

    ((request, _),) = httpserver.log
    proof = OwnSignature((environ["ESCUCHA_PUSH_CRM"].encode(),))
    assert proof.holds(request.headers, None, request.data, datetime.now(UTC))
    assert json.loads(request.data)["items"][0]["id"] == "case-7731"
    assert request.headers["X-Escucha-Source"] == "crm"
