"""Paths lead where a person reading them expects, and never fail on a document."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.push.paths import PathError, parse_path

DOCUMENT: dict[str, Any] = {
    "ticket": {"id": 35, "a name.with dots": "x", "tags": ["a", "b", "c"]},
    "answers": [
        {"field": {"ref": "why", "n": 1}, "text": "because"},
        {"field": {"ref": "nps", "n": 2.0}, "number": 9, "ok": True},
        {"field": {"ref": "why", "n": None}, "text": "again"},
        "no object",
    ],
    "": "nameless",
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("ticket.id", [35]),
        (" ticket . id ", None),
        ("$.ticket.id", [35]),
        ("$", [DOCUMENT]),
        ('ticket["a name.with dots"]', ["x"]),
        ("ticket['a name.with dots']", ["x"]),
        ('[""]', ["nameless"]),
        ("ticket.tags[0]", ["a"]),
        ("ticket.tags[-1]", ["c"]),
        ("ticket.tags[3]", []),
        ("ticket.tags[-4]", []),
        ("ticket.tags[*]", ["a", "b", "c"]),
        ("ticket.id[0]", []),
        ("ticket.tags.id", []),
        ("answers[field.ref=why].text", ["because", "again"]),
        ("answers[field.ref = nps ].number", [9]),
        ("answers[field.n=2].number", [9]),
        ("answers[ok=true].number", [9]),
        ("answers[field.ref='nps'].number", [9]),
        ("answers[field.ref=nps][0]", []),
        ("answers[*].field.n", [1, 2.0, None]),
        ("nothing.here", []),
    ],
)
def test_a_path_leads_to_its_values(path: str, values: list[Any] | None) -> None:
    if values is None:
        with pytest.raises(PathError):
            parse_path(path)
        return
    assert parse_path(path).all(DOCUMENT, DOCUMENT) == values


@pytest.mark.parametrize(
    ("path", "column"),
    [
        ("", 1), ("  ", 1), (".a", 1), ("a.", 3), ("a..b", 3), ("a b", 2), ("a[", 2), ("a[x]", 2), ("a[1", 2),
        ("a]", 2),
        ("a[$.x=1]", 3), ("a[b c=1]", 2), ("a{b}", 2), ("$a", 2), ("$$", 2), ('a["b]', 2), ("a[=x]", 2),
    ],
)  # fmt: skip
def test_a_mistake_is_shown_where_it_stands(path: str, column: int) -> None:
    with pytest.raises(PathError, match=f"^column {column}: "):
        parse_path(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=15,
)
STEP = st.sampled_from([".a", ".b", "[0]", "[-1]", "[*]", "[a=1]", "[b.c=x]", '["c"]'])


@given(document=JSON, steps=st.lists(STEP, max_size=5))
def test_a_path_that_reads_fails_on_no_document(document: Any, steps: list[str]) -> None:
    path = parse_path("a" + "".join(steps))
    found = path.all(document, document)
    assert isinstance(found, list)
    assert len(found) <= 1 or path.many


@given(st.text(max_size=12))
def test_any_text_reads_or_is_a_named_mistake(text: str) -> None:
    try:
        path = parse_path(text)
    except PathError:
        with pytest.raises(PathError, match=r"^column \d+: "):
            parse_path(text)
    else:
        assert path.all({"a": [1]}) is not None
