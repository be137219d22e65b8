"""Hidden pairs are in no figure, list or alert, stay where they are, and come back: on both databases."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.reasons import Reason
from listener.items import Author
from listener.jobs.alert import judge_batch
from listener.store import deletion, read, relevance, scoring
from listener.store.engine import Store
from listener.store.tables import Alert, Brand, Mention, MentionBrand, RollupFacet, RollupHour, Score, table
from tests.conftest import Clock
from tests.listener.conftest import Site, item, score_row, together


def write(site: Site, probabilities: dict[int, float | None], label: str = "detractor", model: str = "words") -> None:
    rows = [score_row(pair, label, model=model, relevance=value) for pair, value in probabilities.items()]
    with site.store.transaction() as session:
        scoring.write_scores(session, rows, site.clock())


def say(site: Site, pair: int, *, relevant: bool) -> bool:
    with site.store.transaction() as session:
        return relevance.say(session, pair, relevant=relevant, now=site.clock(), by="ana")


def decide_again(site: Site, brand: int, **options: Any) -> list[relevance.Redecided]:
    found: list[relevance.Redecided] = []
    after: int | None = 0
    while after is not None:
        with site.store.transaction() as session:
            found.append(relevance.decide_again(session, brand, site.clock(), after=after, **options))
        after = found[-1].last
    return found[:-1]


def shown(site: Site, *, hidden: bool = False) -> list[str]:
    with site.store.reading() as session:
        return [row["native_id"] for row in read.mentions(session, hidden=hidden)]


@pytest.fixture
def delta(site: Site) -> Site:
    """A brand with words, and three mentions of it: one with a context word, one of a river, one of neither."""
    site.brand("Delta", query="delta", relevance={"context": ["flight"], "unless": ["river"]})
    site.source()
    site.take(
        item("air", "Delta lost my bag on a flight", reach=5),
        item("water", "the river delta is flooded again", reach=7),
        item("neither", "Delta is not what it was", reach=11),
    )
    return site


def pairs(site: Site) -> dict[str, MentionBrand]:
    names = {mention.id: mention.native_id for mention in site.rows(Mention)}
    return {names[pair.mention_id]: pair for pair in site.rows(MentionBrand)}


def test_what_only_shares_the_name_is_hidden_as_it_is_scored(delta: Site) -> None:
    ids = {name: pair.id for name, pair in pairs(delta).items()}
    write(delta, {ids["air"]: 0.01, ids["water"]: 0.8, ids["neither"]: 0.12})
    after = pairs(delta)
    assert {name: pair.hidden_why for name, pair in after.items()} == {
        "air": None,
        "water": "the text has river, which stands under unless",
        "neither": "the model gives 12 % and no context word stands in the text",
    }
    assert (after["water"].verdict, after["water"].judged_at) == (Reason.NOT_RELEVANT, delta.clock())
    assert delta.rollups() == delta.recount()
    assert sum(many for many, _ in delta.rollups().values()) == 1
    assert (shown(delta), sorted(shown(delta, hidden=True))) == (["air"], ["neither", "water"])

    judge_batch(delta.store, delta.clock())
    (alert,) = delta.rows(Alert)
    assert (alert.count, alert.reach) == (1, 5)
    with delta.store.reading() as session:
        pending = read.pending(session, (), delta.clock())
        assert (read.totals(session).mentions, pending.unscored, pending.unjudged) == (1, 0, 0)


def test_the_model_hides_nothing_in_a_language_it_cannot_judge(delta: Site) -> None:
    ids = {name: pair.id for name, pair in pairs(delta).items()}
    rows = [score_row(ids[name] or 0, lang="es", relevance=0.0) for name in ("neither", "water")]
    with delta.store.transaction() as session:
        scoring.write_scores(session, rows, delta.clock())
    assert [name for name, pair in pairs(delta).items() if pair.hidden_why] == ["water"]
    decide_again(delta, 1)
    assert [name for name, pair in pairs(delta).items() if pair.hidden_why] == ["water"]


@pytest.mark.parametrize(
    ("words", "shown_now"),
    [
        ({"context": ["author:bob"]}, ["by bob"]),
        ({"context": ["delta lang:pt"]}, ["in portuguese"]),
        ({"context": ["delta source:forum"]}, ["elsewhere"]),
        ({"context": ["delta source:mastodon"]}, ["elsewhere"]),
        ({"unless": ["author:bob"], "threshold": 0.0}, ["elsewhere", "in portuguese"]),
        ({"unless": ["delta lang:pt"], "threshold": 0.0}, ["by bob", "elsewhere"]),
    ],
)
def test_words_may_ask_for_what_is_known_beside_the_text(
    site: Site, words: dict[str, Any], shown_now: list[str]
) -> None:
    site.brand("Delta", query="delta", relevance=words)
    site.source("feed")
    site.source("forum", kind="mastodon")
    site.take(item("by bob", "Delta", author=Author("1", handle="Bob")), source="feed")
    site.take(item("in portuguese", "Delta", lang="pt-BR"), source="feed")
    site.take(item("elsewhere", "Delta", kind="mastodon"), source="forum")
    write(site, {pair.id: 0.05 for pair in site.rows(MentionBrand) if pair.id is not None})
    assert sorted(shown(site)) == shown_now
    decide_again(site, 1)
    assert sorted(shown(site)) == shown_now


def test_progress_counts_what_is_looked_at(delta: Site) -> None:
    ids = {name: pair.id for name, pair in pairs(delta).items()}
    write(delta, dict.fromkeys(ids.values(), 0.9))  # type: ignore[arg-type]
    with delta.store.transaction() as session:
        deletion.blank_native(session, "rss", ["air"], "deleted", delta.clock())
    with delta.store.reading() as session:
        assert relevance.to_decide_again(session, 1) == sum(done.looked_at for done in decide_again(delta, 1)) == 2


def test_a_person_shows_and_hides_and_no_model_overrides_that(delta: Site) -> None:
    ids = {name: pair.id for name, pair in pairs(delta).items()}
    write(delta, {ids["air"]: 0.9, ids["water"]: 0.5, ids["neither"]: 0.9})
    delta.clock.advance(minutes=5)
    assert say(delta, ids["water"], relevant=True)
    assert say(delta, ids["air"], relevant=False)
    assert sorted(shown(delta)) == ["neither", "water"]
    assert delta.rollups() == delta.recount()
    after = pairs(delta)
    assert (after["air"].said_by, after["air"].said_at) == ("ana", delta.clock())
    assert after["air"].hidden_why == "a person said that it is not about the brand"
    # What was hidden and is shown by hand is judged; what a model is sure of stays as the person said.
    judge_batch(delta.store, delta.clock())
    assert pairs(delta)["water"].verdict in (Reason.OPENED_INCIDENT, Reason.JOINED_INCIDENT)
    write(delta, {ids["air"]: 1.0, ids["water"]: 0.0}, "promoter", model="better")
    decide_again(delta, 1)
    assert sorted(shown(delta)) == ["neither", "water"]
    assert delta.rollups() == delta.recount()
    assert not say(delta, 999, relevant=True)


def test_what_a_person_hid_before_it_was_scored_stays_hidden(delta: Site) -> None:
    air = pairs(delta)["air"].id
    assert air is not None
    say(delta, air, relevant=False)
    with delta.store.reading() as session:
        assert read.totals(session).mentions == 2
    write(delta, {air: 1.0})
    assert "air" not in shown(delta)
    assert delta.rollups() == delta.recount() == {}
    judge_batch(delta.store, delta.clock())
    assert delta.rows(Alert) == []


def test_other_words_decide_anew_and_nobody_is_told_late(delta: Site) -> None:
    ids = {name: pair.id for name, pair in pairs(delta).items()}
    write(delta, {ids["air"]: 0.01, ids["water"]: 0.5, ids["neither"]: 0.12})
    delta.brand("Delta", query="delta", relevance={"context": ["river"], "threshold": 0.3})
    done = decide_again(delta, 1, limit=2)
    assert [one.looked_at for one in done] == [2, 1]
    assert (sum(one.hidden for one in done), sum(one.shown for one in done)) == (1, 1)
    assert (shown(delta), pairs(delta)["water"].verdict) == (["water"], Reason.SHOWN_LATER)
    assert delta.rollups() == delta.recount()
    judge_batch(delta.store, delta.clock())
    assert delta.rows(Alert) == []

    delta.brand("Delta", query="delta", relevance={"threshold": False})
    assert decide_again(delta, 1, since=delta.clock.advance(hours=1)) == []
    decide_again(delta, 1)
    assert len(shown(delta)) == 3
    assert delta.rollups() == delta.recount()


def test_what_the_source_says_itself_and_other_brands_are_left_alone(site: Site) -> None:
    site.brand("Delta", query="delta", relevance={"unless": ["river"]})
    site.brand("Nubia", query="nubia")
    site.source("survey", about_brands=True)
    site.source("feed")
    site.take(item("survey", "the delta of a river"), source="survey")
    site.take(item("two", "delta or nubia by the river"), source="feed")
    write(site, {pair.id: 0.5 for pair in site.rows(MentionBrand) if pair.id is not None})
    hidden = [(pair.mention_id, pair.brand_id) for pair in site.rows(MentionBrand) if pair.hidden_why]
    assert hidden == [(2, 1)]
    assert site.rollups() == site.recount()


def test_a_copy_goes_with_what_it_repeats(site: Site) -> None:
    site.brand("Delta", query="delta")
    site.source()
    site.take(item("1", "Delta lost my bag and my patience on the way to Lisbon again"))
    site.take(item("2", "RT @x: Delta lost my bag and my patience on the way to Lisbon again", repost_of="1", reach=9))
    write(site, {pair.id: 0.9 for pair in site.rows(MentionBrand) if pair.id is not None})
    first = pairs(site)["1"].id
    assert first is not None
    assert site.rollups() == site.recount()
    say(site, first, relevant=False)
    assert {pair.hidden_why is None for pair in site.rows(MentionBrand)} == {False}
    assert site.rollups() == site.recount() == {}
    say(site, first, relevant=True)
    assert site.rollups() == site.recount()
    assert len(site.rollups()) == 1


def test_a_person_and_a_model_at_the_same_moment_leave_figures_right(delta: Site) -> None:
    ids = [pair.id for pair in delta.rows(MentionBrand) if pair.id is not None]

    def hide() -> None:
        for pair in ids:
            say(delta, pair, relevant=False)

    def show() -> None:
        for pair in reversed(ids):
            say(delta, pair, relevant=True)

    def score() -> None:
        for model in ("words", "better", "best"):
            write(delta, dict.fromkeys(ids, 0.05), model=model)

    together(hide, show, score)
    assert delta.rollups() == delta.recount()


@dataclass(frozen=True)
class Written:
    probabilities: dict[int, float | None]
    model: str


@dataclass(frozen=True)
class Said:
    pair: int
    relevant: bool


@dataclass(frozen=True)
class Again:
    stored: dict[str, Any]


RULES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "context": st.just(["flight"]), "unless": st.just(["river"]),
        "threshold": st.sampled_from([False, 0.1, 0.5, 1.0]),
    },
)  # fmt: skip
STEPS = st.lists(
    st.builds(
        Written,
        st.dictionaries(st.integers(1, 6), st.none() | st.sampled_from([0.0, 0.2, 0.6, 0.97]), max_size=6),
        st.sampled_from(["words", "better"]),
    )
    | st.builds(Said, st.integers(1, 7), st.booleans())
    | st.builds(Again, RULES),
    max_size=10,
)
TEXTS = ("Delta flight", "Delta river", "Delta", "Delta flight by the river", "@Delta", "the river delta")


@pytest.fixture
def sqlite_site(sqlite_store: Store) -> Site:
    return Site(sqlite_store, Clock())


@given(steps=STEPS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_the_figures_are_a_recount_and_a_persons_word_stands(
    sqlite_site: Site, steps: list[Written | Said | Again]
) -> None:
    site = sqlite_site
    with site.store.transaction() as session:
        for model in (Score, RollupHour, RollupFacet, Alert, MentionBrand, Mention, Brand):
            session.connection().execute(table(model).delete())
    brand = site.brand("Delta", query="delta")
    site.source()
    site.take(*(item(str(number), text, reach=number) for number, text in enumerate(TEXTS)))
    first = min(pair.id or 0 for pair in site.rows(MentionBrand))
    said: dict[int, bool] = {}
    for step in steps:
        if isinstance(step, Written):
            write(site, {first + pair - 1: value for pair, value in step.probabilities.items()}, model=step.model)
        elif isinstance(step, Said):
            if say(site, first + step.pair - 1, relevant=step.relevant):
                said[first + step.pair - 1] = step.relevant
        else:
            site.brand("Delta", query="delta", relevance=step.stored)
            decide_again(site, brand, limit=4)
        assert site.rollups() == site.recount()
        for pair in site.rows(MentionBrand):
            assert pair.id is not None
            if pair.id in said:
                assert (pair.hidden_why is None) is said[pair.id]
            if pair.hidden_why is not None:
                assert pair.scored_at is None or pair.verdict == Reason.NOT_RELEVANT
