"""Three mentions that tell what happened: far-reaching, clear, and not the same thing three times over."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.telling import clearness, most_telling

TEXTS = (
    "Aeroluz lost my bag and nobody answers the phone",
    "Third cancellation this month, stuck in Lisbon with two children",
    "Mi vuelo con Aeroluz salió con nueve horas de retraso",
    "The crew laughed at a passenger in a wheelchair",
    "They charged my card twice and refuse to refund it",
)


def test_what_reaches_furthest_comes_first(a_mention):
    mentions = [a_mention(id=n, text=text, reach=10**n, author=f"a{n}") for n, text in enumerate(TEXTS)]
    assert most_telling(mentions)[0].id == 4


def test_a_clear_one_goes_before_a_doubtful_one_of_the_same_reach(a_mention):
    doubtful = a_mention(id=1, text=TEXTS[0], reach=100, stance={"-2": 0.3, "-1": 0.3, "0": 0.4, "1": 0.0, "2": 0.0})
    clear = a_mention(id=2, text=TEXTS[1], reach=100)
    assert [one.id for one in most_telling([doubtful, clear])] == [2, 1]


def test_what_nearly_repeats_another_is_left_out(a_mention):
    same = [a_mention(id=n, text=f"{TEXTS[0]} {n}", reach=1000 - n, author=f"a{n}") for n in range(5)]
    other = a_mention(id=9, text=TEXTS[1], reach=5)
    assert [one.id for one in most_telling([*same, other])] == [0, 9]


def test_other_authors_and_platforms_are_heard_before_the_same_again(a_mention):
    loud = [a_mention(id=n, text=TEXTS[n], reach=1000, author="ana", source="x") for n in range(3)]
    others = [
        a_mention(id=7, text=TEXTS[3], reach=800, author="ben", source="reddit"),
        a_mention(id=8, text=TEXTS[4], reach=800, author="eva", source="mastodon"),
    ]
    assert {one.id for one in most_telling([*loud, *others])} == {0, 7, 8}


def test_a_promoter_is_as_clear_as_a_detractor(a_mention):
    glad = a_mention(label="promoter", stance={"-2": 0.0, "-1": 0.0, "0": 0.1, "1": 0.2, "2": 0.7})
    assert clearness(glad) == 0.7 + 0.2
    assert clearness(a_mention(stance=None, polarity={"negative": 0.1, "positive": 0.8})) == 0.8


def test_a_broken_models_numbers_do_not_break_it(a_mention):
    broken = a_mention(id=1, stance={"-2": float("nan")}, reach=5)
    assert clearness(broken) == 0
    assert most_telling([broken]) == [broken]


def test_of_none_none_is_chosen():
    assert most_telling([]) == []


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from(TEXTS), st.integers(0, 10**6) | st.none(), st.sampled_from("abc")), max_size=12),
    st.integers(0, 4),
    st.randoms(),
)
def test_the_choice_does_not_hang_on_the_order_and_holds_no_two_alike(a_mention, said, n, dice: random.Random):
    mentions = [
        a_mention(id=number, text=text, reach=reach, author=author) for number, (text, reach, author) in enumerate(said)
    ]
    chosen = most_telling(mentions, n)
    shuffled = dice.sample(mentions, len(mentions))
    assert most_telling(shuffled, n) == chosen
    assert len(chosen) == min(n, len({one.text for one in mentions}))
    assert len({one.text for one in chosen}) == len(chosen)
