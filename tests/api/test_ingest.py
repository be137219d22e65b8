"""What other systems send, over real sockets: who is believed, what is stored, what is answered."""

import base64
import hashlib
import hmac
import http.client
import json
import select as select_sockets
import shutil
import socket
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import SQLModel, select

from alerts.channels.log import LogChannel
from alerts.reasons import Reason
from api.routes import ingest
from api.wiring import Installation
from listener.config import Settings
from listener.items import Item
from listener.jobs import push_items
from listener.jobs.push import Key, Receiver
from listener.matching import Matcher
from listener.push import signature
from listener.push.batch import parse_body, read_own
from listener.push.options import PushEntry, Sender, sender
from listener.relevance import NO_WORDS
from listener.store import brands, engine, scoring
from listener.store import push as receipts
from listener.store.engine import Store
from listener.store.locks import alone
from listener.store.tables import DeclaredScore, Mention, MentionBrand, PushReceipt, Source, Tombstone
from tests.listener.conftest import score_row, together

from ..conftest import Clock
from .conftest import HOSTILE, House, Served

SECRET = "a secret of the CRM's own"
OLD = "the secret that it had before"
TOKEN = "a token in an address"
SAID = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
EDITED = (datetime.now(UTC) - timedelta(minutes=30)).isoformat()

ENTRIES: tuple[dict[str, Any], ...] = (
    {"name": "crm", "secret_from": "S", "old_secret_from": "O", "kinds": ["crm-mail", "shared"]},
    {"name": "survey", "secret_from": "S", "brands": ["Lumbra"], "about_brands": True, "kinds": ["shared"]},
    {
        "name": "tickets", "token_from": "T", "items": "comments[*]",
        "mapping": {"id": "{$.ticket.id}-{id}", "text": "body", "created_at": "at", "author.id": "author"},
        "only": {"public": True},
    },
    {
        "name": "forms", "secret_from": "S", "brands": ["Lumbra"], "about_brands": True,
        "signature": {"header": "Typeform-Signature", "prefix": "sha256=", "encoding": "base64"},
        "mapping": {"id": "form_response.token", "text": "form_response.answers[field.ref=why].text",
                    "created_at": "form_response.submitted_at",
                    "declared.nps": "form_response.answers[field.ref=nps].number"},
    },
)  # fmt: skip


def built(entry: dict[str, Any]) -> Sender:
    held = {"secret_from": SECRET, "old_secret_from": OLD, "token_from": TOKEN}
    return sender(PushEntry.model_validate(entry), held)


class Ear(Served):
    """A served installation that listens to senders, and a sender's side of it."""

    @property
    def store(self) -> Store:
        return self.house.store

    def send(
        self, items: Any, *, name: str = "crm", secret: str = SECRET, age: float = 0, body: bytes | None = None,
        path: str = "/api/v1/ingest", **headers: str | bytes,
    ) -> httpx2.Response:  # fmt: skip
        raw = json.dumps({"items": items}).encode() if body is None else body
        stamp = int(time.time() - age)
        known = {
            "Content-Type": "application/json", "X-Escucha-Source": name, "X-Escucha-Timestamp": str(stamp),
            "X-Escucha-Signature": signature.sign(secret.encode(), stamp, raw),
        }  # fmt: skip
        return httpx2.post(self.url + path, content=raw, headers=known | headers, timeout=30)

    @property
    def house_stop(self) -> threading.Event:
        return self._told

    def rows(self, model: type[SQLModel]) -> list[Any]:
        with self.store.reading() as session:
            return list(session.exec(select(model).order_by(*model.__table__.primary_key)).all())  # type: ignore[attr-defined]

    def ids(self) -> list[str]:
        return [row.native_id for row in self.rows(Mention)]

    def texts(self) -> list[str]:
        return [row.text for row in self.rows(Mention)]


def item(number: object = 1, text: str = "Lumbra is down", **more: Any) -> dict[str, Any]:
    return {"id": number, "text": text, "created_at": SAID} | more


def set_up(house: House) -> None:
    object.__setattr__(house.installation, "senders", {entry["name"]: built(entry) for entry in ENTRIES})
    rows = [
        {
            "name": entry["name"], "kind": receipts.PUSH, "options": {}, "brands": entry.get("brands"),
            "every_s": None, "about_brands": entry.get("about_brands", False), "active": True,
        }
        for entry in ENTRIES
    ]  # fmt: skip
    with house.store.transaction() as session:
        brands.save_sources(session, rows, house.clock())


