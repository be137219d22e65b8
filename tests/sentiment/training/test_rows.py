"""Rows of the data layout as things to learn, what files say of one text, and the rounds they are drawn in."""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from training import rows as training_rows
from training.rows import (
    EMOEVENT,
    SEMEVAL,
    SOURCES,
    Row,
    Source,
    draw,
    files,
    load,
    parse,
    plausible_target,
    polarity_of_score,
    steps_of_label,
    steps_of_score,
    texts_of,
    together,
)

Write = Callable[[str, list[dict[str, object]]], None]


class Always(random.Random):
    """Whose every chance comes true, or with 1.0 none."""

    def __init__(self, value: float = 0.0) -> None:
        super().__init__(0)
        self.value = value

    def random(self) -> float:
        return self.value


@pytest.fixture(autouse=True)
def _no_contrasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_rows, "CONTRASTS", 0)


@pytest.mark.parametrize(
    ("label", "scale", "steps"),
    [(-1, 3, {-2, -1}), (0, 3, {0}), (1, 3, {1, 2}), (-2, 5, {-2}), (1, 5, {1}), (0, 5, {0})],
)
def test_coarse_labels_are_sets(label: int, scale: int, steps: set[int]) -> None:
    assert steps_of_label(label, scale) == steps


def test_ratings_are_sets() -> None:
    assert [steps_of_score(score) for score in (10, 9, 8, 7, 6.5, 0)] == [
        {1, 2}, {1, 2}, {0, 1}, {0, 1}, {-2, -1}, {-2, -1},
    ]  # fmt: skip
    assert [polarity_of_score(score) for score in (9, 8.9, 4.1, 4)] == [2, None, None, 0]


UP, DOWN = frozenset((1, 2)), frozenset((-2, -1))


@pytest.mark.parametrize(
    ("task", "raw", "row"),
    [
        ("polarity", {"label": "positive"}, Row("so good", None, "en", 2, None, "x")),
        (
            "stance",
            {"label": -2, "scale": 5, "target": "Acme"},
            Row("so good", "Acme", "en", None, frozenset((-2,)), "x"),
        ),
        (
            "stance",
            {"label": -1, "scale": 3, "target": "@acme", "source": "airlines_us"},
            Row("so good", "acme", "en", 0, DOWN, "airlines_us"),
        ),
        ("rating", {"score": 10.0}, Row("so good", "hotel", "en", 2, UP, "x")),
        ("rating", {"score": 5.0, "target": "Delta"}, Row("so good", "Delta", "en", None, DOWN, "x")),
        (
            "emotion",
            {"labels": ["joy"]},
            Row("so good", None, "en", None, None, "x", {name: int(name == "joy") for name in EMOEVENT}),
        ),
        (
            "emotion",
            {"labels": ["love", "joy"], "source": "semeval2018ec"},
            Row(
                "so good", None, "en", None, None, "semeval2018ec",
                {name: int(name in ("love", "joy")) for name in SEMEVAL},
            ),
        ),
        ("irony", {"label": 1}, Row("so good", None, "en", None, None, "x", {}, {"irony": 1})),
        ("offensive", {"label": 0}, Row("so good", None, "en", None, None, "x", {}, {"offensive": 0})),
        ("complaint", {"label": 1}, Row("so good", None, "en", None, None, "x", {}, {"complaint": 1})),
        (
            "relevance",
            {"label": 0, "target": "#Acme"},
            Row("so good", "Acme", "en", None, None, "x", {}, {"relevance": 0}),
        ),
    ],
)  # fmt: skip
def test_each_task_tells_its_own(task: str, raw: dict[str, Any], row: Row) -> None:
    assert parse(task, {"text": "so  good", "lang": "en", "source": "x", **raw}, random.Random(0)) == row


