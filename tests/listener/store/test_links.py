"""What thousands of copies cost, and that looking at a few of them finds all that hangs together."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, update

from listener.copies import wording
from listener.store import links
from listener.store.engine import Store
from listener.store.links import WINDOW
from listener.store.tables import Mention, table
from tests.conftest import NOON, Clock
from tests.listener.conftest import Site, item
from tests.listener.store.test_copies import NEARLY, NEWS, clusters, consistent, counted


@contextmanager
def asked(store: Store) -> Iterator[list[str]]:
    """The statements of a block."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        said.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


@pytest.fixture
def sqlite_feed(sqlite_store: Store, clock: Clock) -> Site:
    site = Site(sqlite_store, clock)
    site.brand()
    site.source()
    return site


def test_an_edit_among_thousands_of_copies_asks_a_few_times_for_all_of_them(sqlite_feed: Site) -> None:
    """Whoever edits holds up all other writers for as long as that takes."""
    many = 2_000
    sqlite_feed.take(
        *(item(f"{number:04}", (NEWS, NEARLY)[number % 2], minute=number) for number in range(many)),
        item("early", "Aeroluz is an airline", minute=-1),
    )
    assert len(counted(sqlite_feed)) == 2

    with asked(sqlite_feed.store) as statements:
        sqlite_feed.take(item("0007", "Aeroluz has found another plane", minute=7, edited_at=NOON + timedelta(days=1)))

    assert len(statements) < many / 10
    (cluster,) = clusters(sqlite_feed)
    assert len(cluster) == many - 1
    assert counted(sqlite_feed) == ["0000", "0007", "early"]
    consistent(sqlite_feed)


Moments = st.lists(st.integers(0, 60), min_size=1, max_size=8)


def together(moments: Sequence[int], others: Sequence[int], reps: Sequence[int]) -> set[frozenset[tuple[str, int]]]:
    """What hangs together by the same words, and by nearly the same of ``reps`` with the next before and after."""
    window = WINDOW // timedelta(hours=6)
    groups = [{("a", one)} for one in set(moments)] + [{("b", one)} for one in set(others)]
    pairs = [((kind, one), (kind, other)) for kind, of in (("a", moments), ("b", others)) for one in of for other in of]
    for one in reps:
        next_to = [max((other for other in others if other <= one), default=None)]
        next_to.append(min((other for other in others if other >= one), default=None))
        pairs += [(("a", one), ("b", other)) for other in next_to if other is not None]
    for one_of, other_of in pairs:
        if abs(one_of[1] - other_of[1]) <= window:
            met = [group for group in groups if one_of in group or other_of in group]
            groups = [group for group in groups if group not in met] + [set().union(*met)]
    return {frozenset(group) for group in groups}


@given(Moments, Moments)
def test_a_few_of_those_who_say_the_same_stand_for_all(moments: list[int], others: list[int]) -> None:
    at = {moment: NOON + timedelta(hours=6 * moment) for moment in moments}

    few = [moment for _, moment in links._standing_for((at[moment], moment) for moment in at)]

    assert together(moments, others, few) == together(moments, others, moments)


def test_those_who_say_the_same_within_a_window_are_two_at_most() -> None:
    crowd = [(NOON + timedelta(minutes=number), number) for number in range(4_000)]

    assert len(links._standing_for(crowd)) == 2


def test_what_was_stored_before_copies_were_looked_for_is_found_once_it_is_seen_again(feed: Site) -> None:
    feed.take(item("old", NEWS), item("older", "Aeroluz once more", minute=-1))
    with feed.store.transaction() as session:
        session.connection().execute(update(table(Mention)).values(digest=None))
    feed.take(item("copy", NEWS, minute=5))
    assert clusters(feed) == []

    feed.take(item("old", NEWS), item("older", "Aeroluz once more", minute=-1))

    assert clusters(feed) == [{"old", "copy"}]
    assert counted(feed) == ["old", "older"]
    said = wording(NEWS)
    assert said is not None
    assert {mention.native_id: mention.digest for mention in feed.rows(Mention)} == {
        "old": said.digest, "copy": said.digest, "older": None,
    }  # fmt: skip


def test_what_was_stored_before_copies_were_looked_for_is_found_when_its_cluster_is_taken_apart(feed: Site) -> None:
    feed.take(item("post", NEWS), item("repost", NEWS, minute=1, repost_of="post"), item("last", NEWS, minute=2))
    with feed.store.transaction() as session:
        session.connection().execute(update(table(Mention)).values(digest=None))

    feed.take(item("post", "Aeroluz flies again", edited_at=NOON + timedelta(days=1)))
    feed.take(item("copy", NEWS, minute=3))

    assert {"repost", "last", "copy"} in [group - {"post"} for group in clusters(feed)]
    consistent(feed)
