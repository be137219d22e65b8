"""Exports: whole, in pages, scoped, and harmless."""

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from listener.access import Permission, Role
from listener.store import audit, exports, inbox, search
from listener.store.engine import Store
from listener.store.tables import Mention, MentionBrand, table
from listener.tabular import MARK

from .conftest import House

HOSTILE_TEXTS = (
    '=HYPERLINK("http://x","Lumbra")', "<script>Lumbra</script>", "Lumbra\x00 \u202egnp.exe", "  ＝1+Lumbra",
    "\tLumbra\nand\nmore, \"quoted\"; -2+3", "Lumbra " + "x" * 1_000_000,
)  # fmt: skip


def rows(client: TestClient, name: str, **asked: Any) -> list[dict[str, str]]:
    """An export as CSV, read back, with its last line looked at."""
    answer = client.get(f"/api/v1/exports/{name}.csv", params=asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="escucha-{name}-')
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.content.decode()
    assert text.startswith(MARK)
    found = list(csv.DictReader(io.StringIO(text.removeprefix(MARK), newline="")))
    assert found[-1]["id"] == f"# complete: {len(found) - 1} rows"
    return found[:-1]


def lines(client: TestClient, name: str, **asked: Any) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/exports/{name}.jsonl", params=asked)
    assert answer.status_code == 200, answer.text
    *found, last = [json.loads(line) for line in answer.content.decode().split("\n")[:-1]]
    assert last == {"complete": True, "rows": len(found)}
    return found


@pytest.fixture
def asked(full_house: House) -> House:
    """One promoter who has allowed it, and two (the house's fifth mention is read now) who have not been asked."""
    full_house.hear(6, "Lumbra forever", "promoter")
    client = full_house.client()
    for step in (
        {"state": "asked"},
        {"state": "granted", "proof": "=1+1 go ahead", "said_by": "Ana", "terms": "@web", "expires_at": None},
    ):
        kept = client.put("/api/v1/promoters/2/permission", json=step, headers={"If-Match": "*"})
        assert kept.status_code == 200
    return full_house


def test_promoters_go_out_with_their_permission(asked: House) -> None:
    client = asked.client(Role.MARKETER, "Lumbra")
    (granted,) = rows(client, "promoters")
    assert (granted["permission"], granted["proof"], granted["terms"]) == ("granted", "Ana: =1+1 go ahead", "'@web")
    assert granted["text"] == "Thank you Lumbra, solved in a minute"
    every = rows(client, "promoters", only="all")
    assert [(one["id"], one["permission"]) for one in every] == [
        ("6", "not_asked"), ("5", "not_asked"), ("2", "granted"),
    ]  # fmt: skip
    columns = list(every[0])
    assert columns[columns.index("text") - 1] == "permission"
    (line,) = lines(client, "promoters", permission="granted")
    assert (line["id"], line["p_promoter"], line["confirmed"]) == (2, 0.9, False)
    refused = client.get("/api/v1/exports/promoters.csv", params={"permission": "asked"})
    assert (refused.status_code, "only=all" in refused.text) == (422, True)


def test_an_export_begins_and_ends_in_the_audit(asked: House) -> None:
    client = asked.client(Role.MARKETER, "Lumbra")
    assert len(rows(client, "mentions", label="promoter")) == 3
    said = lines(asked.client(), "audit", action="export")
    assert [one["action"] for one in said] == ["export.ended", "export.mentions"]
    assert said[0]["subject"] == said[1]["subject"]
    assert said[0]["detail"] == {"rows": 3, "complete": True}
    assert said[1]["detail"] == {"format": "csv", "label": "promoter"}
    assert {one["actor"] for one in said} == {"ana <ana@marketer.1.example>"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestOneDatabase:
    """What SQL does not differ in."""

    def test_only_ones_own_brands_go_out(self, asked: House) -> None:
        other = asked.client(headers=asked.key(Permission.EXPORT, brand="Telmira"))
        assert [one["brand"] for one in rows(other, "mentions")] == ["Telmira"]
        for nothing in ("Lumbra", "Nowhere"):
            answer = other.get("/api/v1/exports/mentions.csv", params={"brand": nothing})
            assert (answer.status_code, f"no brand is called '{nothing}'" in answer.text) == (404, True)
        assert rows(other, "promoters", only="all") == []
        assert rows(other, "alerts") == []
        assert [one["brand"] for one in rows(asked.client(Role.MARKETER, "Lumbra"), "alerts")] == ["Lumbra"]
        assert other.get("/api/v1/exports/audit.jsonl").status_code == 403
        reader = asked.client(Role.VIEWER)
        for name in ("mentions.csv", "promoters.jsonl", "alerts.csv", "audit.jsonl"):
            assert reader.get(f"/api/v1/exports/{name}").status_code == 403

    def test_incidents_go_out_without_what_was_sent_of_them(self, full_house: House) -> None:
        """Each may have thousands of deliveries, and no column shows them."""
        with full_house.store.reading() as session:
            found, after = exports.alerts(None, inbox.ALL).page(session, None)
            whole = inbox.listed(session)
        assert [one["deliveries"] != [] for one in whole] == [True]
        assert [dict(one) | {"deliveries": whole[0]["deliveries"]} for one in found] == whole
        assert "deliveries" not in found[0]
        assert after is None

    def test_hostile_words_go_out_inert(self, house: House) -> None:
        for number, text in enumerate(HOSTILE_TEXTS):
            house.hear(number, text, "promoter")
        client = house.client()
        said = {one["text"] for one in rows(client, "mentions")}
        assert said == {
            '\'=HYPERLINK("http://x","Lumbra")', "<script>Lumbra</script>", "Lumbra gnp.exe", "'  ＝1+Lumbra",
            "' Lumbra\nand\nmore, \"quoted\";' -2+3", HOSTILE_TEXTS[-1],
        }  # fmt: skip
        for line in lines(client, "mentions"):
            assert not set("\x00\u202e") & set(line["text"])

    def test_what_is_asked_for_wrongly_is_refused_before_anything_is_sent(self, asked: House) -> None:
        client = asked.client()
        for path in ("mentions.csv?words=%22", "mentions.xlsx", "promoters.csv?only=some", "audit.csv", "mentions"):
            assert client.get(f"/api/v1/exports/{path}").status_code in (404, 422)
        assert client.get("/api/v1/audit", params={"action": "export"}).json()["items"] == []

    def test_one_that_breaks_off_lacks_its_last_line_and_the_audit_says_so(
        self, asked: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(exports, "PAGE", 2)
        real = search.find

        def fail(*args: Any, **more: Any) -> Any:
            if more["after"] is not None:
                raise RuntimeError("the disk is gone")
            return real(*args, **more)

        monkeypatch.setattr(search, "find", fail)
        client = asked.client()
        client._transport.raise_server_exceptions = False  # type: ignore[attr-defined]
        cut = client.get("/api/v1/exports/mentions.jsonl").text
        assert '"complete"' not in cut
        ended, begun, *_ = client.get("/api/v1/audit", params={"action": "export"}).json()["items"]
        assert (begun["action"], ended["detail"]) == ("export.mentions", {"rows": 2, "complete": False})


def test_thousands_of_rows_go_out_a_page_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(house.store, house, 3_000)
    held: list[int] = []
    real = search.find

    def watched(*args: Any, **more: Any) -> Any:
        found = real(*args, **more)
        held.append(len(found.rows))
        # Somebody writes between two pages, and need not wait.
        with ThreadPoolExecutor(1) as somebody:
            somebody.submit(_write, house.store, house.now).result(timeout=20)
        return found

    monkeypatch.setattr(exports.search, "find", watched)
    found = lines(house.client(), "mentions")
    assert [one["native_id"] for one in found] == [str(number) for number in reversed(range(3_000))]
    assert (max(held), len(held)) == (exports.PAGE, 3_000 // exports.PAGE)


def _write(store: Store, now: datetime) -> None:
    with store.transaction() as session:
        audit.note(session, "luz", "test.written", "", {}, now)


def fill(store: Store, house: House, number: int) -> None:
    """Many mentions at once, a second apart."""
    now, brand = house.clock(), house.brand("Lumbra")
    with store.transaction() as session:
        said = [
            {
                "id": one + 1, "kind": "x", "native_id": str(one), "source_id": 1, "text": f"Lumbra {one}",
                "engagement": {}, "created_at": now + timedelta(seconds=one), "collected_at": now, "checked_at": now,
            }
            for one in range(number)
        ]  # fmt: skip
        session.connection().execute(table(Mention).insert(), said)
        pairs = [
            {
                "mention_id": one["id"], "brand_id": brand, "spans": [], "created_at": one["created_at"], "themes": [],
                "scored_at": now, "label": "promoter", "about_brand": False, "edition": 0,
            }
            for one in said
        ]  # fmt: skip
        session.connection().execute(table(MentionBrand).insert(), pairs)
