"""The two rules that `alerts.surge` serves; what it finds is tested there."""

from collections.abc import Callable
from datetime import timedelta

from alerts.baseline import HOUR
from alerts.mentions import ScoredMention
from alerts.registry import RULES, read_settings
from alerts.rule import Bucket, Window
from alerts.rules import competitor, spike
from alerts.severity import Severity
from tests.conftest import NOON


def window(a_mention: Callable[..., ScoredMention], mentions: int) -> Window:
    history = [Bucket(NOON - HOUR - n * HOUR, 5, 2) for n in range(1000, 0, -1)]
    recent = [a_mention(id=n, created_at=NOON - timedelta(minutes=1)) for n in range(mentions)]
    return Window(NOON, "Aeroluz", recent=recent, history=history)


def test_a_spike_is_one_assessment_and_far_beyond_critical(a_mention: Callable[..., ScoredMention]) -> None:
    (found,) = spike.assess(window(a_mention, 300), spike.SpikeSettings())

    assert (found.fires, found.severity, found.group) == (True, Severity.CRITICAL, "")


def test_a_competitors_spike_is_never_more_than_for_information(a_mention: Callable[..., ScoredMention]) -> None:
    settings = competitor.CompetitorSettings()
    (found,) = competitor.assess(window(a_mention, 300), settings)

    assert (found.fires, found.severity, settings.severity) == (True, None, Severity.INFO)


def test_one_is_on_for_own_brands_the_other_for_competitors() -> None:
    assert (RULES["spike"].roles, RULES["competitor"].roles) == ({"own"}, {"competitor"})


def test_settings_are_read_in_plain_words() -> None:
    settings = read_settings("spike", {"sensitivity": "low", "lookback": "30m", "at_least": 5, "history": "4w"})

    assert (settings.sensitivity, settings.lookback, settings.history) == (
        "low", timedelta(minutes=30), timedelta(weeks=4),
    )  # fmt: skip
