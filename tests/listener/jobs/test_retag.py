"""Stored mentions are told by their brand's themes of now: in pages, once, and on from where somebody was stopped."""

import pytest

from listener.jobs.retag import retag_next
from listener.store import themes
from listener.store.tables import MentionBrand
from tests.listener.conftest import Site, broken_off, item


@pytest.fixture
def stored(feed: Site) -> Site:
    """Five scored mentions of Aeroluz, which has no themes; the last of them is about its food."""
    feed.take(*(item(str(number)) for number in range(1, 5)), item("5", "Aeroluz has good food"))
    feed.score()
    return feed


def tagged(site: Site) -> list[list[str]]:
    return [pair.themes for pair in site.rows(MentionBrand)]


def test_who_has_no_themes_is_no_work(stored: Site) -> None:
    assert retag_next(stored.store, stored.clock) == 0


def test_new_themes_are_told_in_pages_once(stored: Site) -> None:
    stored.brand("Aeroluz", themes={"bags": "bag", "food": "food"})

    assert [retag_next(stored.store, stored.clock, 2) for _ in range(5)] == [2, 2, 1, 0, 0]

    assert tagged(stored) == [["bags"]] * 4 + [["food"]]
    assert stored.rollups() == stored.recount()


def test_whoever_is_stopped_goes_on_from_the_page_that_was_kept(stored: Site) -> None:
    brand = stored.brand("Aeroluz", themes={"bags": "bag"})
    retag_next(stored.store, stored.clock, 2)
    with broken_off(stored.store) as session:
        assert themes.retag(session, brand, stored.clock(), 2) == 2
    assert tagged(stored) == [["bags"]] * 2 + [[]] * 3

    assert [retag_next(stored.store, stored.clock, 2) for _ in range(3)] == [2, 1, 0]
    assert tagged(stored) == [["bags"]] * 4 + [[]]


def test_themes_that_change_meanwhile_begin_anew(stored: Site) -> None:
    stored.brand("Aeroluz", themes={"bags": "bag"})
    retag_next(stored.store, stored.clock, 3)
    stored.brand("Aeroluz", themes={"luggage": "bag"})

    while retag_next(stored.store, stored.clock, 2):
        pass
    assert tagged(stored) == [["luggage"]] * 4 + [[]]

    stored.brand("Aeroluz", themes={})
    while retag_next(stored.store, stored.clock, 2):
        pass
    assert tagged(stored) == [[]] * 5
    assert stored.facets() == stored.recount_facets()
