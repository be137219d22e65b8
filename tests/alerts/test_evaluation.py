import pytest

from alerts.evaluation import evaluate
from alerts.pipeline import notified
from alerts.reasons import Reason
from alerts.rules.detractor import DetractorSettings, judge

SETTINGS = DetractorSettings(grow_at=(2,))


@pytest.fixture
def evaluated(a_mention):
    def run(incidents=(), channels=("log",), disabled=(), **changes):
        return evaluate(a_mention(**changes), incidents, "detractor", judge, SETTINGS, channels, disabled)

    return run


def test_a_mention_that_is_passed_over_touches_no_incident(evaluated, an_incident):
    outcome = evaluated([an_incident()], label="promoter")
    assert outcome.reason is outcome.verdict.reason is Reason.NOT_A_DETRACTOR
    assert outcome.before is outcome.after is outcome.decision is None


def test_the_first_opens_and_is_told(evaluated, an_incident):
    outcome = evaluated()
    assert (outcome.reason, outcome.decision.reason) == (Reason.OPENED_INCIDENT, Reason.INCIDENT_OPENED)
    assert (outcome.before, outcome.after) == (None, notified(an_incident(id=None)))


def test_the_second_joins_and_the_growth_is_told(evaluated, an_incident):
    known = an_incident(notified_count=1)
    outcome = evaluated([known], minute=5)
    assert (outcome.reason, outcome.decision.reason) == (Reason.JOINED_INCIDENT, Reason.INCIDENT_GREW)
    assert outcome.before is known
    assert (outcome.after.id, outcome.after.count, outcome.after.notified_count) == (7, 2, 2)


def test_what_is_held_leaves_the_incident_untold(evaluated):
    outcome = evaluated(disabled=("log",))
    assert outcome.decision.reason is Reason.CHANNEL_DISABLED
    assert outcome.after.notified_count == 0


def test_an_incident_of_another_rule_is_not_joined(evaluated, an_incident):
    assert evaluated([an_incident(rule="reach")]).reason is Reason.OPENED_INCIDENT
