"""The routing tree: who an incident goes to, and what holds on the way."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.incident import Incident
from alerts.policy import DEFAULT_INTERVAL, DEFAULT_REPEAT, Match, Policy, Route
from alerts.reasons import Reason
from alerts.routing import Leaf, in_words_of, labels_of, matches, route, settings_in_words
from alerts.severity import Severity

Make = Callable[..., Incident]
ALL = ("bot", "log", "mail", "boss")


def policy(*routes: dict[str, Any], teams: Sequence[dict[str, Any]] = ()) -> Policy:
    return Policy.model_validate({"routes": list(routes), "teams": list(teams)})


def channels(incident: Incident, rules: Policy, limit: Sequence[str] | None = None) -> list[str]:
    return list(route(incident, rules, limit, ALL).by_channel)


def test_without_routes_all_channels_of_the_brand_are_told(an_incident: Make) -> None:
    found = route(an_incident(), Policy(), ("log", "gone", "bot"), ALL)
    assert list(found.by_channel) == ["bot", "log"]
    assert found.leaves == (Leaf(channels=("bot", "log")),)
    assert (found.reason, found.team) == (None, None)
    assert (found.leaves[0].interval, found.leaves[0].repeat) == (DEFAULT_INTERVAL, DEFAULT_REPEAT)


def test_without_routes_each_team_gets_the_incidents_of_its_brands(an_incident: Make) -> None:
    rules = policy(
        teams=[
            {"name": "care", "brands": ["Aeroluz"], "channels": ["bot"]},
            {"name": "pr", "channels": ["mail"]},
            {"name": "rail", "brands": ["Nubia"], "channels": ["boss"]},
        ]
    )
    found = route(an_incident(), rules, None, ALL)
    assert {channel: leaf.team for channel, leaf in found.by_channel.items()} == {"bot": "care", "mail": "pr"}
    assert found.team == "care"


def test_what_no_route_takes_goes_to_all(an_incident: Make) -> None:
    rules = policy({"match": {"brand": "Nubia"}, "channels": ["mail"]})
    assert channels(an_incident(), rules) == list(ALL)


def test_the_first_that_matches_takes_it_and_with_go_on_the_next_too(an_incident: Make) -> None:
    first, second = {"channels": ["bot"]}, {"channels": ["mail"]}
    assert channels(an_incident(), policy(first, second)) == ["bot"]
    assert channels(an_incident(), policy(first | {"go_on": True}, second)) == ["bot", "mail"]
    assert channels(an_incident(rule="spike"), policy({"match": {"rule": "crisis"}} | first, second)) == ["mail"]


def test_go_on_stays_within_its_level(an_incident: Make) -> None:
    inner = {"channels": ["mail"], "go_on": True}
    rules = policy({"routes": [inner, {"match": {"rule": "spike"}, "channels": ["boss"]}]}, {"channels": ["bot"]})
    assert channels(an_incident(), rules) == ["mail"]


def test_a_branch_without_a_matching_one_below_is_the_end_itself(an_incident: Make) -> None:
    rules = policy({"channels": ["bot"], "routes": [{"match": {"severity": "critical"}, "channels": ["boss"]}]})
    assert channels(an_incident(), rules) == ["bot"]
    assert channels(an_incident(severity=Severity.CRITICAL), rules) == ["boss"]


def test_what_a_branch_leaves_out_is_as_above_it(an_incident: Make) -> None:
    rules = policy(
        {
            "team": "care", "channels": ["bot"], "interval": "1h", "repeat": "0s",
            "escalate": [{"after": "15m", "channels": ["boss"]}],
            "routes": [{"wait": "2m", "repeat": "4h"}],
        }
    )  # fmt: skip
    (leaf,) = route(an_incident(), rules, None, ALL).leaves
    assert (leaf.team, leaf.channels, leaf.wait, leaf.interval, leaf.repeat) == (
        "care", ("bot",), timedelta(minutes=2), timedelta(hours=1), timedelta(hours=4),
    )  # fmt: skip
    assert [step.channels for step in leaf.escalate] == [("boss",)]
    assert settings_in_words(leaf) == "wait 2m, interval 1h, repeat 4h"
    assert leaf.way == ("any", "any")


def test_a_branch_can_do_without_what_is_above_it(an_incident: Make) -> None:
    above = {"channels": ["bot"], "escalate": [{"after": "15m", "channels": ["boss"]}], "repeat": "1h"}
    rules = policy(above | {"routes": [{"escalate": [], "repeat": "0s", "channels": []}]})
    (leaf,) = route(an_incident(), rules, None, ALL).leaves
    assert (leaf.escalate, leaf.repeat, leaf.channels) == ((), timedelta(0), ())
    assert settings_in_words(leaf) == "wait 0s, interval 5m, repeat never"


def test_a_team_that_is_named_below_sends_to_its_own_channels(an_incident: Make) -> None:
    teams = [{"name": "care", "channels": ["bot"]}, {"name": "pr", "channels": ["mail"]}, {"name": "all"}]
    assert channels(an_incident(), policy({"team": "care"}, teams=teams)) == ["bot"]
    below = {"channels": ["log"], "routes": [{"team": "pr"}]}
    assert channels(an_incident(), policy(below, teams=teams)) == ["mail"]
    assert channels(an_incident(), policy({"team": "pr", "channels": ["log"]}, teams=teams)) == ["log"]
    assert channels(an_incident(), policy({"team": "all"}, teams=teams)) == list(ALL)


def test_of_several_ways_to_a_channel_the_first_holds(an_incident: Make) -> None:
    rules = policy({"channels": ["bot"], "wait": "1m", "go_on": True}, {"channels": ["bot", "log"], "wait": "9m"})
    found = route(an_incident(), rules, None, ALL).by_channel
    assert {name: leaf.wait for name, leaf in found.items()} == {
        "bot": timedelta(minutes=1), "log": timedelta(minutes=9),
    }  # fmt: skip


def test_a_brand_s_channels_are_a_limit_for_routes_and_escalations_and_it_is_told_what_was_left_out(
    an_incident: Make,
) -> None:
    rules = policy({"channels": ["bot", "fax"], "escalate": [{"after": "15m", "channels": ["boss", "bot"]}]})
    found = route(an_incident(), rules, ("bot",), ALL)
    assert found.leaves[0].channels == ("bot",)
    assert found.leaves[0].escalate[0].channels == ("bot",)
    assert found.left_out == {
        "fax": "there is no such channel here", "boss": "the brand is limited to other channels",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "limit", "there", "reason"),
    [
        ({"channels": []}, None, ALL, Reason.NO_ROUTE), ({"channels": ["bot"]}, ("log",), ALL, Reason.NO_ROUTE),
        ({"channels": ["bot"]}, (), ALL, Reason.NO_CHANNEL), ({"channels": ["bot"]}, None, (), Reason.NO_CHANNEL),
        ({"channels": ["bot"]}, None, ALL, None),
    ],
)  # fmt: skip
def test_where_nobody_is_told_there_is_a_reason(
    an_incident: Make, rules: dict[str, Any], limit: Any, there: tuple[str, ...], reason: Reason | None
) -> None:
    assert route(an_incident(), policy(rules), limit, there).reason is reason


@pytest.mark.parametrize(
    ("match", "takes"),
    [
        ({}, True), ({"brand": "Aeroluz"}, True), ({"brand": ["Nubia", "Aeroluz"]}, True), ({"brand": "Nubia"}, False),
        ({"rule": "detractor"}, True), ({"rule": ["spike"]}, False), ({"severity": "info"}, True),
        ({"severity": "warning"}, True), ({"severity": "critical"}, False), ({"language": "es"}, True),
        ({"language": ["en", "fr"]}, False), ({"platform": ["x", "reddit"]}, True), ({"platform": "rss"}, False),
        ({"min_reach": 500}, True), ({"min_reach": 501}, False), ({"brand": "Aeroluz", "platform": "rss"}, False),
    ],
)  # fmt: skip
def test_a_branch_takes_what_is_as_it_asks(an_incident: Make, match: dict[str, Any], takes: bool) -> None:
    incident = an_incident(languages=frozenset({"es", "pt"}), platforms=frozenset({"x"}), reach=500)
    assert matches(Match.model_validate(match), incident) is takes


def test_what_is_about_no_brand_is_of_none(an_incident: Make) -> None:
    incident = an_incident(brand=None, rule="coverage")
    assert labels_of(incident)["brand"] == frozenset()
    assert not matches(Match(brand=("Aeroluz",)), incident)
    assert matches(Match(), incident)


def test_a_branch_in_words() -> None:
    match = Match.model_validate({"brand": ["A", "B"], "severity": "critical", "platform": "x", "min_reach": 1000})
    assert in_words_of(match) == "brand A or B, platform x, severity from critical, reach from 1,000"
    assert in_words_of(Match()) == "any"


labels = {"rule": ["detractor", "spike"], "brand": ["Aeroluz", "Nubia"], "platform": ["x", "rss"]}
matching = st.fixed_dictionaries(
    {}, optional={name: st.lists(st.sampled_from(values), max_size=2) for name, values in labels.items()}
)
trees: st.SearchStrategy[Route] = st.recursive(
    st.builds(
        lambda match, names, go_on: Route(match=Match.model_validate(match), channels=names, go_on=go_on),
        matching, st.none() | st.lists(st.sampled_from(ALL), max_size=2).map(tuple), st.booleans(),
    ),
    lambda below: st.builds(
        lambda match, routes, go_on: Route(match=Match.model_validate(match), routes=routes, go_on=go_on),
        matching, st.lists(below, max_size=3).map(tuple), st.booleans(),
    ),
    max_leaves=8,
)  # fmt: skip


@settings(deadline=None, max_examples=25)
@given(routes=st.lists(trees, max_size=3).map(tuple), rule=st.sampled_from(labels["rule"]))
def test_every_incident_ends_somewhere_and_there_only_by_branches_that_take_it(
    an_incident: Make, routes: tuple[Route, ...], rule: str
) -> None:
    incident = an_incident(rule=rule, platforms=frozenset({"x"}))
    found = route(incident, Policy(routes=routes), None, ALL)
    assert found.leaves
    assert set(found.by_channel) <= set(ALL)
    assert (found.reason is None) == bool(found.by_channel)

    def ends(branches: Sequence[Route]) -> int:
        """Counted as Alertmanager walks: what matches, and the node itself where nothing below it does."""
        total = 0
        for branch in branches:
            if matches(branch.match, incident):
                total += ends(branch.routes) or 1
                if not branch.go_on:
                    break
        return total

    assert len(found.leaves) == (ends(routes) or 1)
