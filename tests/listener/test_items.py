"""Items are frozen, in UTC, and safe for any database."""

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from listener.items import Author, Item, as_utc, storable

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def item(**changes: Any) -> Item:
    fields: dict[str, Any] = {"kind": "rss", "native_id": "1", "text": "hello", "created_at": NOON}
    return Item(**{**fields, **changes})


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("plain", "plain"),
        ("a\x00b", "ab"),
        ("half an emoji: \ud83e", "half an emoji: ?"),
        ("whole: 🧳 niño", "whole: 🧳 niño"),
    ],
)
def test_text_is_kept_but_for_what_a_database_refuses(text: str, kept: str) -> None:
    assert storable(text) == kept


def test_every_text_of_an_item_is_made_storable() -> None:
    made = item(
        native_id="1\x00", text="a\x00", url="u\x00", title="t\ud800", lang="en\x00", reply_to="0\x00", target="b\x00"
    )

    assert (made.native_id, made.text, made.url, made.title) == ("1", "a", "u", "t?")
    assert (made.lang, made.reply_to, made.target) == ("en", "0", "b")


def test_every_text_of_an_author_is_made_storable() -> None:
    made = Author("a\x00", "ana\x00", "Ana\ud800", "u\x00")

    assert (made.native_id, made.handle, made.name, made.url) == ("a", "ana", "Ana?", "u")


def test_moments_become_utc() -> None:
    local = datetime(2026, 11, 21, 13, tzinfo=timezone(timedelta(hours=1)))

    made = item(created_at=local)

    assert made.created_at == NOON
    assert made.created_at.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        as_utc(datetime(2026, 11, 21))  # noqa: DTZ001 - that is the point


def test_an_item_needs_an_id() -> None:
    with pytest.raises(ValueError, match="an item needs a native_id"):
        item(native_id="")


@pytest.mark.parametrize("native_id", ["", "\x00"])
def test_an_author_needs_an_id(native_id: str) -> None:
    with pytest.raises(ValueError, match="an author needs a native_id"):
        Author(native_id)


def test_items_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        item().text = "other"


@pytest.mark.parametrize(
    ("title", "text", "full"),
    [
        (None, "a text", "a text"),
        ("A title", "a text", "A title\na text"),
        ("A title", "A title and more", "A title and more"),
        ("A title", "", "A title"),
    ],
)
def test_title_and_text_are_one_text_without_saying_it_twice(title: str | None, text: str, full: str) -> None:
    assert item(title=title, text=text).full_text == full


def test_piles_of_marks_are_cut_and_writing_is_not() -> None:
    assert len(storable("a" + "\u0301\u0323" * 40_000)) == 31
    for written in ("señor", "nin\u0303o", "ผู้ที่", "שָׁלוֹם", "हिन्दी", "👩‍💻 ❤️"):
        assert storable(written) == written
