"""The one place that reads the clock."""

from datetime import UTC

from listener import clock


def test_now_is_aware_and_in_utc() -> None:
    assert clock.now().tzinfo is UTC
    assert clock.now() <= clock.now()


def test_the_monotonic_clock_never_goes_back() -> None:
    assert clock.monotonic() <= clock.monotonic()
