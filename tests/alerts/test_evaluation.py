import pytest

from alerts.evaluation import evaluate
from alerts.incident import State
from alerts.life import EventKind, resolve
from alerts.reasons import Reason
from alerts.rules.detractor import DetractorSettings, judge
from alerts.severity import Severity


@pytest.fixture
def evaluated(a_mention, noon):
    def run(incidents=(), settings=None, **changes):
        settings = settings or DetractorSettings(grow_at=(2,))
        return evaluate(a_mention(**changes), incidents, "detractor", judge, settings, noon)

    return run


def kinds(outcome):
    return [event.kind for event in outcome.events]


def test_a_mention_that_is_passed_over_touches_no_incident(evaluated, an_incident):
    outcome = evaluated([an_incident()], label="promoter")
    assert outcome.reason is outcome.verdict.reason is Reason.NOT_A_DETRACTOR
    assert outcome.before is outcome.after is None
    assert outcome.events == ()


def test_the_first_opens_an_incident_that_says_why(evaluated, an_incident, noon):
    outcome = evaluated(lang="es", reach=7)
    assert (outcome.reason, kinds(outcome)) == (Reason.OPENED_INCIDENT, [EventKind.OPENED])
    assert outcome.before is None
    because = "90% likely a detractor (alerts from 60%), reach 7"
    assert outcome.after == an_incident(
        id=None, reach=7, because=because, platforms=frozenset({"hackernews"}), languages=frozenset({"es"})
    )
    assert outcome.events[0].detail == {"because": because}


def test_the_second_joins_and_the_growth_is_noted(evaluated, an_incident):
    known = an_incident()
    outcome = evaluated([known], minute=5)
    assert (outcome.reason, kinds(outcome)) == (Reason.JOINED_INCIDENT, [EventKind.GREW])
    assert outcome.before is known
    assert (outcome.after.id, outcome.after.count, outcome.after.version) == (7, 2, 2)
    assert kinds(evaluated([outcome.after], minute=6)) == []


def test_an_incident_of_another_rule_or_group_is_not_joined(evaluated, an_incident):
    assert evaluated([an_incident(rule="reach")]).reason is Reason.OPENED_INCIDENT
    apart = DetractorSettings(group_by=("platform",))
    assert evaluated([an_incident()], apart).after.group == "hackernews"
    assert evaluated([an_incident(group="hackernews")], apart).reason is Reason.JOINED_INCIDENT


def test_a_resolved_incident_is_opened_again_by_what_joins_it(evaluated, an_incident, noon):
    over, _ = resolve(an_incident(), "ana", noon)
    outcome = evaluated([over])
    assert kinds(outcome) == [EventKind.REOPENED, EventKind.GREW]
    assert (outcome.after.state, outcome.after.reopened, outcome.after.count) == (State.OPEN, 1, 2)


def test_the_worst_mention_gives_an_incident_its_severity(evaluated, an_incident):
    critical = evaluated([an_incident()], reach=500_000).after
    assert critical.severity is Severity.CRITICAL
    assert evaluated([critical]).after.severity is Severity.CRITICAL
    assert evaluated(settings=DetractorSettings(severity=Severity.INFO)).after.severity is Severity.INFO
