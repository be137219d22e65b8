"""YAML is read as it is meant, and every part of it has a place."""

import pytest

from listener.yamlfile import NotYamlError, read

TEXT = """\
brands:
  - name: A
    alerts: {share: 1, sizes: [2, 3]}
  - name: B
since: 2026-11-21
"""


def test_dates_are_left_as_text() -> None:
    assert read(TEXT).data == {
        "brands": [{"name": "A", "alerts": {"share": 1, "sizes": [2, 3]}}, {"name": "B"}],
        "since": "2026-11-21",
    }


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), (1, 1)),
        (("brands",), (1, 1)),
        (("brands", 1), (4, 5)),
        (("brands", 0, "alerts", "sizes"), (3, 24)),
        (("brands", 0, "alerts", "sizes", 1), (3, 35)),
        (("brands", 1, "query"), (4, 5)),
        (("brands", 7, "name"), (1, 1)),
        (("since", "year"), (5, 1)),
    ],
)
def test_a_path_leads_to_its_deepest_part_that_is_there(path: tuple[int | str, ...], place: tuple[int, int]) -> None:
    assert read(TEXT).place(path) == place


def test_a_name_that_stands_there_twice_is_found_at_any_depth() -> None:
    assert list(read("a: 1\nb: [{c: 1, d: 2, c: 3}]\na: 2\n").named_twice) == [(3, 1, "a", 1), (2, 18, "c", 2)]
    assert list(read("a: &x {b: 1}\nc: *x\n").named_twice) == []


def test_nothing_is_nothing() -> None:
    empty = read("")
    assert (empty.data, empty.place(("a",)), list(empty.named_twice)) == (None, (1, 1), [])


def test_what_is_not_yaml_is_told_with_its_place() -> None:
    with pytest.raises(NotYamlError, match="expected ',' or ']'") as caught:
        read("a: [1\n")
    assert (caught.value.line, caught.value.column) == (2, 1)


def test_what_a_merge_overrides_is_not_named_twice() -> None:
    document = read("- &feed {name: a, kind: rss}\n- <<: *feed\n  name: b\n")
    assert document.data == [{"name": "a", "kind": "rss"}, {"name": "b", "kind": "rss"}]
    assert document.named_twice == ()


@pytest.mark.parametrize("text", ["name: 0x_", "a: !!int abc", "[" * 5000])
def test_a_value_that_cannot_be_read_is_no_surprise(text: str) -> None:
    with pytest.raises(NotYamlError):
        read(text)
