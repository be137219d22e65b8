"""Whole words of other languages: which ones, what they mean, and what they start from."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from training.vocabulary import Glosses, Meanings, choose, count_words, extend

ENGLISH = Counter({"flight": 50, "fly": 2, "dog": 40, "late": 10, "to": 90, "eat": 30, "child": 25})
Make = Callable[..., Glosses]


@pytest.fixture
def make(tokenizer: Tokenizer, tmp_path: Path) -> Make:
    """Glosses of a language from lines of its dictionary."""

    def made(lang: str, *lines: str, pairs: list[tuple[str, str]] | None = None) -> Glosses:
        path = tmp_path / "words.tsv"
        path.write_text("\n".join(lines), encoding="utf-8")
        return Glosses(path, lang, tokenizer, ENGLISH, pairs or [])

    return made


@pytest.fixture
def spanish(make: Make) -> Glosses:
    return make(
        "es",
        "vuelo\tn\tfly|flight\t",
        "perro\tn\tobsolete form of dog|hound|dog\t",
        "perros\tn\t\tperro",
        "tarde\tadv\tlate\t",
        "comer\tv\tto eat\t",
        "niño\tn\tchild\t",
        "nada\tn\tnothing at all in the world\t",
        pairs=[("the flight", "el vuelo"), ("the dog", "el perro")] * 3,
    )


def test_words_are_counted_as_the_tokenizer_sees_them(tokenizer: Tokenizer) -> None:
    assert count_words(tokenizer, ["Año, AÑO!"]) == {"ano": 2, ",": 1, "!": 1}


def test_words_that_english_has_too_are_not_chosen() -> None:
    theirs = Counter(vuelo=10, hotel=10, tarde=5, y=9, rare=1)
    theirs["2x"] = 8
    english = Counter(hotel=10, tarde=1, rest=24)
    assert choose(theirs, english, 5) == ["vuelo", "tarde"]
    assert choose(theirs, english, 1) == ["vuelo"]


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("vuelo", "flight"),  # stands opposite in the sentences
        ("vuelos", "flight"),
        ("perro", "dog"),  # not what the note says, and not the rarer word
        ("perros", "dog"),  # by its lemma
        ("comiendo", "to eat"),  # by an ending
        ("ninos", "child"),  # accents are stripped
        ("tuvo", "had"),  # irregular
        ("nada", None),  # an explanation is no gloss
        ("zzz", None),
    ],
)
def test_the_likeliest_gloss_comes_first(spanish: Glosses, word: str, first: str | None) -> None:
    assert (spanish.of(word) or [None])[0] == first


def test_of_words_that_stand_opposite_as_often_always_the_same_one_is_taken(make: Make) -> None:
    glosses = make("es", pairs=[("late great dog food flight", "zzz")] * 3)
    assert glosses.of("zzz", best=1) == ["dog"]


def test_at_most_so_many_glosses(spanish: Glosses) -> None:
    assert spanish.of("vuelo") == ["flight", "fly"]
    assert spanish.of("vuelo", best=1) == ["flight"]


@pytest.mark.parametrize(
    ("lang", "entry", "inflected"),
    [
        ("de", "fliegen", "fliege"),
        ("fr", "voler", "volait"),
        ("it", "volare", "volavano"),
        ("pt", "viajar", "viajaram"),
    ],
)
def test_other_languages_share_a_stem(make: Make, lang: str, entry: str, inflected: str) -> None:
    assert make(lang, f"{entry}\tv\tto fly\t").of(inflected) == ["to fly"]


def test_spanish_rules_are_for_spanish_only(make: Make) -> None:
    assert make("it", "x\tn\tfly\t").of("tuvo") == []


def test_words_whose_gloss_is_common_may_be_added_unseen(spanish: Glosses) -> None:
    assert spanish.common((), 20) == ["vuelo", "perro", "comer", "nino"]
    assert spanish.common(["perro"], 40) == ["vuelo"]


def test_an_added_word_starts_from_what_it_means(tokenizer: Tokenizer) -> None:
    torch.manual_seed(0)
    table = torch.nn.functional.normalize(torch.randn(tokenizer.get_vocab_size(), 8), dim=1) * 3
    meanings = Meanings(table, tokenizer)

    def embedded(word: str) -> torch.Tensor:
        return table[tokenizer.token_to_id(word)]

    assert torch.allclose(meanings.of(["the late"]), embedded("late"), atol=1e-5)  # `the` says nothing
    assert torch.allclose(meanings.of(["the"]), embedded("the"), atol=1e-5)  # unless it is all there is
    both = embedded("late") + embedded("dog")
    assert torch.allclose(meanings.of(["late", "dog"]), both / both.norm() * 3, atol=1e-5)
    assert meanings.sized(torch.full((8,), 70.0)).norm().item() == pytest.approx(3)


def test_added_words_are_whole_and_come_last(tokenizer: Tokenizer) -> None:
    wider = extend(tokenizer, ["tarde", "canelado"])
    found = wider.encode("Canelado tarde late", add_special_tokens=False)
    assert found.tokens == ["canelado", "tarde", "late"]
    before = tokenizer.get_vocab_size()
    assert found.ids == [before + 1, before, tokenizer.token_to_id("late")]
    assert wider.padding is None
    assert wider.truncation is None
