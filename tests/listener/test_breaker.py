"""When a source that fails is tried again: bounds, transitions, and what people are told."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.breaker import (
    FIRST_WAIT,
    LONGEST_WAIT,
    OPENS_AFTER,
    REFUSAL_WAITS,
    SHORTEST_WAIT,
    Breaker,
    failed,
    held,
    refused,
)
from tests.conftest import NOON

chance = st.floats(0, 1)
delay = st.none() | st.floats(0, 86_400)


def after(failures: int, draw: float = 1.0, *, now: datetime = NOON) -> Breaker:
    """So many failures in a row, each at the moment the one before was due again."""
    breaker = None
    for _ in range(failures):
        breaker = failed(breaker, breaker.again_at if breaker else now, "it is busy", lambda: draw)
    assert breaker is not None
    return breaker


@given(st.integers(1, 60), chance)
def test_waits_are_drawn_below_a_bound_that_doubles_up_to_an_hour(failures: int, draw: float) -> None:
    before = after(failures, draw)
    again = failed(before, before.again_at, "it is busy", lambda: draw)
    wait = again.again_at - before.again_at
    bound = min(FIRST_WAIT * 2 ** min(failures, 20), LONGEST_WAIT)
    assert SHORTEST_WAIT <= wait <= bound
    if again.opened_at is not None:
        assert wait >= bound / 2


def test_while_closed_the_jitter_is_full() -> None:
    waits = [failed(after(3), NOON, "busy", lambda draw=draw: draw).again_at - NOON for draw in (0.0, 0.25, 1.0)]
    assert waits == [SHORTEST_WAIT, timedelta(seconds=60), timedelta(seconds=240)]


@given(st.lists(st.tuples(st.sampled_from(["fails", "told", "held", "refused", "works"]), chance, st.floats(0, 7200))))
def test_whatever_happens_the_breaker_makes_sense(events: list[tuple[str, float, float]]) -> None:
    breaker: Breaker | None = None
    now = NOON
    failures = 0
    for event, draw, seconds in events:
        if breaker is not None:
            now = max(now, breaker.again_at) + timedelta(seconds=draw)
        match event:
            case "fails":
                breaker = failed(breaker, now, "busy", lambda draw=draw: draw)
                failures += 1
            case "told":
                breaker = failed(breaker, now, "429", lambda draw=draw: draw, retry_after=seconds)
                assert breaker.opened_at is not None
                assert breaker.again_at >= now + timedelta(seconds=seconds)
                failures += 1
            case "held":
                breaker = held(breaker, now, "used up", lambda draw=draw: draw, retry_after=seconds)
                assert breaker.opened_at is not None
                assert breaker.again_at >= now + timedelta(seconds=seconds)
            case "refused":
                refusals = breaker.refusals if breaker else 0
                breaker = refused(breaker, now, "403")
                if breaker is None:  # stopped for good, and mended by a person
                    assert refusals == len(REFUSAL_WAITS)
                    failures = 0
                else:
                    assert breaker.again_at == now + REFUSAL_WAITS[refusals]
            case "works":
                breaker, failures = None, 0
        if breaker is None:
            continue
        assert breaker.failures == failures
        assert breaker.again_at > now
        # Open until its time, then one try decides; once opened only success closes it.
        assert breaker.state(now) == ("closed" if breaker.opened_at is None else "open")
        assert breaker.state(breaker.again_at) == ("closed" if breaker.opened_at is None else "half-open")
        assert breaker.opened_at is not None or breaker.failures < OPENS_AFTER
        assert breaker.opened_at is None or breaker.opened_at <= now


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    assert after(OPENS_AFTER - 1).opened_at is None
    opened = after(OPENS_AFTER)
    assert opened.opened_at is not None
    assert opened.state(opened.again_at - timedelta(seconds=1)) == "open"


def test_a_trial_that_fails_leaves_it_open_since_when_it_was() -> None:
    opened = after(OPENS_AFTER)
    again = failed(opened, opened.again_at, "busy", lambda: 0.0)
    assert again.opened_at == opened.opened_at
    assert again.state(opened.again_at) == "open"


def test_a_quota_that_is_used_up_is_no_failure() -> None:
    breaker = held(after(2), NOON, "used up", lambda: 0.0, retry_after=600)
    assert (breaker.failures, breaker.again_at, breaker.opened_at) == (2, NOON + timedelta(minutes=10), NOON)


@pytest.mark.parametrize("asked", [-5, 0])
def test_a_delay_of_nothing_is_no_invitation_to_hammer(asked: float) -> None:
    assert failed(None, NOON, "429", lambda: 0.0, retry_after=asked).again_at == NOON + SHORTEST_WAIT


def test_failures_between_refusals_do_not_start_the_refusals_anew() -> None:
    breaker = refused(None, NOON, "403")
    assert breaker is not None
    breaker = refused(failed(breaker, NOON, "busy", lambda: 1.0), NOON, "403")
    assert breaker is not None
    assert (breaker.refusals, breaker.failures, breaker.again_at) == (2, 1, NOON + REFUSAL_WAITS[1])


def test_people_are_told_when_and_why() -> None:
    breaker = replace(after(1), again_at=NOON + timedelta(minutes=4, seconds=3))
    assert breaker.words == "tried again at 2026-11-21 12:05 UTC: it is busy"
