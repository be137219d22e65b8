"""What is judged, what is remembered and what is worth storing."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment.cache import Cache, key_of


class Judge:
    """Says of each key that it is itself, and remembers the keys it was asked about."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.keys = keys
        self.asked: list[bytes] = []

    def __call__(self, places: list[int]) -> list[bytes]:
        asked = [self.keys[place] for place in places]
        self.asked += asked
        return [b"said " + key for key in asked]


class Shelf:
    """A store: a dictionary that counts its calls."""

    def __init__(self) -> None:
        self.held: dict[bytes, bytes] = {}
        self.looked: list[Sequence[bytes]] = []
        self.put: list[bytes] = []

    def get_many(self, revision: str, keys: Sequence[bytes]) -> Mapping[bytes, bytes]:
        assert len(set(keys)) == len(keys)
        self.looked.append(keys)
        return {key: self.held[key] for key in keys if key in self.held}

    def put_many(self, revision: str, chances: Mapping[bytes, bytes]) -> None:
        self.put += chances
        self.held |= chances


def ask(cache: Cache, keys: str) -> str:
    """The keys, one letter each, that were judged."""
    asked = [key.encode() for key in keys]
    judge = Judge(asked)
    assert cache.through(asked, judge) == [b"said " + key for key in asked]
    return b"".join(judge.asked).decode()


def test_each_key_is_judged_once_in_the_order_of_its_first_place() -> None:
    assert ask(Cache("1", 9), "abacb") == "abc"


def test_what_is_remembered_is_not_judged() -> None:
    cache = Cache("1", 9)
    ask(cache, "ab")
    assert ask(cache, "cab") == "c"


def test_the_least_recently_seen_is_forgotten_first() -> None:
    cache = Cache("1", 2)
    ask(cache, "ab")
    ask(cache, "a")
    ask(cache, "c")
    assert ask(cache, "a") == ""
    assert ask(cache, "b") == "b"


@pytest.mark.parametrize("size", [0, 1, 5])
def test_no_more_is_remembered_than_there_is_room_for(size: int) -> None:
    cache = Cache("1", size)
    ask(cache, "abcdefgh")
    assert ask(cache, "abcdefgh") == "abcdefgh"[: 8 - size] if size < 8 else ""


def test_only_what_comes_again_is_stored_and_only_once() -> None:
    shelf = Shelf()
    cache = Cache("1", 9, shelf)
    ask(cache, "abb")
    assert shelf.put == [b"b"]
    ask(cache, "aab")
    assert shelf.put == [b"b", b"a"]
    ask(cache, "ab")
    assert shelf.put == [b"b", b"a"]


def test_the_store_is_asked_only_about_what_memory_does_not_know() -> None:
    shelf = Shelf()
    cache = Cache("1", 9, shelf)
    ask(cache, "ab")
    ask(cache, "ba")
    ask(cache, "ac")
    assert shelf.looked == [[b"a", b"b"], [b"c"]]


def test_what_the_store_knew_is_remembered_and_not_stored_again() -> None:
    shelf = Shelf()
    ask(Cache("1", 9, shelf), "aa")
    cache = Cache("1", 9, shelf)
    assert ask(cache, "ab") == "b"
    assert ask(cache, "aa") == ""
    assert shelf.put == [b"a"]
    assert shelf.looked[-1] == [b"a", b"b"]


def test_nothing_at_all() -> None:
    shelf = Shelf()
    assert ask(Cache("1", 9, shelf), "") == ""
    assert shelf.looked == []


@given(calls=st.lists(st.text("abcd", max_size=6), max_size=8), size=st.integers(0, 5), shelved=st.booleans())
def test_every_key_gets_what_is_said_of_it_whatever_came_before(calls: list[str], size: int, shelved: bool) -> None:
    cache = Cache("1", size, Shelf() if shelved else None)
    for keys in calls:
        judged = ask(cache, keys)
        assert len(set(judged)) == len(judged)


ROWS = [([1, 2], [0, 1]), ([3], [0])]


@pytest.mark.parametrize(
    ("model", "revision", "rows"),
    [
        ("m", "2", ROWS),
        ("n", "1", ROWS),
        ("m", "1", [([1, 2], [0, 0]), ([3], [0])]),
        ("m", "1", [([1, 4], [0, 1]), ([3], [0])]),
        ("m", "1", [([1, 2], [0, 1])]),
        ("m", "1", [([3], [0]), ([1, 2], [0, 1])]),
        ("m", "1", [([1, 2, 3], [0, 1, 0])]),
        ("m", "1", []),
    ],
)
def test_whatever_the_model_reads_differently_has_another_key(
    model: str, revision: str, rows: list[tuple[list[int], list[int]]]
) -> None:
    assert key_of(model, revision, rows) != key_of("m", "1", ROWS)
    assert key_of("m", "1", list(ROWS)) == key_of("m", "1", iter(ROWS))
