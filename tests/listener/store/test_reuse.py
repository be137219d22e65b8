"""Permissions and collections on both databases, and what deletions and edits leave of them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select

from listener import reuse
from listener.jobs.score import score_batch
from listener.reuse import Permission, Standing, State, Step
from listener.store import collections, deletion, promoters
from listener.store import reuse as permissions
from listener.store.promoters import Wanted
from listener.store.search import Filters
from listener.store.tables import Audit, CollectionItem, ReusePermission, table
from tests.listener.conftest import Site, WordScorer, item

LINK = "https://social.example/@ana/3"
SECRET = "Sure, I am Xaviera Quintanilla"


@pytest.fixture
def praised(feed: Site, scorer: WordScorer) -> Site:
    """Three promoters of one brand, the second also of another, and a detractor."""
    feed.brand("Nubia")
    feed.take(
        item("1", "I love Aeroluz", lang="en"), item("2", "I love Aeroluz and love Nubia", reach=900),
        item("3", "love love Aeroluz", kind="x"), item("4", "Aeroluz lost my bag"),
    )  # fmt: skip
    while score_batch(feed.store, scorer, feed.clock):
        pass
    return feed


def ids(site: Site, brand: str = "Aeroluz", **wanted: object) -> list[int]:
    with site.store.reading() as session:
        asked = Wanted(**({"filters": Filters(brand=brand)} | wanted))  # type: ignore[arg-type]
        found = promoters.find(session, asked, site.clock(), brands=None, after=None, limit=50)
        return sorted(one.row["id"] for one in found.items)


def keep(site: Site, pair: int, *steps: Step) -> Permission:
    for step in steps:
        with site.store.transaction() as session:
            found, _ = permissions.take_step(session, pair, step, "mar", site.clock(), brands=None, seen="*")
    return found


ASK = Step(State.ASKED)
YES = Step(State.GRANTED, proof=SECRET, said_by="Xaviera", terms="As Xaviera said")


def test_promoters_are_found_by_permission_and_collection(praised: Site) -> None:
    first, second, third = ids(praised)
    keep(praised, first, ASK, YES)
    keep(praised, second, ASK)
    assert ids(praised, permission=Standing.GRANTED) == [first]
    assert ids(praised, permission=Standing.ASKED) == [second]
    assert ids(praised, permission=Standing.NOT_ASKED) == [third]
    assert ids(praised, permission=Standing.REFUSED) == []
    assert ids(praised, filters=Filters(brand="Aeroluz", min_reach=100)) == [second]
    assert ids(praised, words="nubia") == [second]
    assert ids(praised, words="nubia", permission=Standing.GRANTED) == []
    assert ids(praised, chance=0.0) == [first, second, third]
    assert ids(praised, chance=1.0) == []
    keep(praised, second, Step(State.NOT_ASKED))
    assert ids(praised, permission=Standing.NOT_ASKED) == [second, third]


def test_one_that_is_over_is_over_in_lists_too(praised: Site) -> None:
    first, *_ = ids(praised)
    until = praised.clock() + timedelta(days=1)
    keep(praised, first, ASK, Step(State.GRANTED, proof=LINK, expires_at=until))
    assert ids(praised, permission=Standing.GRANTED) == [first]
    praised.clock.advance(days=1)
    assert (ids(praised, permission=Standing.GRANTED), ids(praised, permission=Standing.EXPIRED)) == ([], [first])


def test_it_does_not_hold_for_words_that_were_changed_since(praised: Site, scorer: WordScorer) -> None:
    first, *_ = ids(praised)
    keep(praised, first, ASK, YES)
    praised.take(item("1", "I love Aeroluz and hate everybody else", lang="en"))
    score_batch(praised.store, scorer, praised.clock)
    assert (ids(praised, permission=Standing.GRANTED), ids(praised, permission=Standing.CHANGED)) == ([], [first])
    keep(praised, first, YES)
    assert ids(praised, permission=Standing.GRANTED) == [first]


def test_words_that_left_the_brand_keep_what_people_kept(praised: Site) -> None:
    first, second, third = ids(praised)
    keep(praised, first, ASK, YES)
    with praised.store.transaction() as session:
        made = collections.make(session, _brand(praised), "Spring", "mar", praised.clock())
        collections.add(session, collections.one(session, made, None), [second], "mar", praised.clock())
    praised.take(
        item("1", "I love my cat", lang="en"), item("2", "Nubia it is", reach=900), item("3", "mine", kind="x")
    )
    assert ids(praised) == []
    with praised.store.reading() as session:
        assert set(permissions.of_pairs(session, [first, second, third])) == {first}
        with pytest.raises(KeyError):
            promoters.one(session, first, praised.clock(), brands=None)
    praised.take(item("1", "I love Aeroluz", lang="en"))
    with praised.store.reading() as session:
        assert promoters.one(session, first, praised.clock(), brands=None).standing is Standing.CHANGED


def test_a_deletion_ends_it_and_leaves_nothing_that_was_said(praised: Site) -> None:
    first, *_ = ids(praised)
    keep(praised, first, ASK, YES)
    with praised.store.transaction() as session:
        made = collections.make(session, _brand(praised), "Spring", "mar", praised.clock())
        collections.add(session, collections.one(session, made, None), [first], "mar", praised.clock())
    with praised.store.transaction() as session:
        deletion.blank_native(session, "rss", ["1"], "deleted", praised.clock())
    with praised.store.reading() as session:
        kept = permissions.of_pairs(session, [first])[first]
        assert (kept.state, kept.proof, kept.terms, kept.expires_at) == (State.REFUSED, None, "", None)
        assert [one["state"] for one in kept.history] == ["asked", "granted", "refused"]
        assert kept.history[-1]["reason"] == permissions.ENDED_WHY
        said = str(session.connection().execute(select(table(ReusePermission))).all())
        said += str(session.connection().execute(select(table(Audit))).all())
        assert "Xaviera" not in said
        assert session.connection().execute(select(table(CollectionItem))).all() == []
        assert collections.one(session, made, None)["items"] == 0
    with praised.store.transaction() as session, pytest.raises(KeyError):
        permissions.take_step(session, first, ASK, "mar", praised.clock(), brands=None, seen="*")


def test_of_two_who_keep_something_at_once_one_reads_again(praised: Site) -> None:
    first, *_ = ids(praised)
    together = Barrier(2)

    def act(step: Step, seen: str) -> bool:
        together.wait()
        try:
            with praised.store.transaction() as session:
                permissions.take_step(session, first, step, "mar", praised.clock(), brands=None, seen=seen)
        except permissions.ReadAgain:
            return False
        return True

    with ThreadPoolExecutor(2) as people:
        assert sorted(people.map(act, [ASK, Step(State.REFUSED)], ["0-0", "0-0"])) == [False, True]
        with praised.store.reading() as session:
            assert len(permissions.of_pairs(session, [first])[first].history) == 1
        if not ids(praised, permission=Standing.ASKED):
            keep(praised, first, Step(State.ASKED, reason="again"))
        with praised.store.reading() as session:
            seen = promoters.one(session, first, praised.clock(), brands=None).version
        assert sorted(people.map(act, [YES, Step(State.REFUSED)], [seen, seen])) == [False, True]


def test_what_the_database_works_out_is_what_the_steps_say(praised: Site) -> None:
    now = praised.clock()
    for number, pair in enumerate(ids(praised)):
        keep(praised, pair, ASK, Step(State.GRANTED, proof=LINK, expires_at=now + timedelta(days=1 + number)))
    praised.clock.advance(days=2)
    with praised.store.reading() as session:
        known = permissions.of_pairs(session, ids(praised))
    for standing in Standing:
        mine = [one for one, its in known.items() if reuse.standing(its, 0, praised.clock()) is standing]
        assert (standing, ids(praised, permission=standing)) == (standing, sorted(mine))


class TestCollections:
    """Of one brand, each name once."""

    def test_a_name_is_a_brands_only_once(self, praised: Site) -> None:
        brand = _brand(praised)
        with praised.store.transaction() as session:
            first = collections.make(session, brand, " Spring\n2027 ", "mar", praised.clock())
            second = collections.make(session, brand, "Autumn", "mar", praised.clock())
            collections.make(session, _brand(praised, "Nubia"), "Spring 2027", "mar", praised.clock())
        with praised.store.transaction() as session, pytest.raises(collections.ChooseAnotherName):
            collections.make(session, brand, "Spring 2027", "mar", praised.clock())
        with praised.store.transaction() as session, pytest.raises(collections.ChooseAnotherName):
            collections.make(session, brand, " \u202e", "mar", praised.clock())
        with pytest.raises(collections.ChooseAnotherName), praised.store.transaction() as session:
            collections.rename(session, collections.one(session, second, None), "Spring 2027", "mar", praised.clock())
        with praised.store.reading() as session:
            assert [row["name"] for row in collections.listed(session, [brand])] == ["Autumn", "Spring 2027"]
            with pytest.raises(KeyError):
                collections.one(session, first, [_brand(praised, "Nubia")])

    def test_only_its_brands_mentions_go_in_once(self, praised: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        first, second, third = ids(praised)
        (other,) = ids(praised, "Nubia")
        now = praised.clock()
        with praised.store.transaction() as session:
            made = collections.make(session, _brand(praised), "Spring", "mar", now)
            before = collections.one(session, made, None)
            assert collections.add(session, before, [first, second, other, 999], "mar", now) == 2
            assert collections.add(session, before, [first], "mar", now) == 0
        assert ids(praised, collection=made) == [first, second]
        assert ids(praised, collection=made, permission=Standing.NOT_ASKED) == [first, second]
        monkeypatch.setattr(collections, "MOST_ITEMS", 2)
        with pytest.raises(collections.MakeRoom), praised.store.transaction() as session:
            collections.add(session, before, [third], "mar", now)
        with praised.store.transaction() as session:
            assert collections.take_out(session, before, [first, third], "mar", now) == 1
            with pytest.raises(collections.ReadAgain):
                collections.drop(session, before, "mar", now)
        with praised.store.transaction() as session:
            collections.drop(session, collections.one(session, made, None), "mar", now)
        assert ids(praised, collection=made) == []


def _brand(site: Site, name: str = "Aeroluz") -> int:
    with site.store.reading() as session:
        return promoters.one(session, ids(site, name)[0], site.clock(), brands=None).row["brand_id"]
