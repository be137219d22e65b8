"""A backtest over a time is what the jobs did in that time; what it does not know it says or leaves out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts import registry
from alerts.backtest import Backtest
from alerts.reasons import Reason
from alerts.rule import Assessment, Window, WindowRule, WindowSettings
from listener.backtest import Backtester
from listener.jobs.alert import judge_batch
from listener.jobs.windows import evaluate_due
from listener.store.engine import Store
from listener.store.tables import Alert, AlertMention, MentionBrand
from tests.conftest import NOON, Clock
from tests.listener.conftest import Site, item

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TEXTS = ("Aeroluz", "Aeroluz lost my bag again, and nobody at the desk at gate twelve could say where it went")


class Fresh:
    """Migrated SQLite files, as many as are asked for."""

    def __init__(self, template: Path, folder: Path) -> None:
        self._template, self._folder, self._made = template.read_bytes(), folder, 0

    def __call__(self) -> Site:
        self._made += 1
        path = self._folder / f"{self._made}.db"
        path.write_bytes(self._template)
        site = Site(Store(f"sqlite:///{path}"), Clock())
        site.source()
        return site


@pytest.fixture
def fresh(_sqlite_template: Path, tmp_path: Path) -> Fresh:
    return Fresh(_sqlite_template, tmp_path)


def tried(site: Site, rule: str = "detractor", *, days: float = 30, **changes: Any) -> Backtest:
    tester = Backtester(site.store, "Aeroluz", rule, site.clock() - days * DAY, site.clock())
    (found,) = tester.run([tester.proposed(changes)])
    return found


def live(site: Site, rule: str) -> list[tuple[Any, ...]]:
    """The incidents that the jobs made, without the ids that the database chose."""
    members: dict[int, set[int]] = {}
    for row in site.rows(AlertMention):
        members.setdefault(row.alert_id, set()).add(row.mention_brand_id)
    return sorted(
        (row.opened_at, row.group_key, row.last_at, row.count, row.reach, row.severity, row.because, row.platforms,
         row.languages, sorted(members.get(row.id or 0, ())))
        for row in site.rows(Alert)
        if row.rule == rule
    )  # fmt: skip


def replayed(found: Backtest) -> list[tuple[Any, ...]]:
    return sorted(
        (one.incident.opened_at, one.incident.group, one.incident.last_at, one.incident.count, one.incident.reach,
         one.incident.severity.value, one.incident.because, sorted(one.incident.platforms),
         sorted(one.incident.languages), sorted(one.members))
        for one in found.found
    )  # fmt: skip


SAID = st.lists(
    st.tuples(
        st.integers(-3 * 24 * 60, 0), st.sampled_from(["detractor", "detractor", "passive"]), st.integers(0, 1),
        st.integers(0, 50), st.sampled_from(["rss", "reddit"]), st.sampled_from(["en", "es", None]),
    ),
    max_size=40,
)  # fmt: skip
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "window": st.sampled_from(["30m", "4h", "1d"]),
        "group_by": st.sampled_from([["platform"], ["platform", "language"]]),
        "min_reach": st.sampled_from([0, 20]),
        "when": st.sampled_from(["lost", "lang:es", "-lost"]),
        "max_age": st.sampled_from(["12h", "7d"]),
    },
)


@given(said=SAID, rule=SETTINGS, batch=st.integers(1, 50))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_mention_rule_would_have_done_is_what_it_did(
    fresh: Fresh, said: list[tuple[Any, ...]], rule: dict[str, Any], batch: int
) -> None:
    site = fresh()
    site.brand(alerting={"detractor": rule})
    site.take(
        *(
            item(f"{place}", TEXTS[text], minute=minute, reach=reach, kind=kind, lang=lang)
            for place, (minute, _, text, reach, kind, lang) in enumerate(said)
        )
    )
    site.score({pair.id: said[pair.mention_id - 1][1] for pair in site.rows(MentionBrand) if pair.id})
    site.clock.advance(minutes=1)
    while judge_batch(site.store, site.clock(), batch):
        pass

    found = tried(site)

    assert replayed(found) == live(site, "detractor")
    assert sum(found.reasons.values()) == len(said)
    site.store.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class BusySettings(WindowSettings):
    """Fires from so many on."""

    least: int = 3


def busy(window: Window, settings: BusySettings) -> Sequence[Assessment]:
    """One group for each platform, so that several may fire at once, and none where nothing is said."""
    found = []
    for kind in sorted({one.source for one in window.recent}):
        here = [one.id for one in window.recent if one.source == kind]
        fires = len(here) >= settings.least
        reason = Reason.WINDOW_FIRES if fires else Reason.WINDOW_QUIET
        found.append(Assessment(fires, reason, f"{len(here)} said", group=kind, mentions=tuple(here)))
    return found


@given(
    said=st.lists(st.tuples(st.integers(-600, -1), st.integers(0, 9), st.sampled_from(["rss", "reddit"])), max_size=40),
    least=st.integers(1, 4),
    wakes=st.lists(st.integers(1, 50), min_size=1, max_size=6),
)
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_window_rule_would_have_done_is_what_it_did(
    fresh: Fresh, said: list[tuple[int, int, str]], least: int, wakes: list[int]
) -> None:
    rule = WindowRule(BusySettings, busy, "much is said", needs=frozenset({"recent"}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.RULES, "busy", rule)  # type: ignore[arg-type]
        site = fresh()
        site.clock.now = NOON - 10 * HOUR
        site.brand(alerting={"busy": {"least": least, "every": "10m", "lookback": "20m"}})
        evaluate_due(site.store, site.clock())
        site.clock.now = NOON
        site.take(
            *(
                item(f"{place}", f"Aeroluz {place}", minute=minute, reach=reach, kind=kind)
                for place, (minute, reach, kind) in enumerate(said)
            )
        )
        site.score()
        # Judged by the job at whatever times it wakes up, never more than an hour late.
        site.clock.now = NOON - 10 * HOUR
        while site.clock.now < NOON:
            site.clock.now = min(site.clock.now + wakes[0] * timedelta(minutes=1), NOON)
            wakes = wakes[1:] + wakes[:1]
            evaluate_due(site.store, site.clock())

        tester = Backtester(site.store, "Aeroluz", "busy", NOON - 10 * HOUR, NOON + timedelta(microseconds=1))
        (found,) = tester.run([tester.in_force])

        # Of one that goes on unchanged the job writes only at its end until when it has gone on.
        going_on = {(row.opened_at, row.group_key) for row in site.rows(Alert) if row.state != "resolved"}
        would, did = ([ended(one, going_on) for one in lot] for lot in (replayed(found), live(site, "busy")))
        assert would == did
        site.store.close()


def ended(incident: tuple[Any, ...], going_on: set[tuple[Any, ...]]) -> tuple[Any, ...]:
    return (*incident[:2], None, *incident[3:]) if incident[:2] in going_on else incident
