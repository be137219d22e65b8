"""English rows with words of another language: what is switched for what, and what stays."""

import random
from collections import Counter

import pytest
from training.rows import Row
from training.switch import SHARE, counterparts, switch

TABLE = {"flight": ["vuelo"], "late": ["tarde", "atrasado"], "acme": ["colmo"], "user": ["usuario"], "ve": ["vi"]}


class Always(random.Random):
    """Whose every chance comes true."""

    def random(self) -> float:
        return 0.0


def row(text: str, target: str | None = None) -> Row:
    return Row(text, target, "en", 2, frozenset((1, 2)), "test", {"joy": 1}, {"irony": 0})


def test_counterparts_are_the_commonest_words_with_that_first_gloss() -> None:
    glosses = {
        "vuelo": ["flight", "fly"], "vuelos": ["flight"], "avion": ["flight"], "volar": ["to fly"], "zzz": [],
        "sin embargo": ["all the same"],
    }  # fmt: skip
    counts = Counter(vuelo=9, vuelos=4, avion=5)
    assert counterparts(glosses, counts) == {"flight": ["vuelo", "avion"], "fly": ["volar"]}
    assert counterparts(glosses, counts, most=1) == {"flight": ["vuelo"], "fly": ["volar"]}


@pytest.mark.parametrize(
    ("text", "switched"),
    [
        ("The Flight was LATE!", "The vuelo was tarde!"),
        ("@late #late #late_flight late@flight.com", "@late #late #late_flight late@flight.com"),
        ("http @user user", "http @user user"),
        ("flights 4late naïve", "flights 4late naïve"),
        ("flight,late", "vuelo,tarde"),
    ],
)
def test_only_whole_words_are_switched(text: str, switched: str) -> None:
    assert switch(row(text), TABLE, Always()).text == switched


def test_the_target_and_all_answers_stay() -> None:
    asked = row("Acme flight late", "Acme late")
    found = switch(asked, TABLE, Always())
    assert found == Row("Acme vuelo late", "Acme late", "en", 2, asked.stance, "test", {"joy": 1}, {"irony": 0})


def test_the_share_of_words_and_the_likeliest_counterpart_first() -> None:
    words = switch(row("late " * 4000), TABLE, random.Random(0)).text.split()
    counts = Counter(words)
    assert counts["late"] / 4000 == pytest.approx(1 - SHARE, abs=0.03)
    assert counts["tarde"] / (counts["tarde"] + counts["atrasado"]) == pytest.approx(0.75, abs=0.03)


def test_the_same_chances_give_the_same_text() -> None:
    asked = row("late flight " * 20)
    texts = [switch(asked, TABLE, random.Random(seed)).text for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
