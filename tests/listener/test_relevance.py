"""Keep or hide: what a person would expect, and what must hold whatever the numbers are."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.query import QueryError
from listener.relevance import SURE, THRESHOLD, THRESHOLD_WITH_CONTEXT, Evidence, Why, decide, rules, trusted

PROBABILITY = st.floats(0, 1)
WORDS = st.none() | st.just("river")
EVIDENCE = st.builds(
    Evidence,
    probability=st.none() | PROBABILITY,
    context=WORDS,
    unless=WORDS,
    handle=st.booleans(),
    from_source=st.booleans(),
    said=st.none() | st.booleans(),
    wordless=st.booleans(),
)
THRESHOLDS = st.none() | PROBABILITY


@given(EVIDENCE, THRESHOLDS, PROBABILITY, PROBABILITY)
def test_a_higher_probability_never_hides(
    evidence: Evidence, threshold: float | None, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    below = decide(replace(evidence, probability=low), threshold)
    above = decide(replace(evidence, probability=high), threshold)
    assert below.hidden or not above.hidden


@given(EVIDENCE, THRESHOLDS, st.booleans())
def test_a_persons_word_is_final(evidence: Evidence, threshold: float | None, relevant: bool) -> None:
    decision = decide(replace(evidence, said=relevant), threshold)
    assert (decision.hidden, decision.why) == (not relevant, Why.SAID)


@given(EVIDENCE, PROBABILITY, PROBABILITY)
def test_a_lower_threshold_never_hides_more(evidence: Evidence, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert decide(evidence, high).hidden or not decide(evidence, low).hidden
    assert decide(evidence, low).hidden or not decide(evidence, None).hidden or evidence.unless is not None


@given(EVIDENCE, THRESHOLDS)
def test_more_that_speaks_for_it_never_hides(evidence: Evidence, threshold: float | None) -> None:
    before = decide(evidence, threshold)
    for more in ({"context": "flight"}, {"handle": True}, {"from_source": True}, {"unless": None}):
        assert before.hidden or not decide(replace(evidence, **more), threshold).hidden


@given(EVIDENCE, THRESHOLDS)
def test_what_is_hidden_says_why(evidence: Evidence, threshold: float | None) -> None:
    decision = decide(evidence, threshold)
    assert decision.sentence
    if decision.hidden:
        assert decision.why in (Why.SAID, Why.UNLESS, Why.IMPROBABLE, Why.WORDLESS)


DELTA: dict[str, Any] = {"context": ["flight OR airport", "bag*"], "unless": ["river", '"delta variant"']}


def judged(text: str, probability: float | None, stored: dict[str, Any] | None = None, **more: Any) -> tuple[bool, Why]:
    start = text.lower().index("delta")
    decision = rules(DELTA if stored is None else stored).judge(text, [(start, start + 5)], probability, **more)
    return decision.hidden, decision.why


@pytest.mark.parametrize(
    ("text", "probability", "expected"),
    [
        ("Delta lost my bags", 0.01, (False, Why.CONTEXT)),
        ("my Delta flight over the river", 0.01, (False, Why.CONTEXT)),
        ("the river delta is flooded", 0.85, (True, Why.UNLESS)),
        ("the river delta is flooded", SURE, (False, Why.SURE)),
        ("the river delta is flooded", None, (True, Why.UNLESS)),
        ("thanks @Delta by the river", 0.01, (False, Why.HANDLE)),
        ("thanks ＠delta", 0.01, (False, Why.HANDLE)),
        ("write to help@delta.example", 0.01, (True, Why.IMPROBABLE)),
        ("nice #Delta", 0.01, (True, Why.IMPROBABLE)),
        ("Delta is fine", THRESHOLD_WITH_CONTEXT, (False, Why.PROBABLE)),
        ("Delta is fine", THRESHOLD_WITH_CONTEXT - 0.001, (True, Why.IMPROBABLE)),
        ("Delta is fine", None, (False, Why.UNKNOWN)),
    ],
)
def test_what_a_person_would_expect(text: str, probability: float | None, expected: tuple[bool, Why]) -> None:
    assert judged(text, probability) == expected


def test_a_brand_without_words_loses_next_to_nothing() -> None:
    assert judged("Delta", THRESHOLD, {}) == (False, Why.PROBABLE)
    assert judged("Delta", THRESHOLD - 0.001, {}) == (True, Why.IMPROBABLE)
    assert judged("Delta", 0.0, {"threshold": False}) == (False, Why.OFF)
    assert judged("Delta river", 1.0, {"threshold": False, "unless": ["river"]}) == (True, Why.UNLESS)
    assert judged("Delta", 0.4, {"threshold": 0.5}) == (True, Why.IMPROBABLE)
    assert judged("Delta", 0.0, {"threshold": 0.0}) == (False, Why.PROBABLE)
    assert judged("Delta", 1.0, {"threshold": 1}) == (False, Why.PROBABLE)


def test_what_no_word_brought_here_no_word_takes_back() -> None:
    assert not rules(DELTA).judge("the river", (), 0.0).hidden
    assert judged("the river delta", 0.0, from_source=True) == (False, Why.SOURCE)
    assert rules({}).judge("", (), 0.9, from_source=True, wordless=True).why is Why.WORDLESS


def test_the_sentence_says_what_the_model_gave_and_never_more_than_it_did() -> None:
    with_words = rules(DELTA).judge("Delta", [(0, 5)], 0.1299)
    assert with_words.sentence == "the model gives 12 % and no context word stands in the text"
    assert rules({}).judge("Delta", [(0, 5)], 0.0999).sentence == "the model gives 9 %"
    assert "river" in rules(DELTA).judge("the river delta", [(10, 15)], 0.5).sentence


def test_the_model_is_believed_in_the_languages_it_was_measured_in() -> None:
    assert trusted(0.01, "en") == 0.01
    assert trusted(0.01, "es") is None
    assert trusted(0.01, "und") is None
    assert trusted(None, "en") is None


def test_words_that_do_not_read_are_an_error() -> None:
    with pytest.raises(QueryError):
        rules({"context": ["(flight"]})
