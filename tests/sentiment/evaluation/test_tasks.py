"""Tasks about the text itself, measured with a network whose answers are known."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from sentiment.backends.base import Chances, Encoded
from sentiment.evaluation.choices import Sampling
from sentiment.evaluation.results import Broken, ClassFigures, Figures, FileResult
from sentiment.evaluation.running import Dataset, evaluate_file
from sentiment.manifest import Head
from sentiment.scorer import Scorer

Row = Mapping[str, Any]
YES_NO = ("irony", "offensive", "complaint", "relevance")


@pytest.fixture
def scorer(counting_class: type[Any]) -> Scorer:
    """Says yes and joy as it says positive, anger as negative."""

    class Answering(counting_class):  # type: ignore[misc]
        heads: Mapping[str, Head] = {
            **counting_class.heads,
            "emotions": Head(("joy", "anger"), "any"),
            **{name: Head((name,), "any") for name in YES_NO},
        }

        def run(self, rows: Sequence[Encoded]) -> dict[str, Chances]:
            found: dict[str, Chances] = super().run(rows)
            tones = found["polarity"]
            return {**found, "emotions": tones[:, [2, 0]], **dict.fromkeys(YES_NO, tones[:, 2:])}

    return Scorer(Answering())


def measured(scorer: Scorer, task: str, rows: Sequence[Row], resamples: int = 0) -> FileResult:
    entries = list(enumerate(rows, 1))
    dataset = Dataset(f"{task}.jsonl", task, "here", "0" * 64, len(entries), entries)
    return evaluate_file(scorer, dataset, Sampling(resamples=resamples))


def figures(result: FileResult) -> Figures:
    assert result.figures
    return result.figures


def by_name(found: Figures) -> dict[str, float]:
    return {figure.name: figure.value for figure in found.figures}


def baselines(found: Figures) -> dict[str, float | None]:
    return {figure.name: figure.baseline for figure in found.figures}


POLARITY = [
    {"text": "good", "label": "positive", "lang": "en"},
    {"text": "good so good", "label": "positive", "lang": "es"},
    {"text": "bad", "label": "negative", "lang": "en"},
    {"text": "so", "label": "neutral", "lang": "en"},
    {"text": "so so", "label": "positive", "lang": "es"},
]


def test_polarity(scorer: Scorer) -> None:
    found = figures(measured(scorer, "polarity", POLARITY, resamples=50))
    assert by_name(found) == pytest.approx(
        {"macro_f1": (4 / 5 + 2 / 3 + 1) / 3, "macro_recall": 8 / 9, "accuracy": 0.8}
    )
    assert baselines(found) == pytest.approx({"macro_f1": 0.75 / 3, "macro_recall": 1 / 3, "accuracy": 0.6})
    assert found.headline_figure.name == "macro_f1"
    assert all(figure.low <= figure.value <= figure.high for figure in found.figures)  # type: ignore[operator]
    assert [(group.name, group.rows, group.figures["accuracy"]) for group in found.languages] == [
        ("en", 3, 1.0), ("es", 2, 0.5),
    ]  # fmt: skip
    (matrix,) = found.confusions
    assert (matrix.names, matrix.counts) == (("negative", "neutral", "positive"), ((1, 0, 0), (0, 1, 0), (0, 1, 2)))
    assert found.classes[1] == ClassFigures("neutral", 1, 0.5, 1.0, pytest.approx(2 / 3))
    # It is always quite sure, and wrong once.
    assert found.calibration_error == pytest.approx(0.2)
    assert found.without_unsure
    assert (found.without_unsure.coverage, found.without_unsure.accuracy) == (1.0, 0.8)
    assert found.quantification is None


def test_a_target_in_a_file_of_tones_is_not_asked_about(counting_class: type[Any]) -> None:
    backend = counting_class()
    measured(Scorer(backend), "polarity", [{"text": "good", "label": "positive", "target": "bad"}])
    assert backend.batches == [[3]]


@pytest.mark.parametrize("task", YES_NO)
def test_yes_or_no(scorer: Scorer, task: str) -> None:
    said = [("good", 1), ("good so", 1), ("so", 1), ("bad", 0), ("good good", 0)]
    found = figures(measured(scorer, task, [{"text": text, "label": label, "target": "Acme"} for text, label in said]))
    # Three positive and two negative rows: of the six pairs three are won, two are level, and one is lost.
    assert by_name(found) == pytest.approx(
        {"f1": 4 / 6, "macro_f1": (4 / 6 + 1 / 2) / 2, "macro_recall": (2 / 3 + 1 / 2) / 2, "accuracy": 0.6,
         "auc": (2 + 2 / 2 + 1 / 2) / 6}
    )  # fmt: skip
    assert baselines(found)["f1"] == pytest.approx(6 / 8)
    assert baselines(found)["auc"] == 0.5
    assert found.headline == {"irony": "f1", "relevance": "auc"}.get(task, "macro_f1")
    assert found.without_unsure is None


def test_half_is_a_yes(scorer: Scorer) -> None:
    found = figures(measured(scorer, "irony", [{"text": "good bad", "label": 1}, {"text": "bad", "label": 0}]))
    assert by_name(found)["accuracy"] == 1.0


def test_emotions(scorer: Scorer) -> None:
    rows = [
        {"text": "good", "labels": ["joy"]},
        {"text": "good bad", "labels": ["anger", "joy"]},
        {"text": "so", "labels": []},
        {"text": "so", "labels": ["anger"]},
    ]
    result = measured(scorer, "emotion", rows)
    found = figures(result)
    assert result.notes == ()
    assert by_name(found) == pytest.approx(
        {"macro_f1": (1 + 2 / 3) / 2, "micro_f1": 2 * 3 / (4 + 3), "subset_accuracy": 0.75}
    )
    assert found.classes == (
        ClassFigures("anger", 2, 1.0, 0.5, pytest.approx(2 / 3)),
        ClassFigures("joy", 2, 1.0, 1.0, 1.0),
    )


def test_an_emotion_that_the_model_does_not_know_is_never_said_and_told(scorer: Scorer) -> None:
    result = measured(scorer, "emotion", [{"text": "good", "labels": ["joy", "awe"]}, {"text": "so", "labels": []}])
    found = figures(result)
    assert result.notes == ("the model does not know 'awe': counted as never said",)
    assert by_name(found)["macro_f1"] == 0.5
    assert found.classes[0].rows == 1
    assert math.isnan(found.classes[0].precision)
    assert (found.classes[0].recall, found.classes[0].f1) == (0.0, 0.0)


def test_an_emotion_that_the_file_does_not_know_is_not_held_against_the_model(scorer: Scorer) -> None:
    found = figures(measured(scorer, "emotion", [{"text": "good bad", "labels": ["joy"]}]))
    assert by_name(found) == {"macro_f1": 1.0, "micro_f1": 1.0, "subset_accuracy": 1.0}


def test_a_file_without_any_emotion_has_no_f1(scorer: Scorer) -> None:
    found = figures(measured(scorer, "emotion", [{"text": "good", "labels": []}], resamples=5))
    assert math.isnan(by_name(found)["macro_f1"])
    assert found.figures[0].low is None


@pytest.mark.parametrize("target", ["", "  ", "@", "#", "\u200b", None])
def test_relevance_to_nothing_is_a_broken_row(scorer: Scorer, target: str | None) -> None:
    rows = [{"text": "good", "target": target, "label": 1}, {"text": "good", "target": "@acme", "label": 1}]
    result = measured(scorer, "relevance", rows)
    assert result.first_broken == (Broken(1, "there is no target; name what the text is about"),)
    assert result.measured == 1


@pytest.mark.parametrize(
    ("task", "row", "why"),
    [
        ("polarity", {"label": "positive"}, "no field text"),
        ("polarity", {"text": 3, "label": "positive"}, "text must be a string, this is a number"),
        ("polarity", {"text": " \n", "label": "positive"}, "the text is empty"),
        ("polarity", {"text": "a"}, "the label must be negative, neutral, positive, not nothing"),
        ("polarity", {"text": "a", "label": ["positive"]}, r"not \['positive'\]"),
        ("polarity", {"text": "a", "label": "\x1b[31m\u202e"}, r"not '\\x1b\[31m\\u202e'"),
        ("polarity", {"text": "a", "label": "x" * 500}, r"not 'x{56}\.\.\.$"),
        ("irony", {"text": "a", "label": 2}, "the label must be 0 or 1, not 2"),
        ("irony", {"text": "a", "label": "1"}, "the label must be 0 or 1, not '1'"),
        ("emotion", {"text": "a", "labels": "joy"}, "labels must be a list of names, not 'joy'"),
        ("emotion", {"text": "a", "labels": ["joy", ""]}, "labels must be a list of names"),
        ("stance", {"text": "a", "target": "b", "label": 3}, "a whole number from -2 to 2, not 3"),
        ("stance", {"text": "a", "target": "b", "label": True}, "not True"),
        ("stance", {"text": "a", "target": "b", "label": 1.0}, "not 1.0"),
        ("stance", {"text": "a", "label": 1}, "there is no target"),
        ("contrast", {"text": "a", "target": "b", "label": 2, "pair": 1, "kind": "x"}, "from -1 to 1, not 2"),
        ("contrast", {"text": "a", "target": "b", "label": 1, "kind": "x"}, "pair must be a name or a number"),
        ("contrast", {"text": "a", "target": "b", "label": 1, "pair": 1, "kind": ""}, "kind must be a name"),
        ("rating", {"text": "a", "score": 11}, "the score must be a number from 0 to 10, not 11"),
        ("rating", {"text": "a", "score": math.nan}, "not nan"),
        ("rating", {"text": "a", "score": "9"}, "not '9'"),
        ("rating", {"text": "a", "target": 4, "score": 9}, "target must be a string or absent"),
    ],
)
def test_broken_rows_say_what_to_correct(scorer: Scorer, task: str, row: Row, why: str) -> None:
    result = measured(scorer, task, [row])
    (broken,) = result.first_broken
    assert (result.broken, result.measured, result.figures, broken.line) == (1, 0, None, 1)
    assert result.notes == ("no row that can be measured",)
    with pytest.raises(ValueError, match=why):
        raise ValueError(broken.why)


@pytest.mark.parametrize("task", ["emotion", *YES_NO])
def test_a_model_without_the_head_is_not_measured(counting_class: type[Any], task: str) -> None:
    row = {"text": "good", "label": 1, "labels": ["joy"], "target": "Acme"}
    result = measured(Scorer(counting_class()), task, [row, row])
    assert (result.figures, result.measured, result.notes) == (None, 0, ("this model has no such head",))


def test_a_text_with_nothing_to_read_is_measured_as_saying_nothing(scorer: Scorer) -> None:
    rows = [{"text": "\u200b", "labels": []}, {"text": "bad", "labels": ["anger"]}]
    found = figures(measured(scorer, "emotion", rows))
    assert by_name(found) == {"macro_f1": 1.0, "micro_f1": 1.0, "subset_accuracy": 1.0}
