"""Whatever is taken in, copied, edited, scored, scored again, blanked or broken off: the rollups are what a recount of
the rows gives."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from listener.store import copies, deletion, scoring
from listener.store.engine import Store
from listener.store.tables import MentionBrand
from tests.conftest import NOON, Clock
from tests.listener.conftest import BrokenOff, Site, broken_off, item, score_row
from tests.listener.store.conftest import emptied
from tests.listener.store.test_copies import NEARLY, NEWS, consistent

TEXTS = ("Aeroluz or Nubia?", NEWS, f"{NEWS} Nubia", NEARLY, "It was Nubia", "It was nobody")
LABELS = st.sampled_from(["promoter", "passive", "detractor", None])
PAIRS = st.integers(1, 12)
MODELS = st.sampled_from(["words", "better"])


@dataclass(frozen=True)
class Take:
    """A page of mentions: number, minute, reach, text, what it reposts, and when it was edited; perhaps never kept.

    A number that was there before with another text is an edit."""

    mentions: list[tuple[int, int, int | None, int, int | None, int | None]]
    kept: bool = True


@dataclass(frozen=True)
class Blank:
    """Mentions that have to go."""

    numbers: list[int]


@dataclass(frozen=True)
class Write:
    """Scores for whatever of these pairs exists; perhaps never kept."""

    labels: dict[int, str | None]
    model: str
    kept: bool


STEPS = st.lists(
    st.builds(
        Take,
        st.lists(
            st.tuples(
                st.integers(0, 5),
                st.integers(-90, 90),
                st.none() | st.integers(0, 9),
                st.integers(0, len(TEXTS) - 1),
                st.none() | st.integers(0, 5),
                st.none() | st.integers(0, 3),
            ),
            max_size=4,
        ),
        st.sampled_from([True, True, True, False]),
    )
    | st.builds(Blank, st.lists(st.integers(0, 5), max_size=2))
    | st.builds(Write, st.dictionaries(PAIRS, LABELS, max_size=6), MODELS, st.sampled_from([True, True, False])),
    max_size=12,
)


@pytest.fixture
def sqlite_site(sqlite_store: Store) -> Site:
    return Site(sqlite_store, Clock())


@pytest.fixture
def postgres_site(postgres_store: Store) -> Site:
    return Site(postgres_store, Clock())


def run(site: Site, steps: list[Take | Write | Blank]) -> None:
    for step in steps:
        if isinstance(step, Take):
            page = [
                item(
                    str(name), TEXTS[text], minute=at, reach=reach, repost_of=None if of is None else str(of),
                    edited_at=None if edited is None else NOON + timedelta(minutes=edited),
                )
                for name, at, reach, text, of, edited in step.mentions
            ]  # fmt: skip
            if step.kept:
                site.take(*page)
            else:
                with suppress(BrokenOff), pytest.MonkeyPatch.context() as patch:
                    patch.setattr(copies, "join", die)
                    site.take(*page)
        elif isinstance(step, Blank):
            with site.store.transaction() as session:
                deletion.blank_native(session, "rss", [str(name) for name in step.numbers], "deleted", NOON)
        else:
            there = [pair.id for pair in site.rows(MentionBrand)]
            rows = [
                score_row(there[place % len(there)], label, model=step.model)
                for place, label in step.labels.items()
                if there
            ]
            with site.store.transaction() if step.kept else broken_off(site.store) as session:
                scoring.write_scores(session, rows, site.clock())

        assert site.rollups() == site.recount()
        consistent(site)


def die(*_: object) -> None:
    raise BrokenOff


@given(steps=STEPS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_rollups_are_always_what_a_recount_gives(sqlite_site: Site, steps: list[Take | Write | Blank]) -> None:
    emptied(sqlite_site)
    run(sqlite_site, steps)


@pytest.mark.postgres
@given(steps=STEPS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_so_they_are_on_postgresql(postgres_site: Site, steps: list[Take | Write | Blank]) -> None:
    emptied(postgres_site)
    run(postgres_site, steps)
