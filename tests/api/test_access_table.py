"""Who may do what: the table in docs/access.md is what the code says, and what the running application does.

ESCUCHA_WRITE_TABLE=1 writes it anew.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, SQLModel, select

from api import openapi
from api.access import COOKIE
from api.app import create_app
from api.operations import PUBLIC, Operation, operations
from listener.access import EVERYWHERE, PERMISSIONS, Permission, Role
from listener.store import callers, collections, views
from listener.store.engine import Store
from listener.store.tables import (
    Alert,
    Author,
    Collection,
    Delivery,
    MentionBrand,
    SavedView,
    Silence,
    UserAccount,
)

from .conftest import House

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TABLE = Path(__file__).parents[2] / "docs" / "access.md"
WRITING = bool(os.environ.get("ESCUCHA_WRITE_TABLE"))
ANOTHER = "another brand's key"
COLUMNS = ("nobody", *Role, ANOTHER)

HEAD = """# Who may do what

Made from the code and held against the running application by `tests/api/test_access_table.py`; made anew by
`ESCUCHA_WRITE_TABLE=1 .venv/bin/pytest -q tests/api/test_access_table.py`.

Every operation is asked about a thing of the brand Lumbra: without credentials, by somebody of each role for all
brands, and with a key that holds every permission for the brand Telmira alone. `yes`: it is done, or refused for
another reason than who asks. `own`: it answers, with what is Telmira's and nothing of Lumbra's. 303: to where one
signs in.
A page's form takes the same permission as the API.

| | Address | Permission | nobody | viewer | agent | marketer | administrator | another brand's key |
|---|---|---|---|---|---|---|---|---|
"""


class Asked:
    """The application with everything in it that addresses name, and nothing that is done in it stays."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        house.hear(10, "Telmira is down too", "detractor", brand="Telmira")
        now = house.clock()
        with house.store.transaction() as session:
            lumbra = house.brand("Lumbra")
            collections.make(session, lumbra, "Lumbra's best", "ana", now)
            session.add(Silence(matchers={"brand": ["Lumbra"]}, starts_at=now, ends_at=now, created_by="ana",
                                created_at=now))  # fmt: skip
        self.house, self.lumbra = house, lumbra
        stop = Event()
        stop.set()  # An event stream ends at once.
        self.app = create_app(house.installation, stop)
        self.clients = {column: self._client(column) for column in COLUMNS}
        with house.store.transaction() as session:
            own = session.exec(select(UserAccount).where(UserAccount.email.contains("administrator"))).one()  # type: ignore[attr-defined]
            views.add(session, own.id, "mentions", "Angry", {"label": ["detractor"]}, "ana", now)  # type: ignore[arg-type]
        self.ids = self._ids()
        self.bodies = _examples(openapi.describe(self.app))
        self._monkeypatch = monkeypatch

    def _client(self, column: str) -> TestClient:
        client = TestClient(
            self.app, base_url="http://127.0.0.1", follow_redirects=False, raise_server_exceptions=False
        )
        if column == ANOTHER:
            client.headers.update(self.house.key(brand="Telmira"))
        elif column != "nobody":
            token = self.house.user(Role(column))
            client.cookies.set(COOKIE, token)
            with self.house.store.reading() as session:
                found = callers.by_session(session, token, self.house.now)
            assert found is not None
            client.headers["X-CSRF-Token"] = found[0].csrf or ""
        return client

    def _ids(self) -> dict[str, object]:
        with self.house.store.reading() as session:

            def first(model: type[SQLModel], *where: Any) -> int:
                found = session.exec(select(model).where(*where)).first()
                assert found is not None, model
                return found.id  # type: ignore[attr-defined, no-any-return]

            alert = first(Alert, Alert.brand_id == self.lumbra)
            return {
                "brand_id": self.lumbra, "alert_id": alert, "act": "acknowledge", "rule": "detractor",
                "mention_id": first(
                    MentionBrand, MentionBrand.brand_id == self.lumbra, MentionBrand.label == "promoter"
                ),
                "author_id": first(Author), "collection_id": first(Collection), "silence_id": first(Silence),
                "delivery_id": first(Delivery, Delivery.alert_id == alert), "view_id": first(SavedView),
                "user_id": first(UserAccount), "key_id": 1, "name": "stream", "name:path": "stream",
                "channel": "log", "kind": "csv", "source_id": 1, "team": "nobody",
            }  # fmt: skip

    def status(self, operation: Operation, column: str) -> tuple[int, str]:
        """What an operation about Lumbra's things answers; and its text."""
        path = operation.path.replace("/channels/{name}", "/channels/{channel}")
        for name, value in self.ids.items():
            path = path.replace(f"{{{name}}}", str(value))
        assert "{" not in path, f"say which {operation.path} to ask for"
        more: dict[str, Any] = {"headers": {"If-Match": "*"}}
        body = self.bodies.get((operation.method, operation.path))
        if body is not None:
            more["json"] = body
        elif operation.page and operation.method == "POST":
            more["data"] = {}
        with self._monkeypatch.context() as patched:
            # These look again at what they have changed, and take nothing away that is asked for later.
            whole = operation.method == "DELETE" and operation.path.endswith("{brand_id}")
            if whole or not operation.path.startswith("/api/v1/brands/{brand_id}"):
                patched.setattr(Store, "transaction", _undone)
            answer = self.clients[column].request(operation.method, path, **more)
        return answer.status_code, answer.text


