"""``escucha push`` and ``escucha relevance``, as a person uses them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from listener.items import Item
from listener.store import brands, intake, scoring
from listener.store.engine import Store
from tests.listener.conftest import score_row

from .conftest import Escucha, count

CONFIG = """
brands:
  - name: Lumbra
  - name: Delta
    context: [flight]
    unless: [river]
push:
  - name: crm
    secret_from: CRM_SECRET
  - name: tickets
    token_from: TICKETS_TOKEN
    brands: [Lumbra]
    items: notes
    only: {by: customer}
    mapping: {id: n, text: body, created_at: at, declared.csat: mark}
  - name: forms
    secret_from: FORMS_SECRET
    signature: {header: X-Forms-Signature}
    mapping: {id: id, text: t, created_at: at}
"""


@pytest.fixture(autouse=True)
def config(tmp_path: Path) -> None:
    (tmp_path / "escucha.yml").write_text(CONFIG)


def test_the_senders_are_listed_without_their_secrets(escucha: Escucha) -> None:
    listed = escucha("push", "list")
    assert listed.status == 0
    assert "crm: http://127.0.0.1:8765/api/v1/ingest, signed as docs/push.md says, nothing sent yet" in listed.err
    assert "tickets: http://127.0.0.1:8765/api/v1/ingest/tickets, by a token" in listed.err
    assert "forms: http://127.0.0.1:8765/api/v1/ingest/forms, signed in X-Forms-Signature" in listed.err


def test_a_body_is_tried_without_storing(escucha: Escucha, tmp_path: Path) -> None:
    notes = [
        {"n": 1, "body": "Lumbra\u001b[31m is down", "at": "2020-11-20T10:00:00Z", "by": "customer", "mark": 2},
        {"n": 2, "body": "we are sorry", "at": "2020-11-20T10:00:00Z", "by": "agent"},
        {"n": 3, "body": "Delta is down", "at": "2020-11-20T10:00:00Z", "by": "customer"},
    ]
    (tmp_path / "good.json").write_text(json.dumps({"notes": notes}))
    tried = escucha("push", "try", "tickets", "good.json")
    assert tried.status == 0
    assert tried.out.splitlines() == [
        "item 0: tickets 1, about Lumbra",
        "    created_at: 2020-11-20T10:00:00+00:00",
        "    text: Lumbra\\x1b[31m is down",
        "    declared csat: 2 on a scale from 1 to 5",
        "item 1: ignored (only: does not ask for it)",
        "item 2: tickets 3, about no brand: it would not be stored",
        "    created_at: 2020-11-20T10:00:00+00:00",
        "    text: Delta is down",
    ]
    assert not (tmp_path / "data").exists()


RUDE = "\x1b]0;owned\x07\x1b[2J\u202e"


@pytest.mark.parametrize(
    "item",
    [
        {"id": RUDE, "text": "Lumbra", "created_at": "2020-11-20T10:00:00Z"},
        {"id": RUDE, "deleted": True},
        {"id": 1, RUDE: 1},
        {"id": 1, "text": "Lumbra", "created_at": "2020-11-20T10:00:00Z", "kind": RUDE},
        {"id": 1, "declared": {RUDE: {"value": 1, "lowest": 0, "highest": 9}}, "created_at": "2020-11-20T10:00:00Z"},
        {"id": 1, "declared": {RUDE: 1}, "created_at": "2020-11-20T10:00:00Z"},
        {"id": 1, "author": {"name": RUDE}, "url": RUDE, "text": f"Lumbra {RUDE}", "created_at": "2020-11-20T10:00:00Z",
         "title": RUDE, "reply_to": RUDE, "target": RUDE, "engagement": {RUDE: 1}},
    ],
)  # fmt: skip
def test_nothing_that_a_stranger_wrote_reaches_the_terminal_as_more_than_text(
    escucha: Escucha, tmp_path: Path, item: dict[str, object]
) -> None:
    (tmp_path / "body.json").write_text(json.dumps({"items": [item]}))
    tried = escucha("push", "try", "crm", "body.json")
    assert tried.out.startswith("item 0: ")
    (tmp_path / "body.json").write_text(json.dumps({RUDE: [item]}))
    whole = escucha("push", "try", "crm", "body.json")
    assert "\\x1b" in whole.err
    assert ("\\x1b" in tried.out) is ("kind" not in item)
    shown = tried.out + tried.err + whole.out + whole.err
    assert [char for char in RUDE if not char.isprintable() and char in shown] == []


def test_brands_that_only_the_file_names_are_named_too(escucha: Escucha) -> None:
    assert "there are: Lumbra, Delta" in escucha("relevance", "--brand", "Nope").err


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("tickets", '{"notes": [{"body": "Lumbra", "by": "customer"}]}', "/items/0/id: is missing (taken from n)"),
        ("tickets", "{", "answered with 400: not JSON at line 1, column 2"),
        ("tickets", "{}", "answered with 422: the body the place that items: names is not there"),
        ("crm", '{"items": [{"id": 1}]}', "/items/0/text: is missing"),
        ("nobody", "{}", "there is nobody"),
    ],
)
def test_what_is_missing_is_told(escucha: Escucha, tmp_path: Path, name: str, body: str, words: str) -> None:
    (tmp_path / "body.json").write_text(body)
    tried = escucha("push", "try", name, "body.json")
    assert tried.status == 1
    assert words.replace("there is nobody", "names: crm, tickets, forms") in tried.out + tried.err


def test_a_body_that_is_not_there_is_told(escucha: Escucha) -> None:
    assert "nothing.json cannot be read: No such file" in escucha("push", "try", "crm", "nothing.json").err


def test_check_asks_for_the_senders_secrets_and_never_shows_them(
    escucha: Escucha, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = escucha("check")
    assert missing.status == 2
    assert "secret_from: CRM_SECRET is not set" in missing.err
    for name in ("CRM_SECRET", "TICKETS_TOKEN", "FORMS_SECRET"):
        monkeypatch.setenv(name, "short!")
    short = escucha("check")
    assert short.status == 2
    assert "crm: secret_from: what CRM_SECRET holds is shorter than 16 characters" in short.err
    assert "short!" not in short.err
    for name in ("CRM_SECRET", "TICKETS_TOKEN"):
        monkeypatch.setenv(name, "0123456789abcdef")
    assert escucha("check").status == 0


def test_other_words_decide_anew(escucha: Escucha, tmp_path: Path) -> None:
    escucha("relevance", "--brand", "Delta")
    now = datetime.now(UTC) - timedelta(hours=1)
    store = Store(f"sqlite:///{tmp_path}/data/escucha.db")
    texts = ("the river delta", "Delta is late", "my Delta flight")
    with store.transaction() as session:
        brands.save_sources(session, [{"name": "s", "kind": "file", "options": {}, "active": True}], now)
        source = brands.source_named(session, "s")
        brand = brands.brand_named(session, "Delta")
        assert source is not None
        assert brand is not None
        assert (source.id, brand.id) > (0, 0)  # type: ignore[operator]
        matched = [
            intake.Matched(Item("x", str(number), text, now), {brand.id: [(0, 5)]})  # type: ignore[dict-item, list-item]
            for number, text in enumerate(texts)
        ]
        intake.take_page(session, source.id, matched, now)  # type: ignore[arg-type]
        scoring.write_scores(session, [score_row(number, relevance=0.15) for number in (1, 2, 3)], now)
    store.close()
    hidden = "SELECT count(*) FROM mention_brand WHERE hidden_why IS NOT NULL"
    assert count(tmp_path, hidden) == 2

    (tmp_path / "escucha.yml").write_text("brands: [{name: Delta, unless: [flight]}]")
    done = escucha("relevance", "--brand", "Delta")
    assert done.status == 0
    assert "Delta: 3 mentions looked at, 1 hidden now, 2 shown again" in done.err
    assert count(tmp_path, hidden) == 1
    later = escucha("relevance", "--brand", "Delta", "--since", (now + timedelta(days=2)).strftime("%Y-%m-%d"))
    assert "0 mentions looked at" in later.err
    unknown = escucha("relevance", "--brand", "Nubia")
    assert (unknown.status, "there are: Delta" in unknown.err) == (1, True)
