"""Files measured from end to end."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from sentiment.evaluation import running
from sentiment.evaluation.choices import Sampling
from sentiment.evaluation.results import TITLES, Broken, Evaluation, FileResult
from sentiment.evaluation.running import TASKS, Dataset, evaluate_file
from sentiment.scorer import Scorer

NO_DRAWS = Sampling(resamples=0)
GOOD = {"text": "good", "label": "positive", "lang": "en"}


def dataset(
    entries: Sequence[tuple[int, Mapping[str, Any]] | Broken], task: str = "polarity", notes: tuple[str, ...] = ()
) -> Dataset:
    return Dataset("tones.jsonl", task, "here", "ab" * 32, 1000, iter(entries), notes)


@pytest.fixture
def scorer(counting_class: type[Any]) -> Scorer:
    return Scorer(counting_class())


def test_a_result_tells_its_file_what_was_measured_and_what_was_left_out(scorer: Scorer) -> None:
    entries = [(1, GOOD), Broken(2, "this is not JSON"), (3, {"text": "bad", "label": "sad"}), (5, GOOD)]
    found = evaluate_file(scorer, dataset(entries, notes=("a sample",)), NO_DRAWS)
    assert (found.file, found.task, found.source, found.sha256) == ("tones.jsonl", "polarity", "here", "ab" * 32)
    assert (found.rows, found.measured, found.broken, found.notes) == (1000, 2, 2, ("a sample",))
    assert found.first_broken == (
        Broken(2, "this is not JSON"),
        Broken(3, "the label must be negative, neutral, positive, not 'sad'"),
    )
    assert found.figures
    assert found.figures.headline_figure.value == 1.0


def test_only_the_first_broken_rows_are_told_one_by_one(scorer: Scorer) -> None:
    found = evaluate_file(scorer, dataset([(line, {}) for line in range(1, 10)] + [(10, GOOD)]), NO_DRAWS)
    assert (found.broken, [broken.line for broken in found.first_broken]) == (9, [1, 2, 3, 4, 5])


@pytest.mark.parametrize("entries", [[], [Broken(1, "no JSON")], [(1, {"text": ""})]])
def test_a_file_in_which_nothing_can_be_measured_has_a_note_and_no_figures(scorer: Scorer, entries: list[Any]) -> None:
    found = evaluate_file(scorer, dataset(entries), NO_DRAWS)
    assert (found.figures, found.measured, found.broken) == (None, 0, len(entries))
    assert found.notes == ("no row that can be measured",)


def test_progress_counts_broken_rows_too_even_where_all_of_a_chunk_are(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CHUNK", 2)
    done: list[int] = []
    entries = [(1, GOOD), Broken(2, ""), Broken(3, ""), (4, {}), (5, GOOD), (6, GOOD), Broken(7, "")]
    found = evaluate_file(scorer, dataset(entries), NO_DRAWS, done.append)
    assert done == [2, 2, 2, 1]
    assert (found.measured, found.broken) == (3, 4)


def mixed(task: str) -> list[tuple[int, Mapping[str, Any]]]:
    """Rows that fit every task of tone, stance, mark and contrast."""
    rows = []
    for line, text in enumerate(["good", "bad", "so", "good bad", "so good", "bad bad", "so so", "good"], 1):
        step = line % 3 - 1
        rows.append((line, {
            "text": text, "target": "Acme", "score": line + 2, "pair": line // 2, "kind": "any", "scale": 5,
            "label": ("negative", "neutral", "positive")[step] if task == "polarity" else step,
        }))  # fmt: skip
    return rows


@pytest.mark.parametrize("task", ["polarity", "stance", "rating", "contrast"])
def test_figures_do_not_depend_on_how_many_rows_are_read_at_a_time(
    counting_class: type[Any], monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    def once() -> FileResult:
        return evaluate_file(Scorer(counting_class()), dataset(mixed(task), task), Sampling(resamples=20))

    whole = once()
    monkeypatch.setattr(running, "CHUNK", 3)
    assert whole.figures
    assert repr(once()) == repr(whole)


def evaluation(file: FileResult) -> Evaluation:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return Evaluation("m", "r", "0.1.0", now, {"resamples": 0, "least": math.inf}, (file, file), ("x: no task",))


def test_all_of_it_is_plain_json_in_which_nothing_is_nan(scorer: Scorer) -> None:
    # Nothing is said to be negative: its precision is not defined.
    whole = evaluation(evaluate_file(scorer, dataset([(1, {"text": "good", "label": "negative"}), (2, {})]), NO_DRAWS))
    found = json.loads(json.dumps(whole.as_dict(), allow_nan=False))
    assert (found["format"], found["date"], found["skipped"]) == (1, "2026-01-02T03:04:05+00:00", ["x: no task"])
    assert found["settings"] == {"resamples": 0, "least": None}
    assert found["files"][0]["figures"]["classes"][0] == {
        "name": "negative", "rows": 1, "precision": None, "recall": 0.0, "f1": 0.0,
    }  # fmt: skip
    assert found["files"][0]["first_broken"] == [{"line": 2, "why": "there is no field text; the fields are: none"}]
    assert whole.broken == 2


def test_the_bundled_model_tells_love_from_hate(bundled: Scorer) -> None:
    love, hate = "I love Acme, best phone I ever had!", "Acme is terrible, I want my money back."
    rows = [
        {"text": love, "target": "Acme", "label": 1, "score": 10, "pair": 7, "kind": "feeling", "lang": "en"},
        {"text": hate, "target": "Acme", "label": -1, "score": 1, "pair": 7, "kind": "feeling", "lang": "en"},
    ]
    for task in ("stance", "rating", "contrast"):
        found = evaluate_file(bundled, dataset([*enumerate(rows, 1)], task), Sampling(resamples=10))
        assert found.figures
        assert found.figures.headline_figure.value == 1.0
    tones = [{"text": love, "label": "positive"}, {"text": hate, "label": "negative"}]
    found = evaluate_file(bundled, dataset([*enumerate(tones, 1)]), NO_DRAWS)
    assert found.figures
    assert found.figures.headline_figure.value == 1.0


def test_every_task_has_a_headline_among_its_figures_that_people_have_a_word_for() -> None:
    assert {task.headline for task in TASKS.values()} <= set(TITLES)
