"""``escucha brands`` and what ``escucha check`` says of brands that were changed over the pages."""

import json
from pathlib import Path

import pytest

from api.wiring import apply_config
from listener import clock, configfile
from listener.store import brand_edits, brands
from listener.store.engine import Store

from .conftest import Escucha

FILE = "brands:\n  - {name: Lumbra, query: %s}\n  - {name: Telmira}\n"


@pytest.fixture
def edited(escucha: Escucha, tmp_path: Path) -> None:
    """Lumbra's query and one of its rules were changed over the pages."""
    path = tmp_path / "escucha.yml"
    path.write_text(FILE % "lumbra")
    assert escucha("db", "upgrade").status == 0
    store = Store(f"sqlite:///{tmp_path / 'data' / 'escucha.db'}")
    apply_config(store, configfile.load(path, None))
    with store.transaction() as session:
        row = brands.brand_named(session, "Lumbra")
        assert row is not None
        assert row.id is not None
        changes = {"query": "luz", "alerts": {"detractor": {"min_reach": 5}}}
        brand_edits.change(session, row.id, lambda _: None, changes, ("log",), "ana", clock.now())
    store.close()


@pytest.mark.usefixtures("edited")
def test_listed_shown_and_reset(escucha: Escucha) -> None:
    out = escucha("brands", "list").out
    assert 'Lumbra: own; query changed (escucha.yml says "lumbra"); alerts.detractor changed' in out
    assert "Telmira: own\n" in out
    shown = json.loads(escucha("brands", "show", "Lumbra").out)
    assert (shown["query"], shown["edits"][0]["in_file"], shown["edited_by"]) == ("luz", "lumbra", "ana")
    one = escucha("brands", "reset", "Lumbra", "--by", "ana", "--field", "query")
    assert (one.status, "still changed: alerts.detractor" in one.err) == (0, True)
    again = escucha("brands", "reset", "Lumbra", "--by", "ana", "--field", "query")
    assert (again.status, "is as escucha.yml says" in again.err) == (1, True)
    assert "as escucha.yml says" in escucha("brands", "reset", "Lumbra", "--by", "ana").err
    assert escucha("brands", "show", "Nobody").status == 2


@pytest.mark.usefixtures("edited")
def test_check_says_what_of_the_file_does_not_hold(escucha: Escucha, tmp_path: Path) -> None:
    before = escucha("check").err
    assert "note: brand Lumbra: query was changed over the pages, and that holds; " in before
    (tmp_path / "escucha.yml").write_text(FILE % "lumbra OR bombilla")
    after = escucha("check").err
    assert "query was changed over the pages, and that holds although the file says something new" in after
    assert "brand Telmira" not in [line.partition(": ")[2] for line in after.splitlines() if "note:" in line]
