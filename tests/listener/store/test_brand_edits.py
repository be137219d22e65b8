"""Brands edited over the pages: beside intake, beside each other, and when a brand that was retired is named again."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session

from api.cli.setup import brands_called, ensure_brands
from listener.configfile import ConfigFile
from listener.store import brand_edits, brands, intake
from listener.store.tables import Brand, Source
from tests.listener.conftest import Site, dawdling, item, together


def _any(_: Brand) -> None:
    """Whatever version it is."""


def add(site: Site, name: str, **said: Any) -> int:
    """A brand added by ana; its id."""
    with site.store.transaction() as session:
        made = brand_edits.add(session, name, {"query": name, **said}, (), "ana", site.clock())
    assert made.id is not None
    return made.id


def _save(session: Session, site: Site) -> object:
    row = {"name": "Aeroluz", "query": "aeroluz", "role": "own", "alerting": {}, "active": True}
    return brands.save_brands(session, [row], site.clock())


def _change(session: Session, site: Site) -> object:
    return brand_edits.change(session, 1, _any, {"query": "aeroluz"}, (), "ana", site.clock())


def _take_up(session: Session, site: Site) -> object:
    return brand_edits.add(session, "Nubia", {"query": "nubia"}, (), "ana", site.clock())


@pytest.mark.postgres
@pytest.mark.parametrize("edit", [_save, _change, _take_up])
def test_a_brand_is_saved_while_intake_stores_mentions_of_it(
    postgres_feed: Site, edit: Callable[[Session, Site], object]
) -> None:
    """Intake holds the brands of what it stores, in any order, until all of it is stored: who waited for one of them
    and held another would stop it for good."""
    nubia = postgres_feed.brand("Nubia")
    source = postgres_feed.id_of(Source, "feed")
    with postgres_feed.store.transaction() as storing:
        both = intake.Matched(item("1", "Aeroluz or Nubia?"), {1: ((0, 7),), nubia: ((11, 16),)})
        intake.take_page(storing, source, [both], postgres_feed.clock())
        with postgres_feed.store.transaction() as session:
            session.connection().execute(text("SET LOCAL lock_timeout = '2s'"))
            if edit is _take_up:
                session.connection().execute(text("UPDATE brand SET active = false WHERE name = 'Nubia'"))
            edit(session, postgres_feed)


def test_a_retired_brand_that_is_named_again_is_listened_for_as_it_was_edited(site: Site) -> None:
    zeta = add(site, "Zeta", query="zeta AND flight", role="competitor")
    with site.store.transaction() as session:
        brand_edits.retire(session, zeta, _any, "ana", site.clock())
    with site.store.transaction() as session:
        ensure_brands(session, ConfigFile(), brands_called(ConfigFile(), ["Zeta"]), site.clock())

    brand = site.one(Brand)
    held = brand_edits.held(brand)
    assert brand.active
    assert (brand.query, brand.role) == (held["query"], held["role"]) == ("zeta AND flight", "competitor")


@pytest.mark.postgres
@pytest.mark.parametrize("second", ["Nova", "NOVA"])
def test_of_two_who_add_a_brand_at_once_one_is_told_that_it_is_there(postgres_feed: Site, second: str) -> None:
    def attempt(name: str) -> str:
        try:
            add(postgres_feed, name)
        except brand_edits.Refused as error:
            return str(error)
        return "added"

    with dawdling(postgres_feed.store, "BEFORE INSERT ON brand FOR EACH ROW"):
        came = together(lambda: attempt("Nova"), lambda: attempt(second))

    assert sorted(one == "added" for one in came) == [False, True]
    assert any("is listened for already" in one for one in came)


@pytest.mark.postgres
def test_a_brand_that_is_added_while_escucha_starts_is_there_once(postgres_feed: Site) -> None:
    def starting() -> str:
        postgres_feed.brand("Nova")
        return "started"

    def adding() -> str:
        try:
            add(postgres_feed, "Nova")
        except brand_edits.Refused:
            return "refused"
        return "added"

    with dawdling(postgres_feed.store, "BEFORE INSERT ON brand FOR EACH ROW"):
        assert together(starting, adding)[1] in {"added", "refused"}
    assert sorted(brand.name for brand in postgres_feed.rows(Brand)) == ["Aeroluz", "Nova"]
