"""The report: every figure in it, nothing undefined shown as a number, and foreign names as text."""

import math
from datetime import UTC, datetime

import pytest

from sentiment.evaluation.report import headline, markdown, plain
from sentiment.evaluation.results import Broken, Confusion, Evaluation, Figure, Figures, FileResult, Group


def evaluation(*files: FileResult) -> Evaluation:
    date = datetime(2026, 11, 22, 3, 4, tzinfo=UTC)
    return Evaluation("m", "r1", "0.1.0", date, {"split": "dev", "limit": None}, files, ("replay: no task",))


MEASURED = FileResult(
    "polarity/x.dev.jsonl", "polarity", "x", "ab" * 32, 12, 10, 2, (Broken(3, "label must be ..., this is <b>"),), (),
    Figures(
        "macro_f1",
        (Figure("macro_f1", 0.6543, 0.5, 0.75, 0.2), Figure("macro_mae", 0.5, None, None, math.nan)),
        (Group("en", 10, {"macro_f1": 0.7, "macro_mae": math.nan}),),
        confusions=(Confusion("", ("no", "yes"), ((4, 1), (2, 3))),),
        calibration_error=0.0321,
    ),
)  # fmt: skip
MISSING = FileResult("irony/y.dev.jsonl", "irony", "y", "cd" * 32, 5, 0, 0, (), ("this model has no such head",), None)


def test_every_file_stands_in_the_summary() -> None:
    report = markdown(evaluation(MEASURED, MISSING))
    assert "| polarity/x.dev.jsonl | 10 | macro F1 | 65.4 (50.0 to 75.0) | 20.0 | 3.2 |" in report
    assert "this model has no such head" in report
    assert "2026-11-22 03:04 UTC" in report
    assert "limit" not in report
    assert "replay: no task" in report


def test_what_is_not_defined_is_a_dash_and_steps_are_no_percent() -> None:
    report = markdown(evaluation(MEASURED))
    assert "| macro MAE | 0.500 | – |" in report
    assert "| en | 10 | 70.0 | – |" in report
    assert "nan" not in report


def test_rows_left_out_are_named_and_more_are_hinted_at() -> None:
    report = markdown(evaluation(MEASURED))
    assert "2 rows were left out" in report
    assert r"- line 3: label must be \.\.\., this is \<b\>" in report
    assert "- ..." in report


def test_the_chart_stands_where_it_was_put() -> None:
    report = markdown(evaluation(MEASURED, MISSING), lambda file: f"charts/{file.source}.svg")
    assert "](charts/x.svg)" in report
    assert "charts/y.svg" not in report


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a|b", r"a\|b"),
        ("<img src=x>", r"\<img src=x\>"),
        ("[x](http://y)", r"\[x\]\(http://y\)"),
        ("two\nlines", "two lines"),
        ("bell\x07", r"bell\\u0007"),
        ("semeval2017a", "semeval2017a"),
        ("umsab_es.dev", "umsab_es.dev"),
        ("_x_", r"\_x\_"),
    ],
)
def test_foreign_text_is_shown_as_text(given: str, shown: str) -> None:
    assert plain(given) == shown


def test_the_terminal_gets_the_same_line() -> None:
    assert headline(MEASURED)["value"] == "65.4 (50.0 to 75.0)"
    assert headline(MISSING)["measure"] == "this model has no such head"
