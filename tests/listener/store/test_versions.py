"""A topic moves when what its pages show may look different, and otherwise stands still."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update
from sqlmodel import Session

from listener.reuse import State, Step
from listener.store import deletion, letters, life, reuse, silences, themes, versions
from listener.store.tables import (
    Brand,
    Correction,
    Delivery,
    Mention,
    MentionBrand,
    ReusePermission,
    Source,
    table,
)

from ...api.conftest import House, full_house, house

__all__ = ["full_house", "house"]

Change = Callable[[Session, House], object]


def _correct(session: Session, here: House) -> None:
    row = {"mention_brand_id": 1, "what": "stance", "after": "-1", "actor": "ana", "at": here.clock()}
    session.connection().execute(insert(table(Correction)).values(**row))


def _ask(session: Session, here: House) -> None:
    row = {"mention_brand_id": 2, "state": "asked", "terms": "", "version": 1, "changed_at": here.clock(),
           "changed_by": "ana", "history": []}  # fmt: skip
    session.connection().execute(insert(table(ReusePermission)).values(**row))


def _retag(session: Session, here: House) -> None:
    row = table(Brand)
    wanted = update(row).where(row.c.id == 1).values(themes={"light": "lumbra"}, version=row.c.version + 1)
    session.connection().execute(wanted)
    assert themes.retag(session, 1, here.clock(), 100) > 0


def _set(model: type[Any], number: int, **values: Any) -> Change:
    return lambda session, _: session.connection().execute(
        update(table(model)).where(table(model).c.id == number).values(**values)
    )


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        (lambda session, here: life.act(session, 1, "acknowledge", "ana", here.clock()), {"alerts"}),
        (lambda session, here: life.act(session, 1, "note", "ana", here.clock(), text="x"), {"alerts"}),
        (_correct, {"mentions"}),
        (_set(MentionBrand, 3, hidden_why="context"), {"mentions"}),
        (lambda session, here: deletion.blank_native(session, "x", ["2"], "gone", here.clock()), {"mentions"}),
        (_set(Delivery, 1, state="pending"), {"deliveries"}),
        (lambda session, here: letters.give_up(session, 1, "ana", here.clock()), {"deliveries"}),
        (_set(Mention, 3, reach=500_000), {"mentions"}),
        (_retag, {"mentions", "brands"}),
        (_set(Source, 1, stopped=True), {"health"}),
        (_ask, {"promoters"}),
        (_set(Brand, 1, version=2), {"brands"}),
        (
            lambda session, here: silences.add(
                session, {}, here.clock(), here.clock() + timedelta(hours=1), "ana", "", here.clock()
            ),
            {"silences", "deliveries"},
        ),
    ],
    ids=["acknowledged", "note", "correction", "hidden", "deleted", "pending", "given up", "reach", "themes",
         "source", "asked", "brand",
         "silence"],
)  # fmt: skip
def test_what_changes_moves_its_own_topic(full_house: House, change: Change, moved: set[str]) -> None:
    with full_house.store.transaction() as session:
        _set(Delivery, 1, state="dead")(session, full_house)
        before = versions.states(session, full_house.clock())
        assert versions.states(session, full_house.clock()) == before
        change(session, full_house)
        after = versions.states(session, full_house.clock())
    assert {topic for topic in after if after[topic] != before[topic]} == moved


def test_a_permission_that_ends_by_itself_or_was_for_other_words_is_news(full_house: House) -> None:
    """Its words must not be copied from a page that was opened while it held."""
    now = full_house.clock()
    granted = Step(State.GRANTED, proof="https://x.example/1", expires_at=now + timedelta(hours=1))
    with full_house.store.transaction() as session:
        for step in (Step(State.ASKED), granted):
            reuse.take_step(session, 2, step, "ana", now, brands=None, seen="*")
        during = versions.promoters(session, now + timedelta(minutes=59))
        assert versions.promoters(session, now) == during
        assert versions.promoters(session, now + timedelta(hours=1)) != during

        _set(MentionBrand, 2, edition=1)(session, full_house)
        assert versions.promoters(session, now) != during


def test_a_silence_that_ends_by_itself_is_news(full_house: House) -> None:
    now = full_house.clock()
    with full_house.store.transaction() as session:
        silences.add(session, {}, now, now + timedelta(hours=1), "ana", "", now)
    with full_house.store.reading() as session:
        during = versions.silences(session, now + timedelta(minutes=59))
        assert versions.silences(session, now) == during
        assert versions.silences(session, now + timedelta(hours=1)) != during