@pytest.fixture
def ear(house: House) -> Iterator[Ear]:
    set_up(house)
    served = Ear(house)
    yield served
    served.stop()


@pytest.fixture(scope="module")
def sqlite_ear(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ear]:
    """One on SQLite for all tests of what does not depend on the database, each with items of its own."""
    path = tmp_path_factory.mktemp("ear") / "escucha.db"
    shutil.copy(_sqlite_template, path)
    store = Store(f"sqlite:///{path}")
    house = House(Installation(Settings(), store, ("log",), {"log": LogChannel("log")}), Clock())
    house.listen()
    set_up(house)
    served = Ear(house)
    yield served
    served.stop()
    store.close()


def statuses(answer: httpx2.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["status"] for one in answer.json()["items"]]


def test_what_is_sent_is_stored_once_and_the_answer_tells_of_each(ear: Ear) -> None:
    batch = [
        item(1, author={"id": 7, "handle": "ana"}, engagement={"votes": 3}, reach=40, kind="crm-mail"),
        item("two", "Telmira works"),
        item(3, "nothing about any brand"),
        {"id": 4, "text": "Lumbra", "created_at": "yesterday"},
        item(5, "it does not name the brand", target="lumbra"),
    ]
    answer = ear.send(batch)
    assert statuses(answer) == ["stored", "stored", "unmatched", "refused", "stored"]
    told = answer.json()
    assert (told["received"], told["stored"], told["refused"], told["unmatched"]) == (5, 3, 1, 1)
    assert told["items"][3] == {
        "id": "4", "status": "refused", "pointer": "/items/3/created_at",
        "why": "must be a date and time in ISO 8601, such as 2026-11-21T12:00:00Z",
    }  # fmt: skip

    first = next(row for row in ear.rows(Mention) if row.native_id == "1")
    assert (first.kind, first.native_id, first.reach, first.engagement) == ("crm-mail", "1", 40, {"votes": 3})
    source = next(row for row in ear.rows(Source) if row.name == "crm")
    assert source.last_success_at is not None
    assert sorted(pair.about_brand for pair in ear.rows(MentionBrand)) == [False, False, True]

    assert statuses(ear.send(batch)) == ["known", "known", "unmatched", "refused", "known"]
    assert len(ear.rows(Mention)) == 3


def test_an_edit_is_known_as_one_and_a_deletion_blanks_and_stays(ear: Ear) -> None:
    ear.send([item(1), item(2)])
    edited = item(1, "Lumbra is up again", edited_at=EDITED)
    assert statuses(ear.send([edited, item(2)])) == ["edited", "known"]
    assert ear.texts() == ["Lumbra is up again", "Lumbra is down"]

    assert statuses(ear.send([{"id": 1, "deleted": True}, {"id": 9, "deleted": True}])) == ["deleted", "unmatched"]
    assert ear.texts() == ["", "Lumbra is down"]
    again = ear.send([item(1)]).json()["items"][0]
    assert (again["status"], again["why"]) == ("refused", "was deleted here before and is not taken again")
    assert ear.texts() == ["", "Lumbra is down"]


def test_a_deletion_that_comes_before_its_item_holds(ear: Ear) -> None:
    early = ear.send([{"id": 9, "deleted": True}]).json()["items"]
    assert early == [{"id": "9", "status": "unmatched", "why": push_items.NOT_YET}]
    late = ear.send([item(9)]).json()["items"]
    assert (late[0]["status"], late[0]["why"]) == ("refused", push_items.GONE)
    # Not so of a platform of which others tell, too: no sender decides what they may say.
    assert statuses(ear.send([{"id": 9, "deleted": True, "kind": "shared"}])) == ["unmatched"]
    assert statuses(ear.send([item(9, kind="shared")], name="survey")) == ["stored"]
    assert [(row.kind, row.native_id) for row in ear.rows(Tombstone)] == [("crm", "9")]


def test_deletions_are_heeded_though_nobody_listens(ear: Ear) -> None:
    ear.send([item(1)], name="survey")
    with ear.store.transaction() as session:
        brands.retire_brands(session, ["Telmira"])
    assert ear.send([item(2)], name="survey").status_code == 503
    assert statuses(ear.send([{"id": 1, "deleted": True}], name="survey")) == ["deleted"]
    assert ear.texts() == [""]


