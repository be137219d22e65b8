"""The generator of contrast posts: reproducible, balanced, and every slot filled."""

import re
from collections import Counter

import pytest
from training import contrasts
from training.contrasts import FORMS, LABELS, LANGUAGES, fold, generate, main, patterns, read

MANY = 6000


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return generate(1, MANY)


def by_text(rows: list[dict]) -> dict[str, dict[str, int]]:
    """The label of each brand of each post."""
    posts: dict[str, dict[str, int]] = {}
    for row in rows:
        posts.setdefault(row["text"], {})[row["target"]] = row["label"]
    return posts


def test_a_seed_gives_the_same_rows_and_another_gives_others(rows: list[dict]) -> None:
    assert generate(1, 200) == rows[:200]
    assert generate(2, 200) != rows[:200]


def test_rows_have_the_layout_of_stance_data(rows: list[dict]) -> None:
    assert len(rows) == MANY
    assert all(list(row) == ["text", "target", "lang", "label", "scale", "source"] for row in rows)
    assert {(row["scale"], row["source"]) for row in rows} == {(3, "contrasts")}


def test_liked_and_disliked_are_equally_many(rows: list[dict]) -> None:
    shares = {label: count / MANY for label, count in Counter(row["label"] for row in rows).items()}
    assert abs(shares[1] - shares[-1]) < 0.03
    assert 0.15 < shares[0] < 0.25


def test_languages_have_their_shares(rows: list[dict]) -> None:
    posts = Counter(row["lang"] for row in rows)
    assert all(abs(posts[lang] / MANY - share) < 0.02 for lang, share in LANGUAGES.items())


def test_one_row_in_seven_is_about_a_brand_alone(rows: list[dict]) -> None:
    alone = sum(len(brands) == 1 for brands in by_text(rows).values())
    assert 0.12 < alone / MANY < 0.19


def test_every_brand_is_in_its_text(rows: list[dict]) -> None:
    assert all(fold(row["target"]) in fold(row["text"]) for row in rows)


def test_the_liked_brand_stands_first_as_often_as_last(rows: list[dict]) -> None:
    first = Counter()
    for text, brands in by_text(rows).items():
        if sorted(brands.values()) == [-1, 1]:
            first[brands[min(brands, key=lambda name: fold(text).index(fold(name)))]] += 1
    assert abs(first[1] / (first[1] + first[-1]) - 0.5) < 0.04


def test_a_brand_is_liked_as_often_as_disliked(rows: list[dict]) -> None:
    balance, named = Counter(), Counter()
    for row in rows:
        balance[row["target"]] += row["label"]
        named[row["target"]] += 1
    assert max(abs(balance[name]) for name, _ in named.most_common(150)) <= 4


def test_nothing_is_left_unfilled(rows: list[dict]) -> None:
    assert not [row["text"] for row in rows if re.search(r"[][{}~|]", row["text"])]


def test_hardly_a_row_comes_twice_and_few_are_long(rows: list[dict]) -> None:
    assert len({(row["text"], row["target"]) for row in rows}) > 0.99 * MANY
    assert sum(len(row["text"].split()) > 40 for row in rows) < 0.02 * MANY


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_phrase_has_every_form(lang: str) -> None:
    forms = {"en": ("past", "part", "ing", "base"), "de": ("",)}.get(lang, ("", "inf"))
    assert all(FORMS[lang](text, form) for section in ("v+", "v-") for _, text in read(lang)[section] for form in forms)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_banks_are_rich_enough(lang: str) -> None:
    sections = {name: len(phrases) for name, phrases in read(lang).items()}
    praise, blame, news, clauses = (80, 80, 60, 60) if lang in ("en", "es") else (35, 35, 35, 25)
    assert sum(sections[name] for name in ("v+", "a+", "n+", "s+")) >= praise
    assert sum(sections[name] for name in ("v-", "a-", "n-", "s-")) >= blame
    assert sections["v0"] + sections["s0"] >= news
    assert sections["contrast"] >= clauses


@pytest.mark.parametrize("lang", LANGUAGES)
def test_patterns_name_known_brands_and_sections(lang: str) -> None:
    texts = [text for phrases in read(lang).values() for _, text in phrases]
    assert {letter for text in texts for letter in re.findall(r"\{([A-Z])\}", text)} <= set(LABELS)
    asked = {slot for text in texts for slot in re.findall(r"\[([a-z]+[+0-])", text)}
    assert asked <= set(read(lang))
    assert all(patterns(lang, cast, "air") for cast in contrasts.CASTS)


@pytest.mark.parametrize(
    ("lang", "phrase", "form", "expected"),
    [
        ("en", "never reply", "past", "never replied"),
        ("en", "lose my order", "part", "lost my order"),
        ("en", "hang up on me twice", "ing", "hanging up on me twice"),
        ("es", "no me respondió nunca", "inf", "no responderme nunca"),
        ("es", "me cobró de más otra vez", "inf", "cobrarme de más otra vez"),
        ("pt", "nunca me respondeu", "inf", "nunca me responder"),
        ("fr", "ne m'a jamais présenté d'excuses", "inf", "ne m'avoir jamais présenté d'excuses"),
        ("it", "mi ha salvato la giornata", "inf", "avermi salvato la giornata"),
    ],
)
def test_forms(lang: str, phrase: str, form: str, expected: str) -> None:
    assert FORMS[lang](phrase, form) == expected


def test_what_a_vowel_changes() -> None:
    assert contrasts.elide("parce que Orange et de IKEA", "fr") == "parce qu'Orange et d'IKEA"
    assert contrasts.elide("Vueling y Iberia o Orange", "es") == "Vueling e Iberia u Orange"
    assert contrasts.elide("Nando's's and Ibis's", "en") == "Nando's and Ibis'"


def test_it_prints_rows(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--many", "40", "--lang", "es"])
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(line[4:6] == "es" for line in lines)
