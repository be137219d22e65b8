"""Users, their sessions, and tokens that let somebody in once."""

from datetime import timedelta

import pytest

from listener.access import Role
from listener.store import callers, tokens, users
from listener.store.engine import Store
from listener.store.tokens import LASTS, Purpose
from listener.store.users import LastAdministratorError, TakenError
from tests.conftest import Clock
from tests.listener.conftest import together

EVERYTHING = {None: Role.ADMINISTRATOR}


def a_user(store: Store, clock: Clock, name: str = "ana", role: Role = Role.ADMINISTRATOR) -> int:
    with store.transaction() as session:
        return users.add_user(session, f"{name}@x.example", name, {None: role}, clock(), password_hash="kept")


def test_of_several_that_spend_a_token_one_gets_in(store: Store, clock: Clock) -> None:
    with store.transaction() as session:
        token = tokens.issue(session, Purpose.SETUP, clock())

    def spend() -> bool:
        with store.transaction() as session:
            return tokens.spend(session, Purpose.SETUP, token, clock()) is not None

    assert sorted(together(*[spend] * 6)) == [False] * 5 + [True]


def test_a_token_is_for_one_thing_and_for_a_while(store: Store, clock: Clock) -> None:
    user = a_user(store, clock)
    with store.transaction() as session:
        before = tokens.issue(session, Purpose.JOIN, clock(), user_id=user)
        token = tokens.issue(session, Purpose.JOIN, clock(), user_id=user)
        assert tokens.look(session, Purpose.JOIN, before, clock()) is None
        assert tokens.look(session, Purpose.SETUP, token, clock()) is None
        found = tokens.look(session, Purpose.JOIN, token, clock())
        assert found is not None
        assert found.user_id == user
    clock.now += LASTS[Purpose.JOIN]
    with store.transaction() as session:
        assert tokens.spend(session, Purpose.JOIN, token, clock()) is None
        assert tokens.forget_old(session, clock()) == 1


@pytest.mark.parametrize("change", [{"active": False}, {"roles": {None: Role.AGENT}}, {"roles": {}}])
def test_the_last_administrator_stays(store: Store, clock: Clock, change: dict[str, object]) -> None:
    first = a_user(store, clock)
    with pytest.raises(LastAdministratorError), store.transaction() as session:
        users.edit(session, first, **change)  # type: ignore[arg-type]
    with store.reading() as session:
        assert users.administrators(session) == 1
    a_user(store, clock, "bo")
    with store.transaction() as session:
        users.edit(session, first, **change)  # type: ignore[arg-type]
        assert users.administrators(session) == 1


def test_two_who_demote_each_other_do_not_both_succeed(store: Store, clock: Clock) -> None:
    both = a_user(store, clock), a_user(store, clock, "bo")

    def demote(user: int) -> bool:
        try:
            with store.transaction() as session:
                users.edit(session, user, roles={})
        except LastAdministratorError:
            return False
        return True

    assert sorted(together(*[lambda user=user: demote(user) for user in both])) == [False, True]


def test_an_invitation_makes_no_administrator_until_it_is_taken(store: Store, clock: Clock) -> None:
    with store.transaction() as session:
        user = users.invite(session, "Ana@X.example ", "ana", EVERYTHING, clock())
        assert users.administrators(session) == 0
        users.set_password(session, user, "kept")
        assert users.administrators(session) == 1
        with pytest.raises(TakenError):
            users.invite(session, "ana@x.example", "another", {}, clock())


def test_a_new_password_ends_the_other_sessions_and_links(store: Store, clock: Clock) -> None:
    user = a_user(store, clock)
    with store.transaction() as session:
        here, there = (users.open_session(session, user, agent, clock()) for agent in ("here", "there"))
        link = tokens.issue(session, Purpose.JOIN, clock(), user_id=user)
        users.set_password(session, user, "another", keep=here)
        assert callers.by_session(session, here, clock()) is not None
        assert callers.by_session(session, there, clock()) is None
        assert tokens.look(session, Purpose.JOIN, link, clock()) is None


def test_a_user_sees_and_ends_their_own_sessions_only(store: Store, clock: Clock) -> None:
    ana, bo = a_user(store, clock), a_user(store, clock, "bo")
    with store.transaction() as session:
        mine = [users.open_session(session, ana, f"agent {number}", clock.advance(minutes=1)) for number in range(3)]
        other = users.open_session(session, bo, "bo's", clock())
        [named] = users.sessions_of(session, bo, other, clock())
        assert not users.end_session(session, ana, named.handle)
        listed = users.sessions_of(session, ana, mine[0], clock())
        assert [(one.agent, one.mine) for one in listed] == [("agent 2", False), ("agent 1", False), ("agent 0", True)]
        assert users.end_session(session, ana, listed[0].handle)
        users.end_others(session, ana, mine[0])
        assert [one.mine for one in users.sessions_of(session, ana, mine[0], clock())] == [True]
        assert callers.by_session(session, other, clock()) is not None


def test_sessions_that_are_over_are_removed(store: Store, clock: Clock) -> None:
    user = a_user(store, clock)
    with store.transaction() as session:
        idle = users.open_session(session, user, "idle", clock())
        clock.now += callers.IDLE - timedelta(hours=1)
        used = users.open_session(session, user, "used", clock())
        clock.advance(hours=1)
        assert users.forget_old(session, clock()) == 1
        assert callers.by_session(session, idle, clock()) is None
        assert callers.by_session(session, used, clock()) is not None