def test_a_brand_s_own_handle_stays_when_the_row_is_about_it() -> None:
    raw = {"text": "@AcmeAir and @other", "lang": "en", "source": "x", "label": 0, "scale": 3}
    assert parse("stance", {**raw, "target": "acme"}, random.Random(0)).text == "@AcmeAir and @user"


def test_tweets_about_an_airline_mostly_mean_it() -> None:
    raw = {"text": "gracias @Iberia Madrid", "lang": "es", "source": "airlines_es", "label": "positive"}
    assert parse("polarity", raw, Always(0.7)) == Row("gracias @Iberia Madrid", "Iberia", "es", 2, UP, "airlines_es")
    # When not, the airline is a target like any other word.
    assert parse("polarity", raw, Always(1.0)).target is None
    assert parse("polarity", {**raw, "text": "gracias"}, Always()).stance is None


def test_some_texts_are_asked_about_somebody_they_name() -> None:
    raw = {"text": "nobody saw Paris", "lang": "en", "source": "x", "label": "neutral"}
    assert [parse("polarity", raw, Always(chance)).target for chance in (0.3, 0.5)] == ["Paris", None]
    assert plausible_target("@User saw #Berlin http://a.bc/Def", random.Random(0)) == "Berlin"
    assert plausible_target("nobody saw it", random.Random(0)) is None


def test_what_two_files_say_of_a_text_is_put_together() -> None:
    tone = Row("Acme rocks", None, "en", 2, None, "a")
    fear = Row("acme rocks!", "Bob", "en", None, None, "b", {"fear": 1}, {"irony": 0})
    side = Row("Acme rocks", "acme", "en", None, UP, "c")
    found = together([tone, fear, side])
    assert found == [
        Row("Acme rocks", None, "en", 2, None, "a", {"fear": 1}, {"irony": 0}),
        Row("acme rocks!", "Bob", "en", 2, None, "b", {"fear": 1}, {"irony": 0}),
        Row("Acme rocks", "acme", "en", 2, UP, "c", {"fear": 1}, {"irony": 0}),
    ]


def test_what_is_said_of_a_target_stays_with_it() -> None:
    side = Row("t", "acme", "en", 2, UP, "a")
    about = Row("t", "acme", "en", None, None, "b", {}, {"relevance": 1})
    other = Row("t", "delta", "en", None, None, "b", {}, {"relevance": 0})
    assert together([side, about, other]) == [
        Row("t", "acme", "en", 2, UP, "a", {}, {"relevance": 1}),
        Row("t", "acme", "en", 2, UP, "b", {}, {"relevance": 1}),
        other,  # not even the tone, which the stance row may only have guessed
    ]


def test_a_row_s_own_answers_come_first() -> None:
    rows = [Row("t", "x", "en", 0, DOWN, "a", {"joy": 0}), Row("t", "x", "en", 2, UP, "b", {"joy": 1, "fear": 1})]
    first, second = together(rows)
    assert (first.polarity, first.stance, first.emotions) == (0, DOWN, {"joy": 0, "fear": 1})
    assert (second.polarity, second.stance, second.emotions) == (2, UP, {"joy": 1, "fear": 1})


def numbered(many: int, **fields: object) -> list[dict[str, object]]:
    return [{"text": f"text {number}", "lang": "en", "source": "x", **fields} for number in range(many)]


