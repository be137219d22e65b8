"""What had to go stays out, and is told as such and not as known."""

from listener.store.deletion import blank_native
from tests.listener.conftest import Site, item
from tests.listener.jobs.test_collect import Told, run


def test_what_was_deleted_is_neither_new_nor_known(feed: Site) -> None:
    page = [item(name) for name in "abc"]
    run(feed, Told(page[:2]))
    with feed.store.transaction() as session:
        blank_native(session, "rss", ["a", "b"], "deleted", feed.clock())

    result = run(feed, Told([], page))

    assert (result.seen, result.stored, result.known, result.refused) == (3, 1, 0, 2)
