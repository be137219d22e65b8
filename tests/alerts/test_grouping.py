from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.evaluation import Outcome, evaluate
from alerts.grouping import group_of, horizon, join, open_incident, place, repeated
from alerts.incident import Incident
from alerts.rules.detractor import DetractorSettings, judge
from alerts.severity import Severity

WINDOW = timedelta(hours=4)
STREAMS = st.lists(
    st.tuples(
        st.integers(min_value=0, max_value=1500),  # minute written
        st.sampled_from(["Aeroluz", "Nimbus"]),
        st.booleans(),  # a detractor
        st.one_of(st.none(), st.integers(min_value=0, max_value=100)),  # reach
    ),
    max_size=40,
)


def test_the_window_is_half_open(a_mention, an_incident):
    incident = an_incident()
    assert place(a_mention(0), [incident], WINDOW) is incident
    assert place(a_mention(239), [incident], WINDOW) is incident
    assert place(a_mention(240), [incident], WINDOW) is None


def test_a_late_mention_joins_instead_of_opening_an_overlapping_incident(a_mention, an_incident):
    incident = an_incident()
    assert place(a_mention(-239), [incident], WINDOW) is incident
    assert place(a_mention(-240), [incident], WINDOW) is None


def test_the_holding_window_wins_over_a_nearer_later_one(a_mention, an_incident, noon):
    first = an_incident(id=1)
    second = an_incident(id=2, opened_at=noon + timedelta(hours=4))
    for incidents in ([first, second], [second, first]):
        assert place(a_mention(239), incidents, WINDOW) is first


def test_between_two_incidents_a_mention_is_late_for_the_second(a_mention, an_incident, noon):
    first = an_incident(id=1)
    second = an_incident(id=2, opened_at=noon + timedelta(hours=6))
    assert place(a_mention(300), [first, second], WINDOW) is second


def test_other_brands_and_rules_are_passed_over(a_mention, an_incident):
    assert place(a_mention(brand="Nimbus"), [an_incident()], WINDOW) is None
    assert place(a_mention(), [an_incident(rule="reach")], WINDOW, rule="detractor") is None


def test_joining_counts_and_never_moves_the_anchor(a_mention, an_incident, noon):
    grown = join(join(an_incident(reach=5), a_mention(30, reach=10)), a_mention(-30, reach=None))
    assert (grown.count, grown.reach, grown.opened_at, grown.last_at) == (3, 15, noon, noon + timedelta(minutes=30))


def test_an_incident_shows_what_the_last_mention_was_found_for_and_the_worst_of_all(a_mention, an_incident):
    incident = an_incident(severity=Severity.INFO, because="old", languages=frozenset({"en"}))
    grown = join(incident, a_mention(source="x", lang="es"), "new", Severity.WARNING)
    assert (grown.because, grown.severity, grown.version) == ("new", Severity.WARNING, 2)
    assert (grown.platforms, grown.languages) == ({"x"}, {"en", "es"})
    assert join(grown, a_mention(), "", Severity.INFO).severity is Severity.WARNING


def test_a_copy_adds_reach_and_is_no_mention_more(a_mention, an_incident):
    repeats = repeated(an_incident(reach=5), a_mention(30, reach=10, source="x"))
    assert (repeats.count, repeats.reach, repeats.platforms, repeats.version) == (1, 15, {"x"}, 2)
    assert repeats.last_at == an_incident().last_at


def test_opening(a_mention, noon):
    assert open_incident(a_mention(reach=None), "detractor", "g", "why", Severity.CRITICAL) == Incident(
        None, "Aeroluz", "detractor", noon, noon, count=1, reach=0, group="g", because="why",
        severity=Severity.CRITICAL, platforms=frozenset({"hackernews"}),
    )  # fmt: skip


def test_groups_are_named_by_what_they_are_kept_apart_by(a_mention):
    mention = a_mention(source="x", lang="es", author="ana")
    assert group_of(mention, ()) == ""
    assert group_of(mention, ("platform", "language", "author")) == "x/es/ana"
    assert group_of(a_mention(), ("language", "author")) == "und/"


def test_horizon_spans_every_incident_that_matters(a_mention, noon):
    start, end = horizon([a_mention(10), a_mention(0)], WINDOW)
    assert (start, end) == (noon - WINDOW, noon + timedelta(minutes=10) + WINDOW)


def test_horizon_survives_the_ends_of_time(a_mention, noon):
    first = a_mention(created_at=noon.replace(year=1, month=1, day=1))
    last = a_mention(created_at=noon.replace(year=9999, month=12, day=31, hour=23))
    start, end = horizon([first, last], WINDOW)
    assert start < first.created_at
    assert end > last.created_at


def test_horizon_of_nothing(noon):
    with pytest.raises(ValueError, match="at least one"):
        horizon([], WINDOW)


def replay(mentions, batches) -> tuple[list[Incident], list[Outcome]]:
    """Evaluate in batches as a worker does: each starts by loading from the store what its horizon asks for."""
    stored: list[Incident] = []
    outcomes = []
    rest = list(mentions)
    rules = DetractorSettings(grow_at=(2, 4))
    for length in [*batches, len(rest)]:
        batch, rest = rest[:length], rest[length:]
        if not batch:
            continue
        start, end = horizon(batch, rules.window)
        loaded = [incident for incident in reversed(stored) if start < incident.opened_at < end]
        for mention in batch:
            outcome = evaluate(mention, loaded, "detractor", judge, rules, mention.collected_at)
            outcomes.append(outcome)
            for rows in (loaded, stored):
                if outcome.before is not None:
                    rows.remove(outcome.before)
                if outcome.after is not None:
                    rows.append(outcome.after)
    return sorted(stored, key=lambda incident: (incident.brand, incident.opened_at)), outcomes


@settings(deadline=None)
@given(stream=STREAMS, batches=st.lists(st.integers(min_value=1, max_value=9), max_size=12))
def test_batches_change_nothing(a_mention, stream, batches):
    mentions = [
        a_mention(minute, id=number, brand=brand, label="detractor" if against else "passive", reach=reach)
        for number, (minute, brand, against, reach) in enumerate(stream)
    ]
    incidents, outcomes = replay(mentions, [])
    assert replay(mentions, batches) == (incidents, outcomes)
    assert sum(incident.count for incident in incidents) == sum(against for _, _, against, _ in stream)
    for one, next_one in pairwise(incidents):
        if one.brand == next_one.brand:
            assert next_one.opened_at - one.opened_at >= WINDOW
