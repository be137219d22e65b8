"""Tasks about a target, measured with a network whose answers are known."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from sentiment.backends.base import Chances, Encoded
from sentiment.evaluation.choices import Sampling
from sentiment.evaluation.results import Figures, FileResult
from sentiment.evaluation.running import Dataset, evaluate_file
from sentiment.manifest import Head
from sentiment.scorer import Scorer

Row = Mapping[str, Any]


@pytest.fixture
def scorer(counting_class: type[Any]) -> Scorer:
    return Scorer(counting_class())


def measured(scorer: Scorer, task: str, rows: Sequence[Row], source: str = "here", resamples: int = 0) -> FileResult:
    entries = list(enumerate(rows, 1))
    dataset = Dataset(f"{task}.jsonl", task, source, "0" * 64, len(entries), entries)
    return evaluate_file(scorer, dataset, Sampling(resamples=resamples))


def figures(result: FileResult) -> Figures:
    assert result.figures
    return result.figures


def by_name(found: Figures) -> dict[str, float]:
    return {figure.name: figure.value for figure in found.figures}


def stance(text: str, label: int, **more: object) -> Row:
    return {"text": text, "target": "Acme", "label": label, "lang": "en", **more}


SIDES = [stance("good", 1), stance("good so", 2), stance("bad", -1), stance("so", 0), stance("so so", -2)]


def test_sides_and_labels(scorer: Scorer) -> None:
    result = measured(scorer, "stance", SIDES, resamples=20)
    found = figures(result)
    right = (1 + 2 / 3 + 2 / 3) / 3
    assert by_name(found) == pytest.approx(
        {"macro_f1": right, "macro_recall": 2.5 / 3, "accuracy": 0.8, "label_macro_f1": right, "label_accuracy": 0.8}
    )
    assert [(one.title, one.names[0], one.counts) for one in found.confusions] == [
        ("", "negative", ((1, 1, 0), (0, 1, 0), (0, 0, 2))),
        ("label", "detractor", ((1, 1, 0), (0, 1, 0), (0, 0, 2))),
    ]
    assert found.headline == "macro_f1"
    assert result.notes == ()
    assert found.quantification
    assert (found.quantification.targets, found.quantification.left_out) == ((), 1)


def test_five_steps_are_measured_on_rows_that_have_them(scorer: Scorer) -> None:
    exact = [stance("good", 1, scale=5), stance("good so", 2, scale=5), stance("bad", 0, scale=5)]
    found = figures(measured(scorer, "stance", [*exact, stance("so", -2), stance("so", -2, scale=3)]))
    # It says 2, 2 and -2 where 1, 2 and 0 is true. Most often 0 is true: a tie goes to the lowest.
    assert by_name(found)["macro_mae"] == pytest.approx((1 + 0 + 2) / 3)
    assert by_name(found)["five_step_accuracy"] == pytest.approx(1 / 3)
    assert next(one.baseline for one in found.figures if one.name == "macro_mae") == pytest.approx((0 + 1 + 2) / 3)
    steps = next(one for one in found.confusions if one.title == "median step")
    assert sum(map(sum, steps.counts)) == 3
    assert (steps.counts[3][4], steps.counts[4][4], steps.counts[2][0]) == (1, 1, 1)


def test_the_median_step_is_where_half_of_the_probability_is_reached(scorer: Scorer) -> None:
    # Half against and half for: the median is the step at which one half is reached, the lowest.
    found = figures(measured(scorer, "stance", [stance("good bad", 0, scale=5), stance("good bad good", 2, scale=5)]))
    steps = next(one for one in found.confusions if one.title == "median step")
    assert (steps.counts[2][0], steps.counts[4][4]) == (1, 1)


@pytest.mark.parametrize(
    ("source", "scale", "headline"),
    [("semeval2017c", 5, "macro_mae"), ("semeval2017c", 3, "macro_f1"), ("mams", 3, "accuracy")],
)
def test_some_sources_are_known_by_another_measure(scorer: Scorer, source: str, scale: int, headline: str) -> None:
    assert figures(measured(scorer, "stance", [stance("good", 1, scale=scale)], source)).headline == headline


def test_shares_are_told_of_targets_with_twenty_rows(scorer: Scorer) -> None:
    rows = [stance("good" if at < 5 else "so", 1) for at in range(20)] + [stance("bad", -1, target="other")]
    shares = figures(measured(scorer, "stance", rows)).quantification
    assert shares
    (acme,) = shares.targets
    assert (acme.target, acme.true, acme.counted, shares.left_out) == ("Acme", (0, 0, 1), (0, 0.75, 0.25), 1)
    assert acme.averaged == pytest.approx((0, 0.75, 0.25))


def test_without_a_head_for_stances_the_polarity_stands_in_and_that_is_told(counting_class: type[Any]) -> None:
    class Stanceless(counting_class):  # type: ignore[misc]
        heads: Mapping[str, Head] = {"polarity": counting_class.heads["polarity"]}

        def run(self, rows: Sequence[Encoded]) -> dict[str, Chances]:
            return {"polarity": super().run(rows)["polarity"]}

    result = measured(Scorer(Stanceless()), "stance", SIDES)
    assert by_name(figures(result))["accuracy"] == 0.8
    (note,) = result.notes
    assert note.startswith("5 rows got no stance")


def rating(text: str, score: float, target: str | None = "Acme") -> Row:
    return {"text": text, "target": target, "score": score, "lang": "en"}


def test_marks(scorer: Scorer) -> None:
    rows = [rating("good", 10), rating("so", 9), rating("bad", 8.9), rating("so so", 6.9), rating("bad", 0)]
    found = figures(measured(scorer, "rating", rows))
    # 8.9 is neither end. Promoters say 2 and 0, detractors 0 and -2: three pairs are won and one is level.
    assert by_name(found)["auc"] == pytest.approx(3.5 / 4)
    assert by_name(found)["label_accuracy"] == pytest.approx(2 / 5)
    assert found.headline_figure.baseline == 0.5
    (matrix,) = found.confusions
    assert matrix.counts == ((1, 1, 0), (1, 0, 0), (0, 1, 1))


def test_marks_that_are_all_in_the_middle_have_no_auc(scorer: Scorer) -> None:
    found = figures(measured(scorer, "rating", [rating("so", 7), rating("good", 8)], resamples=5))
    assert math.isnan(by_name(found)["auc"])
    assert by_name(found)["label_accuracy"] == 0.5
    assert found.headline_figure.low is None


def test_marks_of_nothing_named_are_measured_by_tone_without_labels(scorer: Scorer) -> None:
    result = measured(scorer, "rating", [rating("good", 10, None), rating("bad", 1, None), rating("bad", 9, None)])
    assert by_name(figures(result)) == {"auc": pytest.approx(1.5 / 2)}
    assert [note.split(" (")[0] for note in result.notes] == [
        "3 rows got no stance", "some rows name no target, so they have no label: the labels are not measured",
    ]  # fmt: skip


def test_a_hotel_review_is_about_the_hotel(counting_class: type[Any]) -> None:
    backend = counting_class()
    result = measured(Scorer(backend), "rating", [rating("good", 10, None), rating("bad", 1, None)], "hotels-es")
    assert result.notes == ()
    assert by_name(figures(result))["label_accuracy"] == 1.0
    assert backend.batches == [[5, 5]]


def member(pair: object, text: str, label: int, kind: str = "swap", lang: str = "en") -> Row:
    return {"text": text, "target": "Acme", "label": label, "pair": pair, "kind": kind, "lang": lang}


PAIRS = [
    member(1, "good", 1), member(2, "good", 1, "negation", "es"), member(1, "bad", -1),
    member(2, "good so", -1, "negation", "es"), member("3", "so", 0), member("3", "bad so", -1),
]  # fmt: skip


def test_pairs_are_right_when_both_members_are(scorer: Scorer) -> None:
    result = measured(scorer, "contrast", PAIRS, resamples=50)
    found = figures(result)
    assert by_name(found)["both_right"] == pytest.approx(2 / 3)
    assert by_name(found)["accuracy"] == pytest.approx(5 / 6)
    assert found.headline_figure.baseline == 0
    assert [(one.name, one.rows, one.figures["both_right"], one.figures["accuracy"]) for one in found.kinds] == [
        ("swap", 4, 1.0, 1.0), ("negation", 2, 0.0, 0.5),
    ]  # fmt: skip
    assert [(one.name, one.rows) for one in found.languages] == [("en", 4), ("es", 2)]
    assert result.notes == ()


def test_resamples_draw_pairs_so_rows_of_a_pair_stay_together(scorer: Scorer) -> None:
    # Each pair has one row right: however pairs are drawn, half of the rows are.
    rows = [row for pair in range(8) for row in (member(pair, "good", 1), member(pair, "good", -1))]
    found = figures(measured(scorer, "contrast", rows, resamples=100))
    accuracy = next(one for one in found.figures if one.name == "accuracy")
    assert (accuracy.value, accuracy.low, accuracy.high) == (0.5, 0.5, 0.5)


def test_what_is_not_one_of_two_counts_as_a_row_only(scorer: Scorer) -> None:
    three = [member("three", "good", 1)] * 3
    result = measured(scorer, "contrast", [*PAIRS, member("alone", "bad", 1), *three])
    found = figures(result)
    assert by_name(found)["both_right"] == pytest.approx(2 / 3)
    assert by_name(found)["accuracy"] == pytest.approx(8 / 10)
    assert result.notes == ("4 rows are not one of a pair of two: they count as rows only",)


def test_no_whole_pair_no_share_of_pairs(scorer: Scorer) -> None:
    found = figures(measured(scorer, "contrast", [member("alone", "good", 1)], resamples=5))
    assert math.isnan(by_name(found)["both_right"])
    assert by_name(found)["accuracy"] == 1.0
