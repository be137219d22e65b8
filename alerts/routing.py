"""Which channels an incident goes to: a tree of routes as Alertmanager has it, walked depth first. Pure.

An incident enters at the root, which takes everything. On each level the first branch that matches takes it further
down, and with `go_on` those after it are looked at too; where no branch matches, the node itself is the end of the way.
What a branch leaves out is as above it. https://prometheus.io/docs/alerting/latest/configuration/#route
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from alerts.durations import in_words
from alerts.incident import Incident
from alerts.policy import DEFAULT_INTERVAL, DEFAULT_REPEAT, DEFAULT_WAIT, Match, Policy, Route, Step
from alerts.reasons import Reason

ROOT = "every incident"
"""What the way to the root is called."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """The end of a way through the tree, with what holds there.

    `way` names the branches in words, for people. `named` are the channels that the way leads to, None = all;
    `channels` are those of them that exist and that the brand allows. `team` is a name.
    """

    way: tuple[str, ...] = ()
    team: str | None = None
    named: tuple[str, ...] | None = None
    channels: tuple[str, ...] = ()
    wait: timedelta = DEFAULT_WAIT
    interval: timedelta = DEFAULT_INTERVAL
    repeat: timedelta = DEFAULT_REPEAT
    escalate: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where an incident goes. `leaves` are in the order of the file; `reason` says why there is no channel at all.

    `left_out`: channels that a route names and that the incident does not go to, each with why, in words.
    """

    leaves: tuple[Leaf, ...]
    reason: Reason | None = None
    left_out: Mapping[str, str] | None = None

    @property
    def team(self) -> str | None:
        """The team whose incident it is: the first that a route names."""
        return next((leaf.team for leaf in self.leaves if leaf.team is not None), None)

    @property
    def by_channel(self) -> dict[str, Leaf]:
        """Each channel with what holds there; where several ways lead to one, the first does."""
        found: dict[str, Leaf] = {}
        for leaf in self.leaves:
            for channel in leaf.channels:
                found.setdefault(channel, leaf)
        return found


def labels_of(incident: Incident) -> dict[str, frozenset[str]]:
    """What routes, silences and inhibitions may ask of an incident; a label may have several values, or none."""
    return {
        "brand": frozenset() if incident.brand is None else frozenset({incident.brand}),
        "rule": frozenset({incident.rule}),
        "severity": frozenset({incident.severity.value}),
        "language": incident.languages,
        "platform": incident.platforms,
    }


def matches(match: Match, incident: Incident) -> bool:
    """Whether the incident is as asked; every label that is named counts, and of its values any one will do."""
    labels = labels_of(incident)
    return (
        all(
            not wanted or not labels[label].isdisjoint(wanted)
            for label in ("brand", "rule", "language", "platform")
            for wanted in [getattr(match, label)]
        )
        and (match.severity is None or incident.severity.at_least(match.severity))
        and incident.reach >= match.min_reach
    )


def route(
    incident: Incident, policy: Policy, brand_channels: Sequence[str] | None, all_channels: Sequence[str]
) -> Destinations:
    """The channels an incident goes to, with what holds on the way.

    `brand_channels`: those that the brand is limited to, None = not limited; `all_channels`: those set up here. Where a
    route names no channels its team's are meant, and where that has none all of the brand's. Without `routes:` each
    team gets the incidents of its brands.
    """
    teams = {team.name: team for team in policy.teams}
    allowed = [name for name in dict.fromkeys(all_channels) if brand_channels is None or name in brand_channels]
    left_out: dict[str, str] = {}
    leaves = []
    for leaf in _walk(incident, Leaf(), _branches(policy), {team.name: team.channels for team in teams.values()}):
        for name in (*(leaf.named or ()), *(name for step in leaf.escalate for name in step.channels)):
            if name not in all_channels:
                left_out[name] = "there is no such channel here"
            elif name not in allowed:
                left_out[name] = "the brand is limited to other channels"
        channels = allowed if leaf.named is None else [name for name in dict.fromkeys(leaf.named) if name in allowed]
        steps = tuple(
            step.model_copy(update={"channels": tuple(name for name in step.channels if name in allowed)})
            for step in leaf.escalate
        )
        leaves.append(replace(leaf, channels=tuple(channels), escalate=steps))
    reason = None
    if not any(leaf.channels for leaf in leaves):
        reason = Reason.NO_ROUTE if allowed else Reason.NO_CHANNEL
    return Destinations(tuple(leaves), reason, left_out)


def in_words_of(match: Match) -> str:
    """What a branch asks for, on one line: `brand Nubia or Aeroluz, severity from critical`."""
    parts = [
        f"{label} {' or '.join(wanted)}"
        for label in ("brand", "rule", "language", "platform")
        if (wanted := getattr(match, label))
    ]
    if match.severity is not None:
        parts.append(f"severity from {match.severity.value}")
    if match.min_reach:
        parts.append(f"reach from {match.min_reach:,}")
    return ", ".join(parts) or "any"


def settings_in_words(leaf: Leaf) -> str:
    """How often people are told at the end of a way: `wait 0s, interval 5m, repeat 1d`."""
    repeat = in_words(leaf.repeat) if leaf.repeat else "never"
    return f"wait {in_words(leaf.wait)}, interval {in_words(leaf.interval)}, repeat {repeat}"


def _branches(policy: Policy) -> Sequence[Route]:
    if policy.routes:
        return policy.routes
    return [Route(match=Match(brand=team.brands or ()), team=team.name, go_on=True) for team in policy.teams]


def _walk(
    incident: Incident, above: Leaf, branches: Sequence[Route], channels_of: Mapping[str, tuple[str, ...] | None]
) -> Iterator[Leaf]:
    taken = False
    for branch in branches:
        if not matches(branch.match, incident):
            continue
        taken = True
        yield from _walk(incident, _inherited(above, branch, channels_of), branch.routes, channels_of)
        if not branch.go_on:
            break
    if not taken:
        yield above


def _inherited(above: Leaf, branch: Route, channels_of: Mapping[str, tuple[str, ...] | None]) -> Leaf:
    said = {name: getattr(branch, name) for name in ("team", "wait", "interval", "repeat", "escalate")}
    # The nearest word counts: a team that is named here sends its messages to its own channels, not to those above.
    named = branch.channels
    if named is None and branch.team is not None:
        named = channels_of.get(branch.team)
    return replace(
        above,
        way=(*above.way, in_words_of(branch.match)),
        named=above.named if named is None else named,
        **{name: value for name, value in said.items() if value is not None},
    )
