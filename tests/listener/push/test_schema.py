"""An item in our form: what is taken, what is refused, and where it says the mistake stands."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from listener.push.batch import Malformed, parse_body
from listener.push.schema import LONGEST_TEXT, Entry, Refused, read_item
from tests.listener.push.test_paths import JSON

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
GOOD: dict[str, Any] = {"id": 1, "text": "Lumbra", "created_at": "2026-11-21T11:00:00Z"}


def entry(**changes: Any) -> Entry:
    found = read_item(0, GOOD | changes, ("crm", "crm-mail"), NOW)
    assert isinstance(found, Entry), found
    return found


def test_everything_that_an_item_may_hold() -> None:
    found = entry(
        kind="crm-mail", title="Case", url=" https://crm.example/1 ", lang="es", reach=4, reply_to=3, repost_of="2",
        quote_of="1", target="Lumbra", engagement={"votes": 3}, edited_at="2026-11-21T13:30:00+02:00",
        author={"id": 9, "handle": "ana", "name": "Ana", "url": "javascript:x", "followers": 5},
        declared={"nps": 9, "csat": 4.5, "mood": {"value": -1, "lowest": -2, "highest": 2}},
    )  # fmt: skip
    item = found.item
    assert (item.kind, item.native_id, item.url, item.reply_to) == ("crm-mail", "1", "https://crm.example/1", "3")
    assert item.author is not None
    assert (item.author.native_id, item.author.url, item.author.followers) == ("9", None, 5)
    assert item.edited_at == datetime(2026, 11, 21, 11, 30, tzinfo=UTC)
    assert found.declared == {"nps": (9, 0, 10), "csat": (4.5, 1, 5), "mood": (-1, -2, 2)}


def test_what_may_be_left_out() -> None:
    assert entry().item.kind == "crm"
    assert entry(text=None, title="Case").item.full_text == "Case"
    assert entry(text=None, declared={"nps": 0}).item.text == ""
    assert entry(author={"handle": "ana"}).item.author is not None
    assert entry(author={"url": "https://x.example"}).item.author is None
    gone = read_item(0, {"id": 1, "deleted": True}, ("crm",), NOW)
    assert isinstance(gone, Entry)
    assert gone.deleted


@pytest.mark.parametrize(
    ("changes", "pointer", "why"),
    [
        ({"created_at": None}, "/created_at", "is missing"),
        ({"created_at": 1763628694}, "/created_at", "ISO 8601"),
        ({"created_at": "1763628694"}, "/created_at", "ISO 8601"),
        ({"created_at": "2026-11-21"}, "/created_at", "ISO 8601"),
        ({"created_at": "2026-11-21T12:00:00"}, "/created_at", "time zone"),
        ({"created_at": "2026-11-21T12:05:01Z"}, "/created_at", "in the future"),
        ({"edited_at": "2026-11-22T00:00:00Z"}, "/edited_at", "in the future"),
        ({"created_at": "9999-12-31T23:59:59-12:00"}, "/created_at", "calendar"),
        ({"created_at": "0001-01-01T00:00:00+12:00"}, "/created_at", "calendar"),
        ({"id": None}, "/id", "valid string"),
        ({"id": ""}, "/id", "must not be empty"),
        ({"id": True}, "/id", "valid string"),
        ({"id": "x" * 501}, "/id", "at most 500"),
        ({"id": "\x00"}, "", "needs a native_id"),
        ({"text": " ", "title": ""}, "/text", "is missing"),
        ({"text": 5}, "/text", "valid string"),
        ({"text": "x" * (LONGEST_TEXT + 1)}, "/text", "at most 100000"),
        ({"kind": "x"}, "/kind", "this sender may send crm, crm-mail"),
        ({"kind": "CRM"}, "/kind", "pattern"),
        ({"lang": "english"}, "/lang", "pattern"),
        ({"reach": True}, "/reach", "integer"),
        ({"reach": 1.5}, "/reach", "integer"),
        ({"reach": -1}, "/reach", "greater than or equal to 0"),
        ({"reach": 2**60}, "/reach", "less than or equal"),
        ({"author": "ana"}, "/author", "must be an object"),
        ({"author": {"email": 1}}, "/author/email", "there are: id, handle, name"),
        ({"engagement": {"a/b~": "x"}}, "/engagement/a~1b~0", "integer"),
        ({"deleted": "yes"}, "/deleted", "boolean"),
        ({"more": 1}, "/more", "there are: id, text"),
        ({"declared": {"nps": 11}}, "/declared", "from 0 to 10"),
        ({"declared": {"nps": 5.5}}, "/declared", "whole number"),
        ({"declared": {"nps": "9"}}, "/declared/nps", "number"),
        ({"declared": {"nps": True}}, "/declared/nps", "number"),
        ({"declared": {"nps": {"value": 50, "lowest": 0, "highest": 100}}}, "/declared", "whole number from 0 to 10"),
        ({"declared": {"mood": 3}}, "/declared", "mood has no scale of its own"),
        ({"declared": {"mood": {"value": 1, "lowest": 2, "highest": 0}}}, "/declared", "on its scale"),
        ({"declared": {"mood": {"value": 1, "lowest": 1, "highest": 1}}}, "/declared", "without length"),
    ],
    ids=str,
)  # fmt: skip
def test_a_mistake_has_its_place_and_its_reason(changes: dict[str, Any], pointer: str, why: str) -> None:
    found = read_item(3, GOOD | changes, ("crm", "crm-mail"), NOW)
    assert isinstance(found, Refused)
    assert found.pointer == f"/items/3{pointer}"
    assert why in found.why


@given(JSON)
def test_no_json_breaks_it(document: Any) -> None:
    for fields in (document, {**GOOD, "declared": document}, {**GOOD, "author": document, "engagement": document}):
        assert isinstance(read_item(0, fields, ("crm",), NOW), Entry | Refused)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"declared": {"a[b": "x"}}, "/items/0/declared/a[b"),
        ({"declared": {"float": "x"}}, "/items/0/declared/float"),
        ({"declared": {"m": {"value": 1, "lowest": 0, "highest": "x"}}}, "/items/0/declared/m"),
        ({"declared": {"": 1}}, "/items/0/declared/"),
        ({"engagement": {"a[0]": -1}}, "/items/0/engagement/a[0]"),
        ({"engagement": {"[key]": "x"}}, "/items/0/engagement/[key]"),
        ({"x[y": 3}, "/items/0/x[y"),
    ],
)
def test_a_name_with_brackets_is_pointed_to(changes: dict[str, Any], pointer: str) -> None:
    read = read_item(0, {"id": 1, "text": "x", "created_at": "2020-01-01T00:00:00Z"} | changes, ("crm",), NOW)
    assert isinstance(read, Refused)
    assert read.pointer == pointer


def test_half_characters_are_mended_and_whole_ones_kept() -> None:
    assert parse_body(rb'{"a\ud83d": ["\ud83d\ude00", "x\udc00"]}') == {"a?": ["\U0001f600", "x?"]}
    with pytest.raises(Malformed):
        parse_body(b'{"a": Infinity}')
