"""Points for a person to write an answer from: which, in which order and language, and because of what."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.points import MOST, Situation, suggested
from alerts.text import one_line
from alerts.topics import Topic, topics


def situation(text: str, **changes: Any) -> Situation:
    """A detractor's mention in English, just written."""
    return Situation(**{"text": text, "lang": "en", "label": "detractor", **changes})


def names(text: str, **changes: Any) -> list[str]:
    return [point.name for point in suggested(situation(text, **changes))]


@pytest.mark.parametrize(
    ("text", "lang", "topic", "words"),
    [
        ("Aeroluz, it never arrived", "en", Topic.LOST, "never arrived"),
        ("DELAYED again", "en", Topic.DELAY, "DELAYED"),
        ("I can't log in since noon", "en", Topic.OUTAGE, "can't log in"),
        ("you charged me twice", "en", Topic.BILLING, "charged me twice"),
        ("the cabin filled with smoke", "en", Topic.SAFETY, "smoke"),
        ("you leaked my personal data", "en", Topic.DATA, "leaked my personal"),
        ("nobody answers the phone", "en", Topic.NO_REPLY, "nobody answers"),
        ("so rude on the phone", "en", Topic.STAFF, "rude"),
        ("Me han perdido la maleta", "es", Topic.LOST, "perdido la maleta"),
        ("El vuelo se RETRASÓ tres horas", "es", Topic.DELAY, "RETRASÓ"),
        ("llevamos sin internet desde ayer", "es", Topic.OUTAGE, "sin internet"),
        ("Quiero mi reembolso ya", "es", Topic.BILLING, "reembolso"),
        ("nadie contesta al teléfono", "es", Topic.NO_REPLY, "nadie contesta"),
        ("Me doy de baja mañana", "es", Topic.LEAVING, "doy de baja"),
    ],
)
def test_a_topic_is_found_with_the_words_that_say_so(text: str, lang: Any, topic: Topic, words: str) -> None:
    assert {found.topic: found.words for found in topics(text, lang)}[topic] == words


@pytest.mark.parametrize(
    "text", ["I refined it", "the delta is undelayedness", "smokestack lightning", "colada", "buenas tardes a todos"]
)
def test_parts_of_words_are_no_topics(text: str) -> None:
    assert topics(text, "en") == topics(text, "es") == []


def test_what_endangers_people_comes_before_money() -> None:
    assert names("I want a refund, the seat caught fire and I waited for hours")[:2] == ["safety", "billing"]


def test_the_advice_is_in_the_mentions_language_and_names_its_evidence() -> None:
    (point,) = suggested(situation("Han perdido mi equipaje", lang="es-MX"))
    assert point.advice.startswith("Pide en privado la referencia")
    assert (point.evidence, point.quoted) == ("perdido mi equipaje", True)


def test_who_complained_before_and_who_waited_long_are_named_with_figures() -> None:
    points = suggested(situation("Awful", earlier=4, earlier_detractors=3, waiting=timedelta(hours=30)))
    assert [(point.name, point.evidence) for point in points] == [
        ("returning", "4 earlier mentions of the brand, 3 against it"), ("waiting", "without an answer for 1d"),
    ]  # fmt: skip


def test_irony_and_anger_count_from_even_chances_on() -> None:
    assert names("Great job as always", irony=0.5, emotions={"anger": 0.8}) == ["irony", "anger"]
    assert names("Great job as always", irony=0.49, emotions={"anger": float("nan")}) == ["ask"]


def test_one_place_is_kept_for_what_the_words_do_not_say() -> None:
    text = "smoke, a refund, delayed for hours and my bag was lost"
    assert names(text, irony=0.9) == ["safety", "billing", "irony"]
    assert names(text) == ["safety", "billing", "lost"]


def test_praise_is_thanked_for_and_thanks_in_a_complaint_are_no_praise() -> None:
    assert names("Thank you, best crew ever", label="promoter") == ["praise"]
    assert names("Thanks for losing my bag", label="detractor") == ["ask"]
    # A promoter by stance whose text is likely a complaint is taken for one.
    assert names("Thanks, but where is my refund?", label="promoter", complaint=0.8) == ["billing"]


@pytest.mark.parametrize(("label", "name"), [("detractor", "ask"), ("promoter", "thank"), ("passive", "look")])
def test_there_is_always_one(label: str, name: str) -> None:
    assert names("Aeroluz.", label=label) == [name]


@given(
    st.text(max_size=300), st.sampled_from(["en", "es", "de", None]),
    st.sampled_from(["promoter", "passive", "detractor", None]), st.none() | st.floats(), st.integers(0, 9),
)  # fmt: skip
def test_whatever_strangers_write_gives_one_to_three_clean_points(
    text: str, lang: str | None, label: str | None, probability: float | None, earlier: int
) -> None:
    asked = situation(
        f"{text} refund {text}", lang=lang, label=label, complaint=probability, irony=probability, earlier=earlier,
        earlier_detractors=earlier // 2, waiting=timedelta(hours=earlier),
    )  # fmt: skip
    points = suggested(asked)
    assert 1 <= len(points) <= MOST
    assert points == suggested(asked)
    for point in points:
        assert point.evidence == one_line(point.evidence)
        assert point.advice
    assert len({point.name for point in points}) == len(points)


def test_a_text_made_to_be_slow_is_read_in_part() -> None:
    hostile = "charge " * 200_000 + "refund"
    assert [found.words for found in topics(hostile, "en")] == ["charge"]
    assert topics("a" * 3_999 + " " + "refund", "en") == []