@contextmanager
def _undone(self: Store) -> Iterator[Session]:
    """A transaction whose work does not stay."""
    with Session(self.engine, expire_on_commit=False) as session:
        yield session
        session.flush()
        session.rollback()


def _examples(described: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    found = {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            for one in content.get("examples", {}).values():
                value = one["value"]
                named = {"brand": "Lumbra"} if isinstance(value, dict) and "brand" in value else {}
                found.setdefault((method.upper(), path), value | named if named else value)
    return found


@pytest.fixture
def asked(full_house: House, monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(full_house, monkeypatch)


def cell(operation: Operation, column: str, status: int) -> str:
    """What the table says of an answer."""
    if operation.public or status in (401, 403, 404) or (status == 303 and column == "nobody"):
        return "yes" if operation.public else str(status)
    if column == ANOTHER:
        return "422" if status == 422 else "own"
    return "yes"


def test_every_operation_asks_who_it_is_but_for_a_few(database_url: str) -> None:
    found = operations()
    assert {one.path for one in found if one.public} == PUBLIC
    assert len(found) > 80


def test_the_table_is_what_the_application_does(asked: Asked) -> None:
    rows, wrong = [], []
    for operation in operations():
        cells = []
        for column in COLUMNS:
            status, text = (0, "") if operation.public else asked.status(operation, column)
            cells.append(cell(operation, column, status))
            told = f"{operation.method} {operation.path} for {column}: {status} {text[:150]!r}"
            if operation.public:
                continue
            if problem := _wrong(operation, column, status, text):
                wrong.append(f"{told} ({problem})")
        needed = "public" if operation.public else operation.permission or "signed in"
        path = operation.path.replace("|", "\\|")
        rows.append(f"| {operation.method} | `{path}` | {needed} | {' | '.join(cells)} |")
    table = HEAD + "\n".join(rows) + "\n"
    if WRITING:
        TABLE.write_text(table, encoding="utf-8")
    assert not wrong, "\n".join(wrong)
    assert TABLE.read_text(encoding="utf-8") == table, "make docs/access.md anew; its head says how"


def _wrong(operation: Operation, column: str, status: int, text: str) -> str | None:
    """What is wrong with an answer, by the permissions alone."""
    if status >= 500:
        return "broken"
    needed = operation.permission
    if column == "nobody":
        expected = 303 if operation.page else 401
        return None if status == expected else f"should be {expected}"
    if column == ANOTHER:
        if needed in EVERYWHERE:
            return None if status == 403 else "should be 403: it concerns everything"
        about_lumbra = any(name in operation.path for name in ("brand_id", "alert_id", "mention_id", "collection_id"))
        # Pages are asked with an empty form, which some look at first.
        if about_lumbra and status not in ((404, 422) if operation.page else (404,)):
            return "should be 404: it is another brand's"
        return "something of Lumbra's is in it" if status < 300 and "lumbra" in text.lower() else None
    may = needed is None or needed in PERMISSIONS[Role(column)]
    if not may:
        return None if status == 403 else "should be 403"
    if status in (401, 403):
        return "should be let in"
    # Views are each user's own, and no team of this house has a digest.
    if status == 404 and not operation.path.startswith(("/api/v1/views/", "/mentions/views/", "/api/v1/digests/")):
        return "there should be something"
    return None


def test_what_belongs_to_everything_is_no_permission_for_one_brand(database_url: str) -> None:
    needed = {one.permission for one in operations() if one.permission is not None}
    assert needed == frozenset(Permission)
