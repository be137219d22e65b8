"""Other systems' JSON read by a mapping, and what is said where it cannot be."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from listener.push.batch import MOST_ITEMS, Unusable, read_mapped
from listener.push.mapping import Mapped, Mapping, Unreadable, parse_expression
from listener.push.paths import PathError
from listener.push.schema import Entry, Passed, Refused
from tests.listener.push.test_paths import JSON

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def read(fields: dict[str, Any], item: Any, document: Any = None, **options: Any) -> dict[str, Any]:
    mapped = Mapping(fields, **options).read(item, item if document is None else document)
    assert isinstance(mapped, Mapped), mapped
    return mapped.fields


def unreadable(fields: dict[str, Any], item: Any, **options: Any) -> Unreadable:
    mapped = Mapping(fields, **options).read(item, item)
    assert isinstance(mapped, Unreadable), mapped
    return mapped


def test_every_way_to_write_a_field() -> None:
    item = {"id": 7, "body": "", "subject": "No signal", "parts": [{"t": "one"}, {"t": "two"}], "who": {"n": None}}
    document = {"account": "a1", "items": [item]}
    fields = {
        "id": "{$.account}-{id}", "text": ["body", "subject"], "title": "parts[*].t", "target": "=Lumbra",
        "reach": 12, "author.name": "who.n", "author.handle": "@{who.n}", "lang": "missing", "deleted": False,
    }  # fmt: skip
    assert read(fields, item, document) == {
        "id": "a1-7", "text": "No signal", "title": "one\ntwo", "target": "Lumbra", "reach": 12, "deleted": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "options", "expected"),
    [
        ("2026-11-20T10:00:00Z", {}, "2026-11-20T10:00:00+00:00"),
        ("2026-11-20 10:00:00", {"timezone": ZoneInfo("Europe/Madrid")}, "2026-11-20T10:00:00+01:00"),
        (1763628694, {"time_format": "epoch_s"}, "2025-11-20T08:51:34+00:00"),
        ("1763628694", {"time_format": "epoch_s"}, "2025-11-20T08:51:34+00:00"),
        (1763628694250, {"time_format": "epoch_ms"}, "2025-11-20T08:51:34.250000+00:00"),
        ("20/11/2026 10:00 +0200", {"time_format": "%d/%m/%Y %H:%M %z"}, "2026-11-20T10:00:00+02:00"),
    ],
)
def test_times_are_read_as_they_are_written(value: Any, options: dict[str, Any], expected: str) -> None:
    assert read({"id": "=1", "created_at": "at"}, {"at": value}, **options)["created_at"] == expected


@pytest.mark.parametrize(
    ("fields", "item", "options", "why"),
    [
        ({"created_at": "at"}, {"at": "yesterday"}, {}, "'yesterday' is no time in ISO 8601"),
        ({"created_at": "at"}, {"at": "2026-11-20T10:00:00"}, {}, "no time zone"),
        ({"created_at": "at"}, {"at": "soon"}, {"time_format": "epoch_s"}, "is no number"),
        ({"created_at": "at"}, {"at": 10**30}, {"time_format": "epoch_s"}, "out of range"),
        ({"created_at": "at"}, {"at": "20.11."}, {"time_format": "%d/%m/%Y"}, "does not match"),
        ({"reach": "n"}, {"n": "many"}, {}, "is no number"),
        ({"reach": "n"}, {"n": 1.5}, {}, "is no whole number"),
        ({"engagement.likes": "n"}, {"n": "inf"}, {}, "whole number|infinity"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_names_the_field_and_its_path(
    fields: dict[str, Any], item: Any, options: dict[str, Any], why: str
) -> None:
    found = unreadable(fields, item, **options)
    ((field, path),) = fields.items()
    assert (found.field, found.source) == (field, path)
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(found.why)


def test_markup_marks_and_deletions() -> None:
    fields = {"id": "id", "text": "body", "declared.csat": "score", "declared.nps": "nps"}
    options: dict[str, Any] = {"html": True, "scales": {"csat": (0, 100)}, "deleted_when": {"state": ["gone", "spam"]}}
    item = {"id": 1, "body": "<p>it&#39;s <b>dead</b></p><script>x</script>", "score": "80", "nps": 3, "state": "open"}
    assert read(fields, item, **options) == {
        "id": "1", "text": "it's dead", "declared": {"csat": {"value": 80, "lowest": 0, "highest": 100}, "nps": 3},
    }  # fmt: skip
    assert read(fields, item | {"state": "spam"}, **options)["deleted"] is True


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("a[", "column 2"), ("{a", "column 1"), ("a}", "column 2"), ("x{a[}", "column 2: in {a\\[}"),
        ("{a[*]}", "takes one"),
        ([], "empty"), (None, "write a path"), ({"a": 1}, "write a path"), ("", "missing"), (["a", "b["], "column 2"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_field_is_shown_where_it_stands(written: Any, words: str) -> None:
    with pytest.raises(PathError, match=words):
        parse_expression(written)


def test_fields_that_are_none_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"no field is called 'txt'; there are: id, text"):
        Mapping({"txt": "a"})
    with pytest.raises(ValueError, match="no field is called 'declared'"):
        Mapping({"declared": "a"})


FIELDS = {"id": "id", "text": "body", "created_at": "at"}


def test_a_body_gives_its_items_each_by_itself() -> None:
    document = {
        "list": [
            {"id": 1, "body": "Lumbra", "at": "2026-11-20T10:00:00Z", "kind": "public"},
            {"id": 2, "body": "Lumbra", "at": "2026-11-20T10:00:00Z", "kind": "private"},
            {"body": "Lumbra", "at": "2026-11-20T10:00:00Z", "kind": "public"},
            "no object",
            {"id": 5, "body": ["no text"], "at": "2026-11-20T10:00:00Z", "kind": "public"},
        ]
    }
    for items in ("list", "list[*]", "$.list"):
        batch = read_mapped(document, Mapping(FIELDS, items=items, only={"kind": "public"}), ("crm",), NOW)
        entry, private, idless, nothing, textless = batch.entries
        assert isinstance(entry, Entry)
        assert isinstance(private, Passed)
        assert isinstance(nothing, Passed)
        assert idless == Refused(2, "/items/2/id", "is missing (taken from id)")
        assert isinstance(textless, Refused)
        assert textless.why == "is missing; only a mark or what is deleted needs none (taken from body)"


def test_a_body_without_the_place_of_its_items_is_unusable_and_an_empty_list_is_not() -> None:
    with pytest.raises(Unusable, match="is not there"):
        read_mapped({}, Mapping(FIELDS, items="list"), ("crm",), NOW)
    assert read_mapped({"list": []}, Mapping(FIELDS, items="list"), ("crm",), NOW).entries == ()
    with pytest.raises(Unusable, match="501 items"):
        read_mapped({"list": [{}] * (MOST_ITEMS + 1)}, Mapping(FIELDS, items="list"), ("crm",), NOW)


def test_an_event_of_another_kind_is_no_mistake() -> None:
    mapping = Mapping(FIELDS, items="data.list", only={"$.topic": ["added", "changed"], "public": True})
    assert read_mapped({"topic": "ping"}, mapping, ("crm",), NOW).entries == ()
    with pytest.raises(Unusable):
        read_mapped({"topic": "added"}, mapping, ("crm",), NOW)


@given(document=JSON)
def test_no_document_breaks_a_mapping(document: Any) -> None:
    fields = {
        "id": ["a", "{b}-{c}"], "text": "a[*]", "created_at": "b", "author.id": "c.a", "reach": "a", "deleted": "b",
        "declared.nps": "c", "engagement.likes": "a.b", "url": "b",
    }  # fmt: skip
    for items in (None, "a", "a[*]", "$"):
        try:
            batch = read_mapped(document, Mapping(fields, items=items, time_format="epoch_s"), ("crm",), NOW)
        except Unusable:
            continue
        assert all(isinstance(one, Entry | Refused | Passed) for one in batch.entries)
