"""The form of the contrast pairs, and that no rule of thumb about places answers them; how a model does is not here."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

import sentiment
from sentiment.text import fold
from sentiment.windows import find_spans

Row = dict[str, Any]

FOLDER = Path(sentiment.__file__).parent / "benchmarks"
FIELDS = ["pair", "text", "target", "lang", "label", "kind"]
KINDS = {"two_brands", "minimal", "own_or_other", "reported"}
LANGUAGES = ("en", "es")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    lines = (FOLDER / "contrast" / "escucha.dev.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def pairs(rows: list[Row]) -> list[list[Row]]:
    by_name = defaultdict(list)
    for row in rows:
        by_name[row["pair"]].append(row)
    return list(by_name.values())


def first_is_liked(pair: list[Row]) -> bool:
    first, last = sorted(pair, key=lambda row: find_spans(row["text"], row["target"])[0])
    return bool(first["label"] > last["label"])


def share(answers: list[bool]) -> float:
    return sum(answers) / len(answers)


def test_rows_have_their_fields(rows: list[Row]) -> None:
    wrong = [
        row
        for row in rows
        if list(row) != FIELDS
        or type(row["label"]) is not int
        or row["label"] not in (-1, 0, 1)
        or row["kind"] not in KINDS
        or row["lang"] not in LANGUAGES
        or not row["pair"].startswith(row["lang"] + "-")
        or row["text"] != row["text"].strip()
    ]

    assert rows
    assert wrong == []


def test_two_rows_a_pair_that_differ_in_label_and_in_one_other_thing(pairs: list[list[Row]]) -> None:
    for pair in pairs:
        assert len(pair) == 2, pair
        one, other = pair
        assert one["label"] != other["label"], pair
        assert (one["lang"], one["kind"]) == (other["lang"], other["kind"]), pair
        # Two brands are two targets of one text; everything else is two texts about one brand.
        two_brands = one["kind"] == "two_brands"
        assert (one["text"] == other["text"]) == two_brands, pair
        assert (fold(one["target"]) != fold(other["target"])) == two_brands, pair


def test_every_target_is_found_in_its_text(rows: list[Row]) -> None:
    lost = [
        row
        for row in rows
        if fold(row["target"]) not in fold(row["text"]) or not find_spans(row["text"], row["target"])
    ]

    assert lost == []


def test_the_two_brands_of_a_text_are_not_mistaken_for_each_other(pairs: list[list[Row]]) -> None:
    for one, other in (pair for pair in pairs if pair[0]["kind"] == "two_brands"):
        places = set(find_spans(one["text"], one["target"])), set(find_spans(other["text"], other["target"]))
        assert places[0].isdisjoint(places[1]), (one, other)


def test_no_text_is_in_two_pairs(pairs: list[list[Row]]) -> None:
    texts = Counter(text for pair in pairs for text in {fold(row["text"]) for row in pair})

    assert [text for text, times in texts.items() if times > 1] == []


def test_brands_hardly_recur(pairs: list[list[Row]]) -> None:
    brands = Counter(brand for pair in pairs for brand in {fold(row["target"]) for row in pair})

    assert {brand for brand, times in brands.items() if times > 2} == set()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_there_are_enough_pairs_of_every_kind(pairs: list[list[Row]], lang: str) -> None:
    kinds = Counter(pair[0]["kind"] for pair in pairs if pair[0]["lang"] == lang)

    assert kinds.total() >= 60
    assert kinds["two_brands"] * 2 >= kinds.total()
    assert min(kinds[kind] for kind in KINDS) >= 15


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_labels_are_balanced(rows: list[Row], lang: str) -> None:
    labels = Counter(row["label"] for row in rows if row["lang"] == lang)

    assert 0.10 <= labels[0] / labels.total() <= 0.20
    assert abs(labels[1] - labels[-1]) / labels.total() <= 0.05


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("labels", [{-1, 1}, {0, 1}, {-1, 0}])
def test_where_a_brand_stands_says_nothing(pairs: list[list[Row]], lang: str, labels: set[int]) -> None:
    liked = [
        first_is_liked(pair)
        for pair in pairs
        if pair[0]["kind"] == "two_brands" and pair[0]["lang"] == lang and {row["label"] for row in pair} == labels
    ]

    assert len(liked) >= 8
    assert 0.4 <= share(liked) <= 0.6


def test_the_rule_about_places_sees_what_it_should() -> None:
    text = "@BetaHelp saved me after Alfa failed"
    saved, failed = {"text": text, "target": "Beta", "label": 1}, {"text": text, "target": "Alfa", "label": -1}

    assert first_is_liked([saved, failed])
    assert first_is_liked([failed, saved])
    assert not first_is_liked([{**saved, "label": -1}, {**failed, "label": 0}])