def test_no_sender_writes_over_what_another_told(ear: Ear) -> None:
    ear.send([item(1, kind="shared", reach=7, declared={"nps": 1})])
    other = item(1, "Lumbra, as the survey has it", kind="shared", edited_at=EDITED, declared={"nps": 9}, reach=1)
    assert ear.send([other], name="survey").json()["items"] == [
        {"id": "1", "status": "known", "why": push_items.ANOTHERS}
    ]
    same = item(1, kind="shared", edited_at=EDITED, reach=1)
    assert ear.send([same], name="survey").json()["items"] == [{"id": "1", "status": "known"}]
    assert statuses(ear.send([item(1, "nothing at all", kind="shared", edited_at=EDITED)], name="survey")) == ["known"]
    assert statuses(ear.send([{"id": 1, "kind": "shared", "deleted": True}], name="survey")) == ["unmatched"]
    (row,) = ear.rows(Mention)
    assert (row.text, row.reach, row.edited_at) == ("Lumbra is down", 7, None)
    assert [mark.value for mark in ear.rows(DeclaredScore)] == [1]


DELETE = {"id": "z", "deleted": True}


@pytest.mark.parametrize(
    ("items", "told", "texts"),
    [
        ([DELETE, item("z")], ["unmatched", "refused"], []),
        ([item("z"), DELETE, item("z")], ["deleted", "deleted", "refused"], []),
        ([item("z"), DELETE], ["deleted", "deleted"], []),
        ([item("z", "about no brand"), DELETE], ["unmatched", "unmatched"], []),
        ([item("z"), item("z", "Lumbra is up")], ["known", "stored"], ["Lumbra is up"]),
        ([item("z", "Lumbra is up", edited_at=EDITED), item("z")], ["stored", "known"], ["Lumbra is up"]),
        ([item("z"), item("z", "about no brand")], ["unmatched", "unmatched"], []),
        ([item("z"), item("z")], ["known", "stored"], ["Lumbra is down"]),
    ],
)
def test_what_is_told_of_an_id_is_what_became_of_it(
    ear: Ear, items: list[dict[str, Any]], told: list[str], texts: list[str]
) -> None:
    assert statuses(ear.send(items)) == told
    assert ear.texts() == texts


def test_an_edit_that_is_gone_again_in_the_same_request_is_deleted(ear: Ear) -> None:
    ear.send([item("z"), item("y")])
    batch = [item("z", "Lumbra!", edited_at=EDITED), DELETE, item("y", "no brand", edited_at=EDITED)]
    assert statuses(ear.send(batch)) == ["deleted", "deleted", "edited"]
    assert sorted(ear.texts()) == ["", "no brand"]
    assert statuses(ear.send([DELETE, item("z")])) == ["deleted", "refused"]


@pytest.mark.parametrize("text", ["", " \n ", "\u200b", "\u2800\ufe0f", "\u3164"])
def test_a_mark_without_words_is_in_no_list_from_the_start(ear: Ear, text: str) -> None:
    sent = [item(1, text, title=" ", declared={"nps": 2}), item(2, text, title="\u200b")]
    assert statuses(ear.send(sent, name="survey")) == ["stored", "refused"]
    assert (ear.texts(), [pair.hidden_why for pair in ear.rows(MentionBrand)]) == ([""], [NO_WORDS])
    assert httpx2.get(f"{ear.url}/api/v1/mentions", headers=ear.headers).json()["items"] == []
    assert len(httpx2.get(f"{ear.url}/api/v1/mentions?hidden=true", headers=ear.headers).json()["items"]) == 1
    with ear.store.transaction() as session:
        (pair,) = scoring.claim_unscored(session, 10, datetime.now(UTC), timedelta(minutes=1))
    with ear.store.transaction() as session:
        scoring.write_scores(session, [score_row(pair.id, "promoter")], datetime.now(UTC))
    (scored,) = ear.rows(MentionBrand)
    assert (scored.hidden_why, scored.verdict) == (NO_WORDS, Reason.NOT_RELEVANT)
    assert statuses(ear.send([item(1, text, declared={"nps": 3})], name="survey")) == ["known"]


def test_no_sender_deletes_what_another_told(ear: Ear) -> None:
    ear.house.hear(1, "Lumbra?", None)
    ear.send([item(1)])
    answer = ear.send([{"id": 1, "deleted": True, "kind": "survey"}], name="survey")
    assert statuses(answer) == ["unmatched"]
    other = ear.send([{"id": 1, "deleted": True, "kind": "x"}])
    assert statuses(other) == ["refused"]
    assert "this sender may send crm, crm-mail, shared" in other.text
    assert ear.texts() == ["Lumbra?", "Lumbra is down"]


