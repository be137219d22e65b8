"""Mistakes in who is told of what that only show against the rest of escucha.yml: names that nothing there has.

Looks at the file as it stands, so that a mistake in one entry hides no other; what has the wrong shape is passed over,
because that is said elsewhere.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alerts.policy import Policy, Route
from alerts.problems import Place
from alerts.registry import RULES
from alerts.routing import in_words_of

Mistake = tuple[Place, str]


@dataclass(frozen=True, slots=True)
class Names:
    """What there is to be named."""

    brands: Collection[str]
    channels: Collection[str]
    teams: Collection[str]


def mistakes(data: Mapping[Any, Any], brands: Collection[str], channels: Collection[str]) -> Iterator[Mistake]:
    """What is named in ``teams:``, ``routes:`` and ``inhibit:`` and is not there: brands, channels, teams, rules."""
    teams = [team.get("name") for _, team in _entries(data, "teams")]
    names = Names(brands, channels, [name for name in teams if isinstance(name, str)])
    before: set[object] = set()
    for number, team in _entries(data, "teams"):
        if team.get("name") in before:
            yield ("teams", number, "name"), f"the name {team['name']!r} is used twice in teams"
        before.add(team.get("name"))
        yield from _named(("teams", number, "brands"), team.get("brands"), names.brands, "brand")
        yield from _named(("teams", number, "channels"), team.get("channels"), names.channels, "channel")
        digest = _mapping(team.get("digest"))
        yield from _named(("teams", number, "digest", "channels"), digest.get("channels"), names.channels, "channel")
    yield from _routes((), data, names)
    for number, inhibition in _entries(data, "inhibit"):
        for side in ("by", "of"):
            yield from _named(("inhibit", number, side), inhibition.get(side), RULES, "rule")
    yield from _circles(data)


def doubts(policy: Policy, channels: Collection[str]) -> Iterator[str]:
    """What may be meant but probably is not: branches that nothing reaches, teams and channels that get nothing."""
    yield from _unreached(policy.routes)
    if not policy.routes:
        return
    used_teams = {route.team for route in _all(policy.routes)}
    for team in policy.teams:
        if team.name not in used_teams:
            yield f"team {team.name}: no route names it, so it is told of nothing but its digests"
    by_team = {team.name: team.channels or () for team in policy.teams}
    named: set[str] = set()
    for route in _all(policy.routes):
        own = route.channels if route.channels is not None else by_team.get(route.team or "", ())
        named.update(own, *(step.channels for step in route.escalate or ()))
    catches_all = any(_takes_all(route) for route in policy.routes)
    for channel in channels if catches_all and named else ():
        if channel not in named:
            yield f"channel {channel}: no route leads to it, so it gets no alert"


def _routes(place: Place, above: Mapping[Any, Any], names: Names) -> Iterator[Mistake]:
    for number, route in _entries(above, "routes"):
        here: Place = (*place, "routes", number)
        match = _mapping(route.get("match"))
        yield from _named((*here, "match", "brand"), match.get("brand"), names.brands, "brand")
        yield from _named((*here, "match", "rule"), match.get("rule"), RULES, "rule")
        yield from _named((*here, "team"), route.get("team"), names.teams, "team")
        yield from _named((*here, "channels"), route.get("channels"), names.channels, "channel")
        for step, escalation in _entries(route, "escalate"):
            where = (*here, "escalate", step, "channels")
            yield from _named(where, escalation.get("channels"), names.channels, "channel")
        yield from _routes(here, route, names)


def _circles(data: Mapping[Any, Any]) -> Iterator[Mistake]:
    """Rules that hold each other back: as long as both have something open, nobody would be told of either."""
    speaks: dict[str, set[str]] = {}
    for number, entry in _entries(data, "inhibit"):
        by, of = set(_several(entry.get("by"))), set(_several(entry.get("of")))
        for rule in sorted(by):
            # Those on both sides of one entry do not mute each other.
            speaks.setdefault(rule, set()).update(of - by if rule in of else of)
        for rule in sorted(by):
            if rule in _reached(rule, speaks):
                yield ("inhibit", number), f"{rule} would hold itself back by way of others, so nobody might be told"
                return


def _reached(start: str, speaks: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for rule in speaks.get(waiting.pop(), set()) - found:
            found.add(rule)
            waiting.append(rule)
    return found


def _named(where: Place, named: object, known: Collection[str], what: str) -> Iterator[Mistake]:
    if isinstance(named, str):
        if named not in known:
            yield where, _no(what, named, known)
        return
    for number, name in enumerate(named if isinstance(named, list) else ()):
        if isinstance(name, str) and name not in known:
            yield (*where, number), _no(what, name, known)


def _no(what: str, name: str, known: Collection[str]) -> str:
    return f"no {what} is called {name!r}; there are: {', '.join(sorted(known)) or 'none'}"


def _unreached(routes: Collection[Route], above: str = "") -> Iterator[str]:
    taker: str | None = None
    for route in routes:
        words = f"{above}{in_words_of(route.match)}"
        if taker is not None:
            yield f"route {words}: nothing comes to it, because {taker} above takes everything; add go_on: true there"
        elif _takes_all(route) and not route.go_on:
            taker = words
        yield from _unreached(route.routes, f"{words} > ")


def _takes_all(route: Route) -> bool:
    return route.match == type(route.match)()


def _all(routes: Collection[Route]) -> Iterator[Route]:
    for route in routes:
        yield route
        yield from _all(route.routes)


def _entries(data: Mapping[Any, Any], part: str) -> list[tuple[int, Mapping[Any, Any]]]:
    entries = data.get(part)
    found = enumerate(entries) if isinstance(entries, list) else ()
    return [(number, entry) for number, entry in found if isinstance(entry, dict)]


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}


def _several(value: object) -> list[str]:
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [one for one in values if isinstance(one, str)]
