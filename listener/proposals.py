"""A stricter threshold for a rule that people find too seldom useful, tried on what is stored. Nothing is changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import yaml

from alerts.backtest import Backtest, Found
from alerts.durations import in_words
from alerts.incident import Incident
from alerts.policy import Learning
from alerts.precision import Rated
from alerts.proposing import Changes, Proposal, Trial, ladder, propose
from listener.backtest import Backtester, Told
from listener.store import brands, feedback
from listener.store.engine import Store

FURTHEST = timedelta(days=90)
"""How far back incidents are tried; answers about older ones say little about today."""

LEAST = timedelta(days=28)
"""How much of the past is looked at to say how often the rule would fire."""

_BEFORE = timedelta(days=1)


def proposal(
    store: Store,
    brand: str | None,
    rule: str,
    learning: Learning,
    now: datetime,
    told: Told | None = None,
    *,
    most: int | None = None,
) -> Proposal | None:
    """What to change for a rule of a brand (None: about no single one), tried on the incidents that people spoke of.

    None where the rule has no setting to make stricter, or nothing was said of an incident that the backtest finds
    again. ``told`` hears of the progress; ``most``: mentions, or windows, to look at. Raises
    listener.backtest.BacktestError where it cannot be tried, or would take more.
    """
    with store.reading() as session:
        rated = feedback.rated(session, now - FURTHEST, brand=brand, rule=rule)
        known = feedback.members(session, [one.incident for one in rated])
    if not rated:
        return None
    first = min(known[one.incident][0].opened_at for one in rated)
    tester = Backtester(store, brand, rule, min(first - _BEFORE, now - LEAST), now, most=most)
    in_force = tester.in_force
    steps = ladder(rule, in_force)
    if not steps:
        return None
    results = tester.run([in_force, *(tester.proposed(step) for step in steps)], told)
    # What even the settings in force do not find again (they were others then) says nothing about stricter ones.
    again = [one for one in rated if _there(known[one.incident], results[0])]
    if not again:
        return None
    trials = [_trial(step, result, again, known) for step, result in zip([{}, *steps], results, strict=True)]
    return propose(brand, rule, trials[0], trials[1:], learning)


def as_yaml(store: Store, found: Proposal) -> str:
    """What to paste into escucha.yml: all that is to stand there for the rule. Empty where there is nothing to change,
    or no brand to write it under."""
    if found.chosen is None or found.brand is None:
        return ""
    with store.reading() as session:
        brand = brands.brand_named(session, found.brand)
    said = None if brand is None else brand.alerting.get(found.rule)
    changes = {name: written(value) for name, value in found.chosen.changes.items()}
    settings = {**(said if isinstance(said, Mapping) else {}), **changes}
    entry = {"name": found.brand, "alerts": {found.rule: settings}}
    return yaml.safe_dump({"brands": [entry]}, sort_keys=False, allow_unicode=True)


def written(value: object) -> object:
    """A setting as it stands in escucha.yml."""
    return in_words(value) if isinstance(value, timedelta) else value


def _trial(
    changes: Changes, result: Backtest, rated: Sequence[Rated], known: Mapping[int, tuple[Incident, frozenset[int]]]
) -> Trial:
    there = [one.verdict for one in rated if _there(known[one.incident], result)]
    return Trial(changes, there.count(True), there.count(False), result.rate)


def _there(one: tuple[Incident, frozenset[int]], result: Backtest) -> bool:
    """Whether people would have been told of it all the same."""
    return any(_same(*one, found) for found in result.told)


def _same(incident: Incident, members: frozenset[int], found: Found) -> bool:
    if members and found.members:
        return not members.isdisjoint(found.members)
    other = found.incident
    overlap = incident.opened_at <= other.last_at and other.opened_at <= incident.last_at
    return incident.group == other.group and overlap