def test_marks_are_kept_apart_and_shown_with_their_scale(ear: Ear) -> None:
    sent = [item(1, "never again", declared={"nps": 2, "mood": {"value": 70, "lowest": 0, "highest": 100}})]
    assert statuses(ear.send(sent, name="survey")) == ["stored"]
    assert statuses(ear.send([item(1, "never again", declared={"nps": 9})], name="survey")) == ["known"]
    marks = {row.name: (row.value, row.lowest, row.highest) for row in ear.rows(DeclaredScore)}
    assert marks == {"nps": (9, 0, 10), "mood": (70, 0, 100)}
    shown = httpx2.get(f"{ear.url}/api/v1/mentions", headers=ear.headers).json()["items"][0]
    assert shown["declared"]["nps"] == {"value": 9, "lowest": 0, "highest": 10}
    assert (shown["label"], shown["stance"]) == (None, None)


@pytest.mark.parametrize(
    "how",
    [
        {"secret": "another secret than the CRM's"},
        {"age": 301},
        {"age": -302},
        {"name": "nobody"},
        {"name": "tickets"},
        {"name": "forms"},
        {"X-Escucha-Signature": ""},
        {"X-Escucha-Signature": "v0=é".encode()},
        {"X-Escucha-Timestamp": "now"},
        {"X-Escucha-Timestamp": "9" * 400},
        {"body": b'{"items": []}', "X-Escucha-Signature": "v0=" + "0" * 64},
    ],
    ids=str,
)
def test_whoever_cannot_prove_it_is_told_the_same_thing(sqlite_ear: Ear, how: dict[str, Any]) -> None:
    answer = sqlite_ear.send([item("forged")], **how)
    assert (answer.status_code, answer.json()["detail"]) == (401, ingest.FORGED)
    assert "www-authenticate" in answer.headers
    assert "forged" not in sqlite_ear.ids()


def test_a_body_that_was_changed_on_the_way_is_forged(sqlite_ear: Ear) -> None:
    stamp = str(int(time.time()))
    signed = signature.sign(SECRET.encode(), int(stamp), json.dumps({"items": [item()]}).encode())
    answer = sqlite_ear.send([item(2)], **{"X-Escucha-Timestamp": stamp, "X-Escucha-Signature": signed})
    assert answer.status_code == 401


def test_two_secrets_are_good_while_one_is_changed_for_the_other(sqlite_ear: Ear) -> None:
    assert statuses(sqlite_ear.send([item("old")], secret=OLD)) == ["stored"]
    assert statuses(sqlite_ear.send([item("new")], secret=SECRET)) == ["stored"]


def test_a_copy_of_a_request_changes_nothing_while_it_is_fresh_and_is_refused_afterwards(sqlite_ear: Ear) -> None:
    raw = json.dumps({"items": [item("replayed")]}).encode()
    stamp = int(time.time())
    headers = {"X-Escucha-Timestamp": str(stamp), "X-Escucha-Signature": signature.sign(SECRET.encode(), stamp, raw)}
    assert statuses(sqlite_ear.send(None, body=raw, **headers)) == ["stored"]
    assert statuses(sqlite_ear.send(None, body=raw, **headers)) == ["known"]
    own = signature.OwnSignature((SECRET.encode(),))
    written = {"X-Escucha-Timestamp": str(stamp), "X-Escucha-Signature": signature.sign(SECRET.encode(), stamp, raw)}
    moment = datetime.fromtimestamp(stamp, UTC)
    assert own.holds(written, None, raw, moment + timedelta(seconds=300))
    assert not own.holds(written, None, raw, moment + timedelta(seconds=301))


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b'{"items": [', 400, "not JSON at line 1, column 12"),
        (b'{"items": [NaN]}', 400, "NaN is not JSON"),
        (b'\xff{"items": []}', 400, "not UTF-8 at byte 1"),
        (b"[" * 100_000, 400, "nested too deeply"),
        (b'{"items": [{"id": ' + b"9" * 5_000 + b"}]}", 400, "a number of 5,000 digits"),
        (b"", 400, "not JSON"),
        (b"[]", 422, "must be an object"),
        (b"{}", 422, "must be a list of items"),
        (b'{"items": {}}', 422, "must be a list of items"),
        (b'{"items": [], "more": 1}', 422, "nothing is called so here"),
        (json.dumps({"items": [{}] * 501}).encode(), 422, "501 items are too many"),
    ],
)
def test_what_cannot_be_read_says_where_and_stores_nothing(
    sqlite_ear: Ear, body: bytes, status: int, words: str
) -> None:
    answer = sqlite_ear.send(None, body=body)
    assert answer.status_code == status
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"}, {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/jsonx"}, {"Content-Encoding": "gzip"},
    ],
)  # fmt: skip
def test_other_forms_than_json_are_refused(sqlite_ear: Ear, headers: dict[str, str]) -> None:
    assert sqlite_ear.send([item()], **headers).status_code == 415


