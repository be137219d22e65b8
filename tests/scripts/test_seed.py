"""The invented year that benches are held against is what the jobs would have left."""

import json
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from listener import clock
from listener.copies import wording
from listener.query import parse
from listener.store.engine import Store

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

import seed_mentions

MENTIONS = 1_500


def rows(store: Store, query: str) -> list[Any]:
    with store.reading() as session:
        return list(session.connection().execute(text(query)))


def loaded(value: Any) -> Any:
    """What a column of JSON holds, which SQLite hands out as text."""
    return json.loads(value) if isinstance(value, str) else value


@pytest.fixture
def seeded(store: Store) -> Store:
    said = seed_mentions.seed(store, MENTIONS, clock.now() - timedelta(hours=2))
    assert said["mentions"] == MENTIONS < said["pairs"]
    return store


def what_is_counted_agrees_with_what_is_there(seeded: Store) -> None:
    counted = {
        (row.brand_id, row.kind, row.label): (row.mentions, row.copies, row.reach)
        for row in rows(
            seeded,
            "SELECT brand_id, kind, label, sum(mentions) mentions, sum(copies) copies, sum(reach) reach "
            "FROM rollup_hour GROUP BY brand_id, kind, label",
        )
    }
    shown = rows(
        seeded,
        "SELECT p.*, m.kind, m.reach FROM mention_brand p JOIN mention m ON m.id = p.mention_id",
    )
    there: Counter[Any] = Counter()
    facets: Counter[Any] = Counter()
    for row in shown:
        if row.hidden_why is None:
            key = (row.brand_id, row.kind, row.label)
            there[(*key, "reach")] += row.reach or 0
            there[(*key, "copies" if row.copy_of else "mentions")] += 1
            if not row.copy_of:
                values = (("lang", row.lang), ("polarity", row.polarity), ("emotion", row.emotion))
                themes = (("theme", theme) for theme in loaded(row.themes))
                facets.update(one for one in (*values, *themes) if one[1])
    assert counted == {
        key: tuple(there[(*key, name)] for name in ("mentions", "copies", "reach"))
        for key in {one[:3] for one in there}
    }
    assert facets == {
        (row.facet, row.value): row.mentions
        for row in rows(seeded, "SELECT facet, value, sum(mentions) mentions FROM rollup_facet GROUP BY facet, value")
    }


def words_places_themes_and_copies_are_those_of_the_real_code(seeded: Store) -> None:
    brands = {row.id: row for row in rows(seeded, "SELECT id, name, query, themes FROM brand")}
    themes = {
        brand: {
            name: parse(query)
            for name, query in (json.loads(row.themes) if isinstance(row.themes, str) else row.themes).items()
        }
        for brand, row in brands.items()
    }
    read = rows(
        seeded,
        "SELECT p.*, m.text, m.digest, m.cluster_id FROM mention_brand p JOIN mention m ON m.id = p.mention_id "
        "ORDER BY p.id LIMIT 300",
    )
    by_id = {row.id: row for row in read}
    for row in read:
        spans, said = loaded(row.spans), loaded(row.themes)
        assert [list(span) for span in parse(brands[row.brand_id].query).match(row.text) or ()] == spans
        assert [name for name, query in themes[row.brand_id].items() if query.match(row.text)] == said
        found = wording(row.text)
        assert row.digest == (found.digest if found else None)
        if row.copy_of in by_id:
            first = by_id[row.copy_of]
            assert (first.text, first.brand_id, first.mention_id) == (row.text, row.brand_id, row.cluster_id)


def incidents_have_their_members_and_are_told(seeded: Store) -> None:
    alerts = rows(
        seeded,
        "SELECT a.id, a.count, (SELECT count(*) FROM alert_mention WHERE alert_id = a.id) members, "
        "(SELECT count(*) FROM delivery WHERE alert_id = a.id) deliveries FROM alert a",
    )
    assert alerts
    assert all((row.count, row.deliveries) == (row.members, 1) for row in alerts)


def a_database_with_something_in_it_is_left_alone(seeded: Store) -> None:
    with pytest.raises(SystemExit, match="is not empty"):
        seed_mentions.seed(seeded, 10, clock.now())


def ids_go_on_after_the_ones_that_were_written(seeded: Store) -> None:
    with seeded.transaction() as session:
        query = (
            "INSERT INTO collection (brand_id, name, version, created_at, created_by) VALUES (1, 'x', 1, :at, 'ana')"
        )
        session.connection().execute(text(query), {"at": "2026-01-01 00:00:00.000000"})


def test_a_year_is_as_the_jobs_would_leave_it(seeded: Store) -> None:
    """One test, because to fill a database takes longer than to look at it."""
    what_is_counted_agrees_with_what_is_there(seeded)
    words_places_themes_and_copies_are_those_of_the_real_code(seeded)
    incidents_have_their_members_and_are_told(seeded)
    a_database_with_something_in_it_is_left_alone(seeded)
    ids_go_on_after_the_ones_that_were_written(seeded)
