"""A few requests of every kind to every operation: none answers 500, each answer is what the description says.

scripts/check_api.py asks far more, on both databases.
"""

import sys
from pathlib import Path

from listener.store.engine import Store

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

from check_api import check, fill, served


def test_no_operation_answers_500_or_what_it_does_not_describe(sqlite_store: Store) -> None:
    key = fill(sqlite_store)
    with served(sqlite_store) as url:
        found = check(url, key, examples=2)
    assert len(found) > 60
    assert sum(one.cases for one in found.values()) > 100
    assert {name: one.failures for name, one in found.items() if one.failures} == {}
    assert max(status for one in found.values() for status in one.statuses) < 500
