"""``escucha alerts`` as a person uses it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.incident import Incident
from listener.store import brands, incidents, migrate
from listener.store.engine import Store
from listener.store.life import Act, perform

from .conftest import Escucha

NOW = datetime.now(UTC)


@pytest.fixture
def incident(tmp_path: Path) -> Store:
    """One open incident in the database that the command uses."""
    store = Store(f"sqlite:///{tmp_path}/data/escucha.db")
    migrate.upgrade(store)
    found = Incident(None, "Lumbra", "detractor", NOW, NOW, 3, 900, because="91% likely\x1b[2J a detractor")
    with store.transaction() as session:
        brands.save_brands(session, [{"name": "Lumbra", "query": "Lumbra", "role": "own", "alerting": {}}], NOW)
        lumbra = brands.brand_named(session, "Lumbra")
        assert lumbra is not None
        incidents.open_new(session, lumbra.id, found, NOW)
    return store


def test_the_list_and_one_of_it(escucha: Escucha, incident: Store) -> None:
    listed = escucha("alerts", "list")
    assert (listed.status, "#1 warning open Lumbra: detractor, 3 mentions" in listed.out) == (0, True)
    assert escucha("alerts", "list", "--state", "resolved").out.strip() == "no incident"
    (row,) = json.loads(escucha("alerts", "list", "--json").out)
    assert (row["id"], row["state"]) == (1, "open")
    shown = escucha("alerts", "show", "1")
    assert "91% likely[2J a detractor" in shown.out
    assert "\x1b" not in shown.out


def test_an_act_says_how_it_stands_and_again_that_it_was_so(escucha: Escucha, incident: Store) -> None:
    first = escucha("alerts", "acknowledge", "1", "--by", "ana")
    assert (first.status, "incident 1: acknowledged, acknowledged by ana" in first.err) == (0, True)
    again = escucha("alerts", "acknowledge", "1", "--by", "luis")
    assert (again.status, "by ana" in again.err, "it was so already" in again.err) == (0, True, True)


def test_every_act_has_its_command(escucha: Escucha, incident: Store) -> None:
    for arguments in (
        ["assign", "1"], ["snooze", "1", "--for", "4h"], ["wake", "1"], ["answer", "1"], ["note", "1", "a [b]call"],
        ["useful", "1"], ["not-useful", "1"], ["resolve", "1", "--why", "sorted"], ["reopen", "1"],
    ):  # fmt: skip
        assert escucha("alerts", *arguments, "--by", "ana").status == 0
    shown = escucha("alerts", "show", "1").out
    for words in ("ana took it", "ana noted: a [b]call", "ana found it not useful", "ana resolved it: sorted"):
        assert words in shown


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["acknowledge", "9"], 1, "there is no incident 9"),
        (["snooze", "1"], 2, "--for"),
        (["snooze", "1", "--for", "soon"], 2, "looks like"),
        (["snooze", "1", "--until", "2020-01-01"], 1, "ends in the future"),
        (["note", "1", " "], 1, "a note needs words"),
    ],
)
def test_what_cannot_be_done_says_what_could(
    escucha: Escucha, incident: Store, arguments: list[str], status: int, says: str
) -> None:
    result = escucha("alerts", *arguments, "--by", "ana")
    assert (result.status, says in result.err) == (status, True)


def test_without_a_name_nothing_is_done(escucha: Escucha, incident: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("USER", raising=False)
    result = escucha("alerts", "resolve", "1")
    assert (result.status, "--by" in result.err) == (2, True)


def test_figures_are_told_in_words(escucha: Escucha, incident: Store) -> None:
    nobody = escucha("alerts", "precision")
    assert (nobody.status, "nobody has said yet" in nobody.err) == (0, True)
    with incident.transaction() as session:
        perform(session, 1, Act.FEEDBACK, "ana", NOW, useful=False)
    assert "0% (0% to 79.3%)" in escucha("alerts", "precision").out
    assert json.loads(escucha("alerts", "precision", "--json").out)["items"][0]["share"]["whole"] == 1
    assert json.loads(escucha("alerts", "service", "--json").out)["days"] == 30
    assert "acknowledged" in escucha("alerts", "service", "--per", "rule").out
