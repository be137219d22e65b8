"""Passwords are not tried for ever, and nobody is locked out for ever."""

from datetime import timedelta

from sqlmodel import select

from listener.store import throttle
from listener.store.engine import Store
from listener.store.tables import SignInFailure
from listener.store.throttle import FIRST_WAIT, FREE_OF_ADDRESS, FREE_OF_EMAIL, FREE_OF_PROVIDER, LONGEST_WAIT
from tests.conftest import Clock
from tests.listener.conftest import together

ANA, HERE = "ana@lumbra.example", "192.0.2.7"


def attempt(store: Store, clock: Clock, email: str = ANA, address: str = HERE) -> timedelta | None:
    """How long one has to wait instead of trying; None: it was tried."""
    with store.transaction() as session:
        until = throttle.take(session, email, address, clock())
    return None if until is None else until - clock()


def test_waits_begin_after_some_wrong_ones_double_and_end(store: Store, clock: Clock) -> None:
    assert [attempt(store, clock) for _ in range(FREE_OF_EMAIL)] == [None] * FREE_OF_EMAIL
    waits = []
    for _ in range(8):
        wait = attempt(store, clock)
        assert wait is not None
        waits.append(wait)
        clock.now += wait
        assert attempt(store, clock) is None
    assert waits[:3] == [FIRST_WAIT, 2 * FIRST_WAIT, 4 * FIRST_WAIT]
    assert waits[-1] == LONGEST_WAIT


def test_trying_meanwhile_makes_no_wait_longer(store: Store, clock: Clock) -> None:
    for _ in range(FREE_OF_EMAIL):
        attempt(store, clock)
    clock.advance(seconds=20)
    assert {attempt(store, clock) for _ in range(30)} == {FIRST_WAIT - timedelta(seconds=20)}
    clock.advance(seconds=10)
    assert attempt(store, clock) is None


def test_one_address_may_not_try_everybody(store: Store, clock: Clock) -> None:
    tried = [attempt(store, clock, f"user{number}@lumbra.example") for number in range(FREE_OF_ADDRESS + 3)]
    assert tried == [None] * FREE_OF_ADDRESS + [FIRST_WAIT] * 3
    assert attempt(store, clock, address="192.0.2.8") is None


def test_neighbours_of_ipv6_are_one(store: Store) -> None:
    assert throttle.of_address("2001:db8:1:2::1") == throttle.of_address("2001:db8:1:2:3:4:5:6")
    assert throttle.of_address("2001:db8:1:3::1") != throttle.of_address("2001:db8:1:2::1")
    assert throttle.of_address("testclient") == "from testclient"


def test_a_right_password_clears_the_email_and_not_the_guesses_of_others(store: Store, clock: Clock) -> None:
    for number in range(FREE_OF_ADDRESS - 1):
        attempt(store, clock, f"user{number}@lumbra.example")
    attempt(store, clock)
    with store.transaction() as session:
        throttle.succeeded(session, ANA, HERE)
    assert attempt(store, clock) is None
    assert attempt(store, clock) == FIRST_WAIT


def test_many_at_once_are_no_more_than_one_after_the_other(store: Store, clock: Clock) -> None:
    tried = together(*[lambda: attempt(store, clock)] * 12)
    assert tried.count(None) == FREE_OF_EMAIL


def test_after_a_day_it_begins_anew(store: Store, clock: Clock) -> None:
    for _ in range(FREE_OF_EMAIL):
        attempt(store, clock)
    clock.advance(days=1)
    assert [attempt(store, clock) for _ in range(FREE_OF_EMAIL)] == [None] * FREE_OF_EMAIL
    clock.advance(days=1)
    with store.transaction() as session:
        assert throttle.forget_old(session, clock()) == 2
        assert session.exec(select(SignInFailure)).all() == []


def test_whoever_is_held_up_makes_up_addresses_for_nothing(store: Store, clock: Clock) -> None:
    tried = [attempt(store, clock, f"user{number}@lumbra.example") for number in range(FREE_OF_ADDRESS + 40)]
    assert tried.count(None) == FREE_OF_ADDRESS
    with store.reading() as session:
        assert len(session.exec(select(SignInFailure)).all()) == FREE_OF_ADDRESS + 1


def test_ways_over_a_provider_are_counted_by_themselves(store: Store, clock: Clock) -> None:
    def begin() -> timedelta | None:
        with store.transaction() as session:
            until = throttle.take_provider(session, HERE, clock())
        return None if until is None else until - clock()

    assert [begin() for _ in range(FREE_OF_PROVIDER)] == [None] * FREE_OF_PROVIDER
    with store.transaction() as session:
        throttle.succeeded_provider(session, HERE)
    assert [begin() for _ in range(3)] == [None, FIRST_WAIT, FIRST_WAIT]
    assert attempt(store, clock) is None