@pytest.mark.parametrize("kind", ["application/json; charset=UTF-8", "application/vnd.crm+json"])
def test_json_is_known_by_its_names(sqlite_ear: Ear, kind: str) -> None:
    assert statuses(sqlite_ear.send([item(kind)], **{"Content-Type": kind})) == ["stored"]


def test_a_body_too_large_is_refused_however_it_comes(sqlite_ear: Ear) -> None:
    answer = sqlite_ear.send(None, body=b" " * (ingest.LARGEST_BODY + 1))
    assert answer.status_code == 413
    host, port = sqlite_ear.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    # Without a length, so that only counting what comes can tell.
    with suppress(ConnectionError):
        connection.request(
            "POST", "/api/v1/ingest", iter([b" " * 2**20] * 8),
            {"Content-Type": "application/json", "X-Escucha-Signature": "v0=0", "X-Escucha-Timestamp": "0"},
            encode_chunked=True,
        )  # fmt: skip
    assert connection.getresponse().status == 413
    connection.close()


def test_half_a_body_stores_nothing(sqlite_ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "BODY_TIMEOUT_S", 0.3)
    raw = json.dumps({"items": [item("halved")]}).encode()
    stamp = int(time.time())
    head = (
        f"POST /api/v1/ingest HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(raw)}\r\n"
        f"X-Escucha-Source: crm\r\nX-Escucha-Timestamp: {stamp}\r\n"
        f"X-Escucha-Signature: {signature.sign(SECRET.encode(), stamp, raw)}\r\n\r\n"
    ).encode()
    host, port = sqlite_ear.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as lost:
        lost.sendall(head + raw[:-10])
    with socket.create_connection((host, int(port)), timeout=10) as slow:
        slow.sendall(head + raw[:-10])
        assert slow.recv(4096).startswith(b"HTTP/1.1 408")
    assert "halved" not in sqlite_ear.ids()
    with socket.create_connection((host, int(port)), timeout=10) as whole:
        whole.sendall(head + raw[:-10])
        whole.sendall(raw[-10:])
        assert whole.recv(4096).startswith(b"HTTP/1.1 200")
    assert "halved" in sqlite_ear.ids()


def test_atomic_takes_all_or_nothing(ear: Ear) -> None:
    answer = ear.send([item(1), {"id": 2}], path="/api/v1/ingest?atomic=true")
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["items"]] == ["/items/1/text"]
    assert ear.rows(Mention) == []
    assert statuses(ear.send([item(1), item(2)], path="/api/v1/ingest?atomic=true")) == ["stored", "stored"]
    # What can only be known while it is stored counts as well.
    ear.send([{"id": 1, "deleted": True}])
    again = ear.send([item(3), item(1), {"id": 2, "deleted": True}], path="/api/v1/ingest?atomic=true")
    assert (again.status_code, [one["id"] for one in again.json()["items"]]) == (422, ["1"])
    assert ear.texts() == ["", "Lumbra is down"]


def test_a_key_is_answered_again_and_not_done_again(ear: Ear) -> None:
    headers = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
    body = json.dumps({"items": [item(1), {"id": 2}]}).encode()
    first = ear.send(None, body=body, **headers)
    ear.send([item(1, "Lumbra, edited", edited_at=EDITED)])
    again = ear.send(None, body=body, **headers)
    assert again.json() == first.json()
    assert (again.headers["idempotent-replayed"], "idempotent-replayed" in first.headers) == ("true", False)
    assert ear.texts() == ["Lumbra, edited"]

    other = ear.send([item(3)], **headers)
    assert other.status_code == 422
    assert "Idempotency-Key" in other.text
    # The same written without quotes is the same, and another sender's is another.
    bare = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    assert ear.send(None, body=body, **bare).headers["idempotent-replayed"] == "true"
    assert statuses(ear.send([item(3)], name="survey", **bare)) == ["stored"]


@pytest.mark.parametrize("key", ["", '"', '"a', "a b", "x" * 256, '""', "é"])
def test_a_key_that_is_none_is_refused(sqlite_ear: Ear, key: str) -> None:
    answer = sqlite_ear.send([item()], **{"Idempotency-Key": key.encode()})
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.text


