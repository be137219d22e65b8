from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.channel import TryLater, Undeliverable, lease_expired, unforeseen
from alerts.reasons import Reason
from alerts.retrying import Dead, Retry, after_failure

DOWN = TryLater(Reason.SERVER_ERROR, "down", None, True)
JITTER = st.floats(min_value=0, max_value=1, exclude_max=True)


def limited(after: float | None) -> TryLater:
    return TryLater(Reason.RATE_LIMITED, "slow", after, False, whole_channel=True)


def test_waits_grow_from_two_seconds_to_ten_minutes(noon):
    waits = [after_failure(tries, DOWN, noon, jitter=0.0) for tries in range(1, 8)]
    seconds = [(wait.at - noon).total_seconds() for wait in waits if isinstance(wait, Retry)]
    assert seconds == [2, 6, 18, 54, 162, 300, 300]


@settings(deadline=None)
@given(tries=st.integers(min_value=1, max_value=10_000), jitter=JITTER)
def test_a_wait_stays_in_its_bounds(noon, tries, jitter):
    wait = after_failure(tries, DOWN, noon, jitter=jitter, max_attempts=10**6)
    assert isinstance(wait, Retry)
    assert timedelta(seconds=2) <= wait.at - noon <= timedelta(seconds=600)


def test_the_last_try_is_the_last(noon):
    assert isinstance(after_failure(7, DOWN, noon, jitter=0.5), Retry)
    assert after_failure(8, DOWN, noon, jitter=0.5) == Dead(Reason.ATTEMPTS_EXHAUSTED, True)


@settings(deadline=None)
@given(tries=st.integers(min_value=1, max_value=100), jitter=JITTER, asked=st.floats(min_value=0, max_value=86_400))
def test_never_earlier_than_asked(noon, tries, jitter, asked):
    for reason in (Reason.RATE_LIMITED, Reason.SERVER_ERROR):
        error = TryLater(reason, "later", asked, False)
        wait = after_failure(tries, error, noon, jitter=jitter, max_attempts=1000)
        assert isinstance(wait, Retry)
        assert wait.at >= noon + timedelta(seconds=asked)


def test_a_rate_limit_stops_the_whole_channel_and_uses_up_no_try(noon):
    wait = after_failure(50, limited(30), noon, jitter=0.0)
    at = noon + timedelta(seconds=30)
    assert wait == Retry(at, Reason.RATE_LIMITED, ambiguous=False, pauses_channel_until=at)


def test_a_rate_limit_without_a_wait_backs_off(noon):
    wait = after_failure(3, limited(None), noon, jitter=0.0)
    assert isinstance(wait, Retry)
    assert wait.pauses_channel_until == wait.at == noon + timedelta(seconds=18)


def test_other_failures_leave_the_channel_open(noon):
    wait = after_failure(1, DOWN, noon, jitter=0.0)
    assert isinstance(wait, Retry)
    assert (wait.pauses_channel_until, wait.ambiguous) == (None, True)


@pytest.mark.parametrize("disables", [True, False])
def test_undeliverable_is_dead_at_once(noon, disables):
    error = Undeliverable(Reason.REJECTED, "no", disables)
    assert after_failure(1, error, noon, jitter=0.0) == Dead(Reason.REJECTED, False, disables)


def test_a_lost_lease_and_a_surprise_are_tried_again_and_ambiguous(noon):
    for error, reason in ((lease_expired(), Reason.LEASE_EXPIRED), (unforeseen(KeyError("s3cret")), Reason.UNEXPECTED)):
        wait = after_failure(1, error, noon, jitter=0.0)
        assert isinstance(wait, Retry)
        assert (wait.reason, wait.ambiguous) == (reason, True)
    assert "KeyError" in str(unforeseen(KeyError("s3cret")))
    assert "s3cret" not in str(unforeseen(KeyError("s3cret")))


@pytest.mark.parametrize(("tries", "jitter"), [(0, 0.0), (1, 1.0), (1, -0.1)])
def test_nonsense_is_refused(noon, tries, jitter):
    with pytest.raises(ValueError, match="got"):
        after_failure(tries, DOWN, noon, jitter=jitter)
