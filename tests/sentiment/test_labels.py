import pytest

from sentiment.labels import Labeller, Thresholds, Unsure, sides, steps_of_polarity


def stance(*chances: float) -> dict[str, float]:
    return dict(zip(("-2", "-1", "0", "1", "2"), chances, strict=True))


@pytest.mark.parametrize(
    ("chances", "label"),
    [
        ((0.4, 0.3, 0.2, 0.1, 0.0), "detractor"),
        ((0.0, 0.1, 0.2, 0.3, 0.4), "promoter"),
        ((0.1, 0.1, 0.6, 0.1, 0.1), "passive"),
        ((0.25, 0.2, 0.1, 0.2, 0.25), "passive"),
        ((0.25, 0.25, 0.0, 0.25, 0.25), "detractor"),  # at a tie somebody should look
    ],
)
def test_by_the_sides_of_the_distribution(chances: tuple[float, ...], label: str) -> None:
    assert Labeller(Thresholds(), {}).label(stance(*chances), "en") == label


def test_a_language_may_have_its_own_thresholds() -> None:
    stored = {"default": {"promoter": 0.5, "detractor": 0.5}, "es": {"promoter": 0.3, "detractor": 0.5}}
    labeller = Labeller.parse(stored)
    mild = stance(0.1, 0.1, 0.45, 0.25, 0.1)
    assert labeller.label(mild, "en") == "passive"
    assert labeller.label(mild, "es") == "promoter"


@pytest.mark.parametrize("broken", [{}, {"es": {"promoter": 1, "detractor": 1}}, {"default": {"promoter": 0.5}}])
def test_broken_thresholds(broken: dict[str, dict[str, float]]) -> None:
    with pytest.raises(KeyError):
        Labeller.parse(broken)


def test_the_sides_of_a_stance() -> None:
    assert sides(stance(0.125, 0.25, 0.5, 0.0625, 0.0625)) == (0.375, 0.5, 0.125)
    assert sides({"-1": 0.25, "1": 0.75}) == (0.25, 0, 0.75)


@pytest.mark.parametrize(
    ("chances", "unsure"),
    [
        ((0.0, 0.0, 0.6, 0.2, 0.2), False),
        ((0.0, 0.0, 0.4, 0.3, 0.3), False),  # its side reaches 0.6, though none of its steps does
        ((0.2, 0.2, 0.2, 0.2, 0.2), True),
        ((0.2, 0.2, 0.59, 0.0, 0.0), True),
    ],
)
def test_a_stance_is_unsure_when_no_side_is_likely_enough(chances: tuple[float, ...], unsure: bool) -> None:
    assert Unsure(stance=0.6).of_stance(stance(*chances)) is unsure


@pytest.mark.parametrize(("likeliest", "unsure"), [(0.5, False), (0.49, True), (1.0, False)])
def test_a_polarity_is_unsure_when_no_tone_is_likely_enough(likeliest: float, unsure: bool) -> None:
    rest = (1 - likeliest) / 2
    polarity = {"negative": rest, "neutral": likeliest, "positive": rest}
    assert Unsure(polarity=0.5).of_polarity(polarity) is unsure


def test_without_a_least_probability_everything_is_sure() -> None:
    assert not Unsure().of_polarity({"negative": 0.33, "neutral": 0.33, "positive": 0.34})
    assert not Unsure().of_stance(stance(0.2, 0.2, 0.2, 0.2, 0.2))


def test_a_polarity_is_a_stance_of_three_steps() -> None:
    steps = steps_of_polarity({"negative": 0.7, "neutral": 0.2, "positive": 0.1})
    assert Labeller(Thresholds(), {}).label(steps, "und") == "detractor"