def test_dev_texts_never_enter_and_labels_of_other_files_do(tmp_path: Path, write_rows: Write) -> None:
    tone = {"lang": "en", "source": "semeval2017a"}
    side = {"lang": "en", "source": "semeval2017c", "scale": 5, "target": "@acme"}
    write_rows("polarity/a.train.jsonl", [
        {"text": "acme rocks", "label": "positive", **tone},
        {"text": "held  OUT!", "label": "negative", **tone},
        {"text": "plain", "label": "neutral", **tone},
    ])  # fmt: skip
    write_rows("stance/c.train.jsonl", [
        {"text": "acme rocks", "label": 2, **side},
        {"text": "x" * 701, "label": 0, **side},
    ])  # fmt: skip
    write_rows("stance/c.dev.jsonl", [{"text": "Held out", "label": -1, **side}])
    sources = (Source("polarity/a.train.jsonl"), Source("stance/c.train.jsonl"))
    rows = draw(load(tmp_path, sources=sources, seed=1), 0, seed=1)
    assert sorted(rows, key=lambda row: (row.source, row.text)) == [
        Row("acme rocks", None, "en", 2, None, "semeval2017a"),
        Row("plain", None, "en", 1, None, "semeval2017a"),
        Row("acme rocks", "acme", "en", 2, frozenset((2,)), "semeval2017c"),
    ]
    assert list(texts_of(tmp_path, "en"))[:2] == ["acme rocks", "plain"]
    assert "held OUT!" not in list(texts_of(tmp_path, "en"))
    assert list(texts_of(tmp_path, "es")) == []


def test_a_round_goes_on_where_the_last_one_stopped(tmp_path: Path, write_rows: Write) -> None:
    write_rows("polarity/a.train.jsonl", numbered(10, label="neutral"))
    pools = load(tmp_path, sources=(Source("polarity/a.train.jsonl", rest=4),), seed=1)
    drawn = [[row.text for row in draw(pools, number, seed=1)] for number in range(5)]
    assert [len(texts) for texts in drawn] == [4] * 5
    assert Counter(text for texts in drawn for text in texts) == Counter({f"text {number}": 2 for number in range(10)})
    assert len({*drawn[0], *drawn[1]}) == 8


def test_caps_hold_per_label_and_times_per_file(tmp_path: Path, write_rows: Write) -> None:
    labels = {"neutral": 10, "positive": 6, "negative": 4}
    write_rows("polarity/a.train.jsonl", [row for label, many in labels.items() for row in numbered(many, label=label)])

    def drawn(**given: Any) -> dict[int | None, int]:
        pools = load(tmp_path, sources=(Source("polarity/a.train.jsonl", **given),), seed=1)
        return dict(Counter(row.polarity for row in draw(pools, 0, seed=1)))

    assert drawn() == {0: 4, 1: 10, 2: 6}
    assert drawn(rest=5) == {0: 4, 1: 5, 2: 5}
    assert drawn(rest=5, caps=(("neutral", 7),)) == {0: 4, 1: 7, 2: 5}
    assert drawn(times=0.5) == {0: 2, 1: 5, 2: 3}
    assert drawn(times=2, rest=9) == {0: 8, 1: 9, 2: 9}


def test_the_seed_decides_the_rows(tmp_path: Path, write_rows: Write) -> None:
    write_rows("polarity/a.train.jsonl", numbered(20, label="neutral"))
    sources = (Source("polarity/a.train.jsonl", rest=5),)
    drawn = [draw(load(tmp_path, sources=sources, seed=seed), 0, seed=seed) for seed in (3, 3, 4)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_every_round_has_other_contrasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_rows, "CONTRASTS", 30)
    first, again, second = (draw({}, number, seed=7) for number in (0, 0, 1))
    assert first == again
    assert not {row.text for row in first} & {row.text for row in second}
    assert {row.source for row in first} == {"contrasts"}
    assert all(row.target and row.stance for row in first)
    assert {row.stance for row in first} == {UP, DOWN, frozenset((0,))}


def test_reviews_are_thinned_when_words_are_counted(tmp_path: Path, write_rows: Write) -> None:
    write_rows("rating/r.train.jsonl", numbered(8, score=5.0))
    assert list(texts_of(tmp_path, "en")) == ["text 0", "text 4"]


def test_all_files_that_training_reads() -> None:
    named = files(["es", "fr"])
    assert len(set(named)) == len(named) == len(SOURCES) + 3
    assert named[-3:] == ["bilingual/sentences.tsv", "bilingual/words_es.tsv", "bilingual/words_fr.tsv"]