def test_what_was_refused_leaves_its_key_free(ear: Ear) -> None:
    headers = {"Idempotency-Key": "k"}
    assert ear.send(None, body=b"{", **headers).status_code == 400
    path = "/api/v1/ingest?atomic=true"
    assert ear.send([{"id": 2}], path=path, **headers).status_code == 422
    assert statuses(ear.send([item(2)], path=path, **headers)) == ["stored"]


def test_of_two_at_once_under_one_key_one_is_done(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, go_on = threading.Event(), threading.Event()
    note_run = brands.note_run

    def dawdle(*arguments: Any, **options: Any) -> None:
        note_run(*arguments, **options)
        reached.set()
        assert go_on.wait(20)

    if ear.store.dialect == "postgresql":
        # On SQLite one writes at a time, so the other cannot look before the first is done.
        monkeypatch.setattr(brands, "note_run", dawdle)
    else:
        go_on.set()
    headers = {"Idempotency-Key": "k"}
    body = json.dumps({"items": [item(number) for number in range(20)]}).encode()
    answers: list[httpx2.Response] = []
    first = threading.Thread(target=lambda: answers.append(ear.send(None, body=body, **headers)))
    first.start()
    if ear.store.dialect == "postgresql":
        assert reached.wait(20)
        second = ear.send(None, body=body, **headers)
        assert second.status_code == 409
        assert int(second.headers["retry-after"]) >= 1
        assert ear.send([item(99)], **headers).status_code == 422
    go_on.set()
    first.join()
    assert answers[0].json()["stored"] == 20
    assert ear.send(None, body=body, **headers).json() == answers[0].json()


def test_the_same_from_many_at_once_is_new_to_one_alone(ear: Ear) -> None:
    batch = [item(number) for number in range(10)]
    answers = together(*(lambda: ear.send(batch) for _ in range(4)))
    assert sum(answer.json().get("stored", 0) for answer in answers) == 10
    keyed = together(*(lambda: ear.send([item(50)], **{"Idempotency-Key": "k"}) for _ in range(4)))
    done = [answer for answer in keyed if answer.status_code == 200 and "idempotent-replayed" not in answer.headers]
    assert (len(done), {answer.status_code for answer in keyed} <= {200, 409}) == (1, True)
    assert len(ear.rows(Mention)) == 11


KILLED = """
    import os, sys
    from listener import clock
    from listener.jobs import push
    from listener.jobs.push import Key, Receiver
    from listener.push.batch import parse_body, read_own
    from listener.store.engine import Store

    url, when, body = sys.argv[1], sys.argv[2], sys.argv[3].encode()
    if when == "before":
        push.brand_store.note_run = lambda *arguments, **options: os._exit(9)
    receiver = Receiver(Store(url), clock.now)
    receiver.receive("crm", read_own(parse_body(body), ("crm",), clock.now()), key=Key("k", b"f"))
    os._exit(9)
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_killed_about_the_time_it_stores_loses_and_doubles_nothing(
    house: House, database_url: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(house)
    body = json.dumps({"items": [item(1), item(2)]})
    script = textwrap.dedent(KILLED)
    killed = subprocess.run([sys.executable, "-c", script, database_url, when, body], check=False, timeout=60)
    assert killed.returncode == 9

    with house.store.reading() as session:
        stored, (receipt,) = session.exec(select(Mention)).all(), session.exec(select(PushReceipt)).all()
    assert (len(stored), receipt.answer is not None) == ((0, False) if when == "before" else (2, True))

    now = datetime.now(UTC)
    receiver = Receiver(house.store, lambda: now)
    batch = read_own(parse_body(body.encode()), ("crm",), now)
    again = receiver.receive("crm", batch, key=Key("k", b"f"))
    if when == "before":
        # Nobody can know that its process is dead before its time is up.
        assert (again.status, again.retry_after is not None) == (409, True)
        now += receipts.LEASE + timedelta(seconds=1)
        again = receiver.receive("crm", batch, key=Key("k", b"f"))
    assert (again.status, again.replayed) == (200, when == "after")
    assert json.loads(again.body)["stored"] == 2


def test_a_failure_in_the_middle_keeps_nothing_and_frees_the_key(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    headers = {"Idempotency-Key": "k"}
    with monkeypatch.context() as patch:
        patch.setattr(brands, "note_run", fail)
        assert ear.send([item()], **headers).status_code == 500
    assert ear.rows(Mention) == []
    assert statuses(ear.send([item()], **headers)) == ["stored"]


@contextmanager
def another_process_writes(store: Store) -> Iterator[None]:
    """Somebody whom this process's own turns do not know holds the database."""
    if store.dialect == "sqlite":
        with closing(sqlite3.connect(str(store.url.database), isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
        return
    holder = Store(store.url)
    with holder.transaction() as session:
        alone(session)
        yield
    holder.close()


def test_a_busy_database_asks_the_sender_to_come_again(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.2)
    monkeypatch.setattr(receipts, "LOCK_TIMEOUT_S", 1)
    set_up(house)
    impatient = Store(house.store.url)
    object.__setattr__(house.installation, "store", impatient)
    ear = Ear(house)
    try:
        with another_process_writes(house.store):
            answer = ear.send([item()])
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "the database is busy" in answer.text
        logged = capsys.readouterr().out
        assert "push_database_busy" in logged
        assert "Lumbra is down" not in logged
        assert statuses(ear.send([item()])) == ["stored"]
    finally:
        ear.stop()
        impatient.close()


def test_nobody_listening_is_no_reason_to_lose_what_is_sent(ear: Ear) -> None:
    with ear.store.transaction() as session:
        brands.retire_brands(session, ["Telmira"])
    answer = ear.send([item()], name="survey")
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)


def test_too_many_at_once_are_asked_to_come_again(sqlite_ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "WAITING", 0)
    answer = sqlite_ear.send([item()])
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")


def test_hostile_text_is_kept_as_text(ear: Ear) -> None:
    answer = ear.send([item(HOSTILE, HOSTILE, title=HOSTILE, url="javascript:alert(1)", author={"name": HOSTILE})])
    assert statuses(answer) == ["stored"]
    (stored,) = ear.rows(Mention)
    assert stored.text == f"{HOSTILE}".replace("\x00", "")
    assert stored.url is None
    half = json.dumps({"items": [item("e", "Lumbra \ud83d"), {"\ud83d/~": 1}]}).encode()
    told = ear.send(None, body=half).json()["items"]
    assert (told[0]["status"], told[1]["status"]) == ("stored", "refused")
    assert httpx2.get(f"{ear.url}/healthz").status_code == 200


def test_a_request_at_work_ends_with_the_process(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, stop = threading.Event(), ear.house_stop
    match = Matcher.match

    def slowly(self: Matcher, item: Item) -> Any:
        begun.set()
        assert stop.wait(20)
        return match(self, item)

    monkeypatch.setattr(Matcher, "match", slowly)
    answers: list[httpx2.Response] = []
    headers = {"Idempotency-Key": "k"}
    sender = threading.Thread(target=lambda: answers.append(ear.send([item(n) for n in range(500)], **headers)))
    sender.start()
    assert begun.wait(20)
    started = time.monotonic()
    ear.stop()
    sender.join()
    assert time.monotonic() - started < 15
    assert (answers[0].status_code, answers[0].headers["retry-after"]) == (503, "5")
    assert (ear.rows(Mention), ear.rows(PushReceipt)) == ([], [])


def _begun(url: str, **headers: str) -> socket.socket:
    """A request of which the head has come, and nothing of its body."""
    lines = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": "5000"} | headers
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    host, port = url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.sendall(f"POST /api/v1/ingest HTTP/1.1\r\n{head}\r\n".encode())
    return connection


def test_a_body_that_does_not_come_keeps_no_process_from_ending(ear: Ear) -> None:
    with _begun(ear.url, **SOME_PROOF) as connection:
        ear.house_stop.set()
        answer = connection.recv(4096).lower()
    assert answer.startswith(b"http/1.1 503")
    assert b"retry-after: 5" in answer


SOME_PROOF = {"X-Escucha-Signature": "v0=0", "X-Escucha-Timestamp": "1"}


def test_without_any_proof_no_body_is_read(sqlite_ear: Ear) -> None:
    for headers in ({}, {"X-Escucha-Source": "crm"}, {"X-Escucha-Signature": "v0=0"}):
        with _begun(sqlite_ear.url, **headers) as connection:
            assert connection.recv(4096).startswith(b"HTTP/1.1 401")
    # Whose proof it is does not matter: the answer tells nobody who is set up here.
    for headers in (SOME_PROOF, {"Typeform-Signature": "x"}, {"Authorization": "Bearer x"}):
        with _begun(sqlite_ear.url, **headers) as connection:
            connection.settimeout(0.2)
            with pytest.raises(TimeoutError):
                connection.recv(4096)


def test_only_so_many_bodies_are_held_at_a_time(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "READING", 2)
    held = [_begun(ear.url, **SOME_PROOF) for _ in range(3)]
    # Whichever of them the server comes to last.
    (refused,), _, _ = select_sockets.select(held, [], [], 10)
    answer = refused.recv(4096).lower()
    assert answer.startswith(b"http/1.1 503")
    assert b"retry-after: 5" in answer
    for connection in held:
        connection.close()
    assert statuses(ear.send([item("after")])) == ["stored"]


def hooked(ear: Ear, name: str, document: Any, **headers: str) -> httpx2.Response:
    return httpx2.post(f"{ear.url}/api/v1/ingest/{name}", json=document, headers=headers, timeout=30)


TICKET = {
    "ticket": {"id": 35},
    "comments": [
        {"id": 1, "body": "Lumbra is down since noon", "at": "2020-11-21T11:00:00+01:00", "author": 9, "public": True},
        {"id": 2, "body": "Lumbra: internal note", "at": "2020-11-21T11:01:00+01:00", "author": 2, "public": False},
        {"id": 3, "body": "Lumbra?", "at": "noon", "author": 9, "public": True},
    ],
}  # fmt: skip


def test_another_systems_json_is_read_by_its_mapping(ear: Ear) -> None:
    answer = hooked(ear, "tickets", TICKET, Authorization=f"Bearer {TOKEN}")
    assert statuses(answer) == ["stored", "ignored", "refused"]
    assert "(taken from at)" in answer.json()["items"][2]["why"]
    (stored,) = ear.rows(Mention)
    assert (stored.kind, stored.native_id, stored.created_at.hour) == ("tickets", "35-1", 10)
    by_address = httpx2.post(f"{ear.url}/api/v1/ingest/tickets?token={TOKEN.replace(' ', '%20')}", json=TICKET)
    assert statuses(by_address) == ["known", "ignored", "refused"]


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer nothing", "Basic " + TOKEN, TOKEN])
def test_a_token_must_be_the_right_one(sqlite_ear: Ear, authorization: str) -> None:
    answer = hooked(sqlite_ear, "tickets", TICKET, Authorization=authorization)
    assert (answer.status_code, answer.json()["detail"]) == (401, ingest.FORGED)
    assert hooked(sqlite_ear, "nobody", TICKET).json()["detail"] == ingest.FORGED


def test_another_systems_signature_is_checked_over_the_body_as_it_came(ear: Ear) -> None:
    form = {
        "form_response": {
            "token": "a3a12ec67a1365927098a606107fac15", "submitted_at": "2018-01-18T18:17:02Z",
            "answers": [
                {"type": "number", "number": 3, "field": {"ref": "nps"}},
                {"type": "text", "text": "it breaks every week", "field": {"ref": "why"}},
            ],
        }
    }  # fmt: skip
    raw = json.dumps(form, indent=3).encode()
    digest = base64.b64encode(hmac.new(SECRET.encode(), raw, hashlib.sha256).digest()).decode()
    url = f"{ear.url}/api/v1/ingest/forms"
    json_kind = {"Content-Type": "application/json"}
    good = httpx2.post(url, content=raw, headers=json_kind | {"Typeform-Signature": f"sha256={digest}"})
    assert statuses(good) == ["stored"]
    assert [(row.name, row.value) for row in ear.rows(DeclaredScore)] == [("nps", 3)]
    # Caught and sent again, under whatever key: it does nothing twice, however long its signature is good.
    form["form_response"]["answers"][1]["text"] = "it breaks every day"
    later = json.dumps(form).encode()
    signed = base64.b64encode(hmac.new(SECRET.encode(), later, hashlib.sha256).digest()).decode()
    edited = httpx2.post(url, content=later, headers=json_kind | {"Typeform-Signature": f"sha256={signed}"})
    assert statuses(edited) == ["edited"]
    for more in ({}, {"Idempotency-Key": "another"}):
        headers = json_kind | {"Typeform-Signature": f"sha256={digest}"} | more
        caught = httpx2.post(url, content=raw, headers=headers, params={"atomic": "true"})
        assert (caught.json(), caught.headers["idempotent-replayed"]) == (good.json(), "true")
    assert ear.texts() == ["it breaks every day"]
    other = json.dumps(form, indent=1).encode()
    bad = httpx2.post(url, content=other, headers=json_kind | {"Typeform-Signature": f"sha256={digest}"})
    assert bad.status_code == 401
