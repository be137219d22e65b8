"""Whatever is taken in, scored, scored again or broken off, the rollups are what a recount of the rows gives."""

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from listener.store import scoring
from listener.store.engine import Store
from listener.store.tables import MentionBrand
from tests.conftest import Clock
from tests.listener.conftest import Site, broken_off, item, score_row
from tests.listener.store.conftest import emptied

LABELS = st.sampled_from(["promoter", "passive", "detractor", None])
PAIRS = st.integers(1, 12)
MODELS = st.sampled_from(["words", "better"])


@dataclass(frozen=True)
class Take:
    """A page of mentions: number, minute and reach of each."""

    mentions: list[tuple[int, int, int | None]]


@dataclass(frozen=True)
class Write:
    """Scores for whatever of these pairs exists; perhaps never kept."""

    labels: dict[int, str | None]
    model: str
    kept: bool


STEPS = st.lists(
    st.builds(
        Take,
        st.lists(st.tuples(st.integers(0, 5), st.integers(-90, 90), st.none() | st.integers(0, 9)), max_size=4),
    )
    | st.builds(Write, st.dictionaries(PAIRS, LABELS, max_size=6), MODELS, st.sampled_from([True, True, False])),
    max_size=12,
)


@pytest.fixture
def sqlite_site(sqlite_store: Store) -> Site:
    return Site(sqlite_store, Clock())


@given(steps=STEPS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_rollups_are_always_what_a_recount_gives(sqlite_site: Site, steps: list[Take | Write]) -> None:
    emptied(sqlite_site)
    for step in steps:
        if isinstance(step, Take):
            sqlite_site.take(
                *(item(str(name), "Aeroluz or Nubia?", minute=at, reach=reach) for name, at, reach in step.mentions)
            )
            continue
        there = {pair.id for pair in sqlite_site.rows(MentionBrand)}
        rows = [score_row(pair, label, model=step.model) for pair, label in step.labels.items() if pair in there]
        keeping = sqlite_site.store.transaction() if step.kept else broken_off(sqlite_site.store)
        with keeping as session:
            scoring.write_scores(session, rows, sqlite_site.clock())

        assert sqlite_site.rollups() == sqlite_site.recount()
