import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.wordlists import Hit, WordList, fold, languages_for, term, words_of

LIST = WordList(["data breach*", "on fire", "incendi*", "e coli", "e-mail leak", "acusación"])


def found(text, but=()):
    return [(hit.term, text[slice(*hit.span)]) for hit in LIST.hits(text, but)]


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("ON FIRE!", [("on fire", "ON FIRE")]),
        ("on-fire, on … fire", [("on fire", "on-fire"), ("on fire", "on … fire")]),
        ("on the fire", []),
        ("onfire bonfire", []),
        ("Data breaches", [("data breach*", "Data breaches")]),
        ("¡Incendió! incéndio", [("incendi*", "Incendió"), ("incendi*", "incéndio")]),
        ("E. coli", [("e coli", "E. coli")]),
        ("email leak, e-mail leak", [("e-mail leak", "e-mail leak")]),
        ("acusacion ACUSACIÓN", [("acusación", "acusacion"), ("acusación", "ACUSACIÓN")]),
        ("#DataBreaches #databreach #onfire #OnFire", [
            ("data breach*", "DataBreaches"), ("data breach*", "databreach"), ("on fire", "onfire"),
            ("on fire", "OnFire"),
        ]),
        ("@incendio_bar mail incendio@example.org", [("incendi*", "incendio")]),
        ("ｏｎ ｆｉｒｅ", [("on fire", "ｏｎ ｆｉｒｅ")]),
        ("in\u00adcendio in\u200bcendio", [("incendi*", "in\u00adcendio"), ("incendi*", "in\u200bcendio")]),
        ("no fire, not on fire, sin incendio, no hubo un incendio", [("incendi*", "incendio")]),
        ("No hubo incendio. Nunca incendios", []),
        ("", []),
    ],
)  # fmt: skip
def test_terms_are_found_where_people_write_them(text, hits):
    assert found(text) == hits


def test_what_overlaps_with_a_name_does_not_count():
    assert found("incendio on fire", but=[(0, 3)]) == [("on fire", "on fire")]
    assert found("incendio on fire", but=[(8, 9)]) == [("incendi*", "incendio"), ("on fire", "on fire")]


@pytest.mark.parametrize(
    ("written", "words"), [("", "no letter"), ("*", "no letter"), ("ab*", "more letters"), ("a b*", "more letters")]
)
def test_terms_that_say_nothing_are_refused(written, words):
    with pytest.raises(ValueError, match=words):
        term(written)


def test_a_texts_own_language_goes_first_and_all_where_it_has_none():
    lists = {"en": 1, "es": 2}
    assert [languages_for(lang, lists) for lang in ("es", "ES-mx", "pt", None, "und")] == [
        ["es"], ["es"], ["en", "es"], ["en", "es"], ["en", "es"],
    ]  # fmt: skip


TEXTS = st.text(st.characters() | st.sampled_from("on fire#@’\u0301\u200b Incendio"), max_size=200)


@given(text=TEXTS)
def test_every_word_stands_where_it_is_said_to_and_none_overlaps(text):
    end = 0
    for word, (start, stop) in words_of(text):
        assert end <= start < stop <= len(text)
        assert fold(text[start:stop]) == word
        end = stop


@given(before=TEXTS, after=TEXTS)
def test_a_term_between_spaces_is_found_whatever_is_around_it(before, after):
    text = f"{before} (x) on fire {after}"
    place = len(before) + 5
    assert Hit("on fire", (place, place + 7)) in LIST.hits(text)


@given(text=TEXTS)
def test_composed_or_not_the_same_terms_are_found(text):
    terms = [
        sorted(name for name, _ in found(unicodedata.normalize(form, text))) for form in ("NFC", "NFD")
    ]  # fmt: skip
    assert terms[0] == terms[1]
