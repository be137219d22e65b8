"""Fixtures shared by the sources' tests."""

from collections.abc import Iterator

import pytest

from listener.http import Http


@pytest.fixture
def http() -> Iterator[Http]:
    with Http(timeout=5) as client:
        yield client
