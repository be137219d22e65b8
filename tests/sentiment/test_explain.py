"""Evidence beside a score: with a network that counts, and with the bundled one."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.explain import Evidence, Explanation
from sentiment.occlusion import pieces
from sentiment.scorer import Scorer, Text


def effects(found: Explanation) -> dict[str, float]:
    """The effects by their words."""
    return {span.text: pytest.approx(span.effect) for span in found.spans}


def test_the_words_and_the_score_stand_side_by_side(counting: Any) -> None:
    scorer = Scorer(counting)
    text = Text("so good Acme", "acme", "en")
    found = scorer.explain(text)
    assert [found.score] == scorer.score([text])
    assert (found.text, found.target, found.measure) == (text.text, "acme", "stance")
    assert (found.value, found.baseline) == (2, 0)
    assert found.spans == (Evidence(0, 2, "so", 1, 0.0, 0.0), Evidence(3, 7, "good", 1, 2.0, 1.0))
    assert found.brand == ((8, 12),)
    assert found.read == ((0, 12),)


def test_without_a_brand_it_is_the_polarity(counting: Any) -> None:
    found = Scorer(counting).explain(Text("bad Acme", " ", "en"))
    assert (found.measure, found.target, found.value, found.brand) == ("polarity", None, -1, ())
    assert effects(found) == {"bad": -1, "Acme": 0}


def test_a_model_without_stance_is_explained_by_its_polarity(counting: Any) -> None:
    counting.heads = {"polarity": counting.heads["polarity"]}
    run = counting.run
    counting.run = lambda rows: {"polarity": run(rows)["polarity"]}
    found = Scorer(counting).explain(Text("good Acme", "acme", "en"))
    assert (found.measure, found.value, found.target) == ("polarity", 1, "acme")
    assert effects(found) == {"good": 1}


def test_a_brand_that_is_not_there(counting: Any) -> None:
    found = Scorer(counting).explain(Text("they are good", "acme", "en"))
    assert found.brand == ()
    assert "they" in effects(found)


def test_the_callers_spans_are_the_brand(counting: Any) -> None:
    found = Scorer(counting).explain(Text("they are good", "acme", "en", ((2, 4), (0, 3), (9, 99), (7, 5))))
    assert found.brand == ((0, 4), (9, 13))
    assert effects(found) == {"are": 0}


@pytest.mark.parametrize("text", ["", " \n", "\u200b\x00", "\ud83d"])
def test_nothing_to_read(counting: Any, text: str) -> None:
    found = Scorer(counting).explain(Text(text, "acme"))
    assert (found.value, found.baseline, found.spans, found.read) == (0, 0, (), ())
    assert found.score.label == "passive"


def test_places_are_those_of_the_text_as_given(bundled: Scorer) -> None:
    text = "MAL😡😡  https://x.io/a @someone &amp; #NoVuelvo cafe\u0301 Lumbra"
    found = bundled.explain(Text(text, "lumbra", "es"))
    assert all(span.text == text[span.start : span.end] for span in found.spans)
    told = " ".join(span.text for span in found.spans)
    assert all(word in told for word in ("😡😡", "https://x.io/a", "@someone", "#NoVuelvo", "cafe\u0301"))
    assert [text[start:end] for start, end in found.brand] == ["Lumbra"]


def test_a_long_text_is_explained_where_it_was_read(counting: Any) -> None:
    text = "so " * 50 + "acme good " + "so " * 50
    found = Scorer(counting).explain(Text(text, "Acme", "en"))
    ((start, end),) = found.read
    assert (found.brand, found.value) == (((150, 154),), 2)
    assert len(text[start:end].split()) < 16
    assert all(start <= span.start < span.end <= end for span in found.spans)
    assert found.strongest(1)[0].text == "good"


def test_windows_that_are_averaged_share_the_effect(counting: Any) -> None:
    found = Scorer(counting).explain(Text("so " * 12 + "bad " + "so " * 11, None, "en"))
    assert found.value == pytest.approx(-0.5)
    assert [(span.text, span.effect) for span in found.strongest(9)] == [("bad", pytest.approx(-0.5))]


def test_nothing_that_is_shown_is_longer_than_the_model_reads(counting_class: Any) -> None:
    backend = counting_class(max_length=8)
    Scorer(backend).explain(Text("a-b&c " * 40, None, "en"))
    assert all(max(batch) <= 8 for batch in backend.batches)


WORDS = st.sampled_from(
    [
        "good",
        "bad",
        "Acme",
        "@acme",
        "#AcmeRocks",
        "😡",
        "https://x.io",
        "1,5",
        "a\u202eb",
        "\u200b",
        "\x1b[31m",
        "很好",
        "!!!",
    ]
)


@settings(deadline=None)  # a machine may be busy
@given(
    text=st.lists(WORDS | st.text(max_size=4), max_size=40).map(" ".join),
    target=st.none() | st.just("Acme"),
    spans=st.lists(st.tuples(st.integers(-3, 90), st.integers(-3, 90)), max_size=3),
)
def test_evidence_lies_in_the_text_in_order_and_off_the_brand(
    counting_class: Any, text: str, target: str | None, spans: list[tuple[int, int]]
) -> None:
    scorer = Scorer(counting_class())
    found = scorer.explain(Text(text, target, "en", tuple(spans)))
    edges = [edge for span in found.spans for edge in (span.start, span.end)]
    assert edges == sorted(edges)
    assert all(0 <= span.start < span.end <= len(text) for span in found.spans)
    assert all(span.text == text[span.start : span.end] for span in found.spans)
    assert all(span.end <= start or end <= span.start for span in found.spans for start, end in found.brand)
    moved = any(span.effect for span in found.spans)
    assert sum(span.share for span in found.spans) == pytest.approx(1 if moved else 0)
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["value"] == found.value
    assert found == scorer.explain(Text(text, target, "en", tuple(spans)))


TWO_BRANDS = [
    ("Lumbra is terrible, but Telmira is wonderful", "terrible", "wonderful"),
    ("Lumbra es horrible, pero Telmira es maravillosa", "horrible", "maravillosa"),
]


@pytest.mark.parametrize(("text", "blame", "praise"), TWO_BRANDS)
def test_the_words_about_each_brand(bundled: Scorer, text: str, blame: str, praise: str) -> None:
    against = bundled.explain(Text(text, "Lumbra"))
    (lowest,) = sorted(against.spans, key=lambda span: span.effect)[:1]
    assert blame in lowest.text.split()
    assert lowest.effect < -0.3
    for_it = bundled.explain(Text(text, "Telmira"))
    (highest,) = sorted(for_it.spans, key=lambda span: -span.effect)[:1]
    assert praise in highest.text.split()
    assert highest.effect > 0.3
    assert [text[start:end] for found in (against, for_it) for start, end in found.brand] == ["Lumbra", "Telmira"]


@pytest.mark.parametrize(
    ("text", "target", "words", "sign"),
    [
        ("I love Lumbra so much", "Lumbra", "love", 1),
        ("The worst bank ever is Lumbra", "Lumbra", "worst", -1),
        ("Me encanta Lumbra", "Lumbra", "encanta", 1),
        ("La app de Lumbra es pésima", "Lumbra", "pésima", -1),
        ("What a wonderful day", None, "wonderful", 1),
        ("Qué asco de comida", None, "asco", -1),
    ],
)
def test_clear_cases(bundled: Scorer, text: str, target: str | None, words: str, sign: int) -> None:
    strongest = bundled.explain(Text(text, target)).strongest(1)[0]
    assert words in strongest.text.split()
    assert strongest.effect * sign > 0.2


TEXTS = [
    ("Lumbra cancelled my flight and nobody answers the phone", "Lumbra"),
    ("Waited two hours at the Lumbra counter, what an awful service", "Lumbra"),
    ("The new Lumbra phone is gorgeous and the battery lasts for days", "Lumbra"),
    ("Thanks to the Lumbra team for the quick and friendly help today", "Lumbra"),
    ("Honestly the Lumbra coffee tastes horrible since they changed it", "Lumbra"),
    ("Had a great time at the Lumbra concert with my sister last night", "Lumbra"),
    ("Lumbra lost my bag again and refuses to pay for it", "Lumbra"),
    ("So happy with the shoes that I ordered from Lumbra last week", "Lumbra"),
    ("Lumbra me cobró dos veces y nadie me devuelve el dinero", "Lumbra"),
    ("El servicio de Lumbra es pésimo y la comida llegó fría", "Lumbra"),
    ("Me encanta la nueva tienda de Lumbra en el centro de la ciudad", "Lumbra"),
    ("Gracias a Lumbra por la ayuda tan rápida y amable de hoy", "Lumbra"),
    ("Qué vergüenza lo de Lumbra con los clientes de esta semana", "Lumbra"),
    ("Lumbra tiene los mejores precios y un trato excelente siempre", "Lumbra"),
    ("I hate rainy mondays when the bus is late", None),
    ("What a lovely evening by the sea with old friends", None),
    ("Estoy muy triste porque se canceló el viaje de mañana", None),
    ("Qué alegría volver a ver a toda la familia en casa", None),
]


def test_leaving_out_the_top_words_moves_the_score_more_than_leaving_out_others(bundled: Scorer) -> None:
    dice = random.Random(5)
    top = others = 0.0
    for text, target in TEXTS:
        found = bundled.explain(Text(text, target, "en"))
        chosen = [(span.start, span.end) for span in found.strongest(2)]
        many = sum(span.words for span in found.strongest(2))
        words = [
            word for word in pieces(text, 0, len(text)) if all(word[1] <= a or b <= word[0] for a, b in found.brand)
        ]
        draws = [chosen, *(dice.sample(words, many) for _ in range(4))]
        # Through the ordinary way of scoring, so that the explanation cannot be right only by its own account.
        scores = bundled.score([Text(without(text, draw), target, "en") for draw in draws])
        moved = [abs(value(score) - found.value) for score in scores]
        top += moved[0]
        others += sum(moved[1:]) / len(moved[1:])
    assert top > 2 * others


def without(text: str, spans: list[tuple[int, int]]) -> str:
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return text


def value(score: Any) -> float:
    if score.stance:
        return sum(int(step) * chance for step, chance in score.stance.items())
    return float(score.polarity["positive"] - score.polarity["negative"])
