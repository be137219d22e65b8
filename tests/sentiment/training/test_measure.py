"""Dev sets through a scorer, what is chosen on them, and how two models agree."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training.encoder import EMOTIONS, HEADS
from training.measure import Scored, _emotion_bias, agreement, choose, score_dev

from sentiment.labels import Labeller, Thresholds
from sentiment.scorer import Score, Text


def score(text: Text) -> Score:
    """A guess that the text alone decides."""
    rng = random.Random(text.text)
    steps = [rng.random() + 0.1 for _ in range(5)]
    tones = [rng.random() + 0.1 for _ in range(3)]
    return Score(
        polarity={name: tone / sum(tones) for name, tone in zip(HEADS["polarity"], tones, strict=True)},
        stance={name: step / sum(steps) for name, step in zip(HEADS["stance"], steps, strict=True)}
        if text.target
        else None,
        label=None,
        unsure=False,
        emotions={name: rng.uniform(0.01, 0.3) for name in EMOTIONS},
        irony=rng.uniform(0.01, 0.4),
        offensive=rng.uniform(0.01, 0.99),
        complaint=rng.uniform(0.6, 0.99),
        relevance=rng.uniform(0.5, 0.99) if text.target else None,
        lang=text.lang or "und",
        model="guess",
        revision="1",
    )


class Guess:
    """A scorer that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Text] = []

    def score(self, texts: Sequence[Text]) -> list[Score]:
        self.asked += texts
        return [score(text) for text in texts]


@pytest.fixture(scope="module")
def scored(data: Path) -> list[Scored]:
    return score_dev(Guess(), data, lambda _: None)


@pytest.fixture(scope="module")
def chosen(scored: list[Scored]) -> dict[str, Any]:
    return choose(scored)


def test_every_dev_file_is_asked_as_it_will_be_used(data: Path) -> None:
    guess, told = Guess(), list[str]()
    found = score_dev(guess, data, told.append, most=5)
    assert len(found) == len(told) == len(list(data.glob("*/*.dev.jsonl")))
    assert all(len(one.rows) == len(one.scores) == 5 for one in found)
    by_file = {(one.task, one.source): one for one in found}
    assert all(one.stance for one in by_file["stance", "mams"].scores)
    assert all(one.stance for one in by_file["rating", "hotels_es"].scores)  # of a hotel
    assert not any(one.stance for one in by_file["polarity", "umsab_es"].scores)
    assert {text.lang for text in guess.asked} == {"en", "es", "fr", "de", "it", "pt"}
    stance = by_file["stance", "semeval2017c"]
    assert stance.chances("stance").shape == (5, 5)
    assert stance.chances("irony").shape == (5, 1)
    assert stance.labels.tolist() == [row["label"] for row in stance.rows]


def test_everything_is_chosen(chosen: dict[str, Any]) -> None:
    assert set(chosen["heads"]) == set(HEADS)
    for name, labels in HEADS.items():
        assert len(chosen["heads"][name]["bias"]) == len(labels)
        assert chosen["heads"][name]["temperature"] > 0
    # Heads that always say yes are damped, heads that never do are raised.
    assert chosen["heads"]["complaint"]["bias"][0] < 0 < chosen["heads"]["irony"]["bias"][0]
    assert all(bias > 0 for bias in chosen["heads"]["emotions"]["bias"])
    assert set(chosen["thresholds"]) == {"default", "en", "es"}
    assert 0.333 <= chosen["unsure"]["polarity"] < 1
    assert 0.333 <= chosen["unsure"]["stance"] < 1


def test_a_file_that_does_not_choose_has_no_say(scored: list[Scored], chosen: dict[str, Any]) -> None:
    silent = (("stance", "mams"), ("rating", "hotels_es"))
    assert choose([one for one in scored if (one.task, one.source) not in silent]) == chosen


def test_an_emotion_is_chosen_on_the_files_that_judged_it(scored: list[Scored]) -> None:
    """Only semeval2018ec asks for love: whether other files name it means nothing."""

    def relabelled(start: str, *labels: str) -> list[Scored]:
        return [
            replace(one, rows=[{**row, "labels": labels} for row in one.rows])
            if one.task == "emotion" and one.source.startswith(start)
            else one
            for one in scored
        ]

    assert _emotion_bias(relabelled("emoevent", "love"), "love") == _emotion_bias(scored, "love")
    assert _emotion_bias(relabelled("semeval", "love"), "love") != _emotion_bias(scored, "love")


LABELLER = Labeller(Thresholds(), {})


def test_a_model_agrees_with_itself(scored: list[Scored]) -> None:
    found = agreement(scored, scored, LABELLER)
    assert found == {
        "rows": sum(len(one.rows) for one in scored), "same polarity": 100, "same label": 100,
        "polarity difference": 0, "stance difference": 0,
    }  # fmt: skip


def test_disagreement_is_counted() -> None:
    rows = [{"text": f"{number}", "lang": "en", "label": 0} for number in range(4)]
    ours = [score(Text(row["text"], "acme", "en")) for row in rows]
    plain = {"negative": 0.2, "neutral": 0.5, "positive": 0.3}
    mild = {"-2": 0.0, "-1": 0.1, "0": 0.3, "1": 0.6, "2": 0.0}
    ours = [replace(one, polarity=plain, stance=mild) for one in ours]
    theirs = [ours[0], replace(ours[1], polarity={"negative": 0.5, "neutral": 0.2, "positive": 0.3}), *ours[2:]]
    theirs[3] = replace(ours[3], stance={"-2": 0.6, "-1": 0.1, "0": 0.3, "1": 0.0, "2": 0.0})
    found = agreement([Scored("stance", "x", rows, ours)], [Scored("stance", "x", rows, theirs)], LABELLER)
    assert found["same polarity"] == 75
    assert found["same label"] == 75
    assert found["polarity difference"] == pytest.approx(np.mean([0, 0.2, 0, 0]))
    assert found["stance difference"] == pytest.approx(np.mean([0, 0, 0, 0.24]))
    fewer = agreement([Scored("stance", "x", rows, ours)], [Scored("stance", "x", rows[:2], theirs[:2])], LABELLER)
    assert fewer["rows"] == 2
