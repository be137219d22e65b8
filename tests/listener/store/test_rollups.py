"""Whatever is taken in, copied, edited, scored, scored again, blanked or broken off: the rollups are what a recount of
the rows gives."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from listener.jobs.retag import retag_next
from listener.query import parse, prepare
from listener.store import copies, deletion, scoring
from listener.store.engine import Store
from listener.store.rollups import moving
from listener.store.tables import Brand, Mention, MentionBrand, table
from sentiment.labels import label_of_step
from tests.conftest import NOON, Clock
from tests.listener.conftest import BrokenOff, Site, broken_off, item, score_row
from tests.listener.store.conftest import emptied
from tests.listener.store.test_copies import NEARLY, NEWS, consistent

TEXTS = ("Aeroluz or Nubia?", NEWS, f"{NEWS} Nubia", NEARLY, "It was Nubia", "It was nobody")
LABELS = st.sampled_from(["promoter", "passive", "detractor", None])
WORDS = ("Nubia", "Aeroluz", "Aeroluz lang:es", "nobody")
EMOTIONS = (None, {"joy": 0.9, "anger": 0.2}, {"anger": 0.6}, {"joy": 0.4}, {"others": 0.9})
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


@dataclass(frozen=True)
class Themes:
    """The themes are others now, and some of what is stored is told by them: so many pages of two."""

    themes: dict[str, str]
    pages: int


@dataclass(frozen=True)
class Correct:
    """A person says of a pair what its stance is."""

    pair: int
    stance: str


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
    | st.builds(Write, st.dictionaries(PAIRS, LABELS, max_size=6), MODELS, st.sampled_from([True, True, False]))
    | st.builds(Themes, st.dictionaries(st.sampled_from(["bags", "news"]), st.sampled_from(WORDS)), st.integers(0, 3))
    | st.builds(Correct, PAIRS, st.sampled_from(["-2", "0", "1"])),
    max_size=12,
)

Step = Take | Write | Blank | Themes | Correct


@pytest.fixture
def sqlite_site(sqlite_store: Store) -> Site:
    return Site(sqlite_store, Clock())


@pytest.fixture
def postgres_site(postgres_store: Store) -> Site:
    return Site(postgres_store, Clock())


def run(site: Site, steps: list[Step]) -> None:
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
        elif isinstance(step, Themes):
            site.brand("Aeroluz", themes=step.themes)
            for _ in range(step.pages):
                retag_next(site.store, site.clock, 2)
        elif isinstance(step, Correct):
            pairs = [pair.id for pair in site.rows(MentionBrand) if pair.scored_at is not None]
            if pairs:
                correct(site, pairs[step.pair % len(pairs)], step.stance)
        else:
            there = [pair.id for pair in site.rows(MentionBrand)]
            rows = [
                score_row(
                    there[place % len(there)],
                    label,
                    model=step.model,
                    emotions=EMOTIONS[place % len(EMOTIONS)],
                    lang="es" if place % 2 else "und",
                )
                for place, label in step.labels.items()
                if there
            ]
            with site.store.transaction() if step.kept else broken_off(site.store) as session:
                scoring.write_scores(session, rows, site.clock())

        assert site.rollups() == site.recount()
        consistent(site)
    finished(site)


def correct(site: Site, pair_id: int | None, stance: str) -> None:
    """As a correction writes it."""
    pair = table(MentionBrand)
    label = label_of_step(stance)
    assert pair_id is not None
    with site.store.transaction() as session, moving(session, [pair_id]):
        row = update(pair).where(pair.c.id == pair_id, pair.c.void.is_(None))
        session.connection().execute(row.values(label=label, said_stance=stance))


def finished(site: Site) -> None:
    """Once all is told again, every pair has the themes that its words meet, and no other."""
    while retag_next(site.store, site.clock, 3):
        pass
    texts = {mention.id: mention.text for mention in site.rows(Mention)}
    themes = {brand.id: brand.themes for brand in site.rows(Brand)}
    for pair in site.rows(MentionBrand):
        if pair.scored_at is not None and pair.void is None:
            queries = themes[pair.brand_id].items()
            met = [
                name
                for name, query in sorted(queries)
                if parse(query).match(prepare(texts[pair.mention_id], lang=pair.lang))
            ]
            assert pair.themes == met
    assert site.rollups() == site.recount()


def die(*_: object) -> None:
    raise BrokenOff


@given(steps=STEPS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_rollups_are_always_what_a_recount_gives(sqlite_site: Site, steps: list[Step]) -> None:
    emptied(sqlite_site)
    run(sqlite_site, steps)


@pytest.mark.postgres
@given(steps=STEPS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_so_they_are_on_postgresql(postgres_site: Site, steps: list[Step]) -> None:
    emptied(postgres_site)
    run(postgres_site, steps)
