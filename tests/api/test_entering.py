"""The first administrator and new passwords, on both databases, with several people at once."""

import pytest

from api import entering, passwords
from api.entering import SetUpError
from listener.access import Role
from listener.config import Settings
from listener.store import tokens, users
from listener.store.tokens import Purpose
from tests.listener.conftest import together

from .conftest import House

PASSWORD = "a lamp in the window"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long is tested with the pages."""
    monkeypatch.setattr(passwords, "hashed", lambda said: f"kept {said}")


def setup_token(house: House) -> str:
    address = entering.awaited(house.store, Settings(), house.now)
    assert address is not None
    return address.partition("token=")[2]


@pytest.mark.parametrize("several", [False, True])
def test_of_some_who_set_up_at_once_one_wins(house: House, several: bool) -> None:
    """With one token, or each with that of another process."""
    first = setup_token(house)
    given = [setup_token(house) if several else first for _ in range(3)]

    def take(number: int) -> bool:
        try:
            entering.set_up(house.store, given[number], f"u{number}@x.example", "u", PASSWORD, "test", house.now)
        except SetUpError:
            return False
        return True

    assert sorted(together(*[lambda number=number: take(number) for number in range(3)])) == [False, False, True]
    with house.store.reading() as session:
        assert len(users.listed(session)) == users.administrators(session) == 1
    assert entering.awaited(house.store, Settings(), house.now) is None


def test_of_some_who_take_an_invitation_at_once_one_gets_in(house: House) -> None:
    with house.store.transaction() as session:
        user = users.invite(session, "ana@x.example", "Ana", {None: Role.VIEWER}, house.now)
        token = tokens.issue(session, Purpose.JOIN, house.now, user_id=user)
    words = [f"{PASSWORD} {number}" for number in range(3)]
    got = together(*[lambda said=said: entering.join(house.store, token, said, "test", house.now) for said in words])
    assert [one is not None for one in got].count(True) == 1
    with house.store.reading() as session:
        kept = users.with_email(session, "ana@x.example")
    assert kept is not None
    assert kept.password_hash == f"kept {words[[one is not None for one in got].index(True)]}"


def test_a_password_changed_meanwhile_is_not_taken(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was right when it was compared, and is not any more."""
    with house.store.transaction() as session:
        user = users.add_user(session, "ana@x.example", "Ana", {}, house.now, password_hash="kept before")

    def compared(said: str, kept: str | None) -> tuple[bool, str | None]:
        with house.store.transaction() as session:
            users.set_password(session, user, "kept after")
        return True, None

    monkeypatch.setattr(passwords, "matches", compared)
    assert entering.sign_in(house.store, "ana@x.example", PASSWORD, "192.0.2.7", "test", house.now) is None
