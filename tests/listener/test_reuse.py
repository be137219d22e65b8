"""The steps of a permission, and what counts as one."""

from datetime import datetime, timedelta

import pytest

from listener import reuse
from listener.reuse import (
    STEPS,
    ChooseAnotherEnd,
    GiveProof,
    GiveReason,
    Permission,
    Standing,
    State,
    Step,
    TakeAnotherStep,
    after,
    standing,
)
from listener.reuse_request import likely_language, request_words
from tests.conftest import NOON

LINK = "https://social.example/@ana/3"
YES = Step(State.GRANTED, proof=LINK, terms="Web page")


def walk(*steps: Step, edition: int = 0, now: datetime = NOON) -> Permission:
    """A permission after these steps."""
    found = Permission()
    for step in steps:
        found = Permission(**_all(found) | after(found, step, edition, "mar", now))
    return found


def _all(permission: Permission) -> dict[str, object]:
    return {name: getattr(permission, name) for name in Permission.__slots__}


ASK = Step(State.ASKED)
NO = Step(State.REFUSED)

STANDINGS: dict[Standing, tuple[Permission, int, datetime]] = {
    Standing.NOT_ASKED: (Permission(), 0, NOON),
    Standing.ASKED: (walk(ASK), 0, NOON),
    Standing.GRANTED: (walk(ASK, YES), 0, NOON),
    Standing.REFUSED: (walk(ASK, NO), 0, NOON),
    Standing.EXPIRED: (
        walk(ASK, Step(State.GRANTED, proof=LINK, expires_at=NOON + timedelta(days=1))), 0, NOON + timedelta(days=1),
    ),
    Standing.CHANGED: (walk(ASK, YES), 1, NOON),
}  # fmt: skip


@pytest.mark.parametrize("before", Standing)
@pytest.mark.parametrize("to", State)
def test_only_what_follows_is_kept(before: Standing, to: State) -> None:
    permission, edition, now = STANDINGS[before]
    assert standing(permission, edition, now) is before
    step = Step(to, proof=LINK, reason="they wrote to us")
    if to in STEPS[before]:
        kept = after(permission, step, edition, "mar", now)
        assert (kept["state"], kept["changed_by"], kept["version"]) == (to, "mar", permission.version + 1)
        assert [one["state"] for one in kept["history"]] == [*(one["state"] for one in permission.history), to.value]
    else:
        with pytest.raises(TakeAnotherStep):
            after(permission, step, edition, "mar", now)


@pytest.mark.parametrize(
    ("proof", "said_by", "kept"),
    [
        (LINK, "", LINK),
        (f"  {LINK} ", "ignored", LINK),
        ("Sure, go\nahead", "Ana Ruiz, by mail", "Ana Ruiz, by mail: Sure, go\nahead"),
        ("yes\x00\u202e", "a\nb", "a b: yes"),
    ],
)
def test_a_proof_is_an_address_or_words_of_somebody(proof: str, said_by: str, kept: str) -> None:
    assert reuse.proved(proof, said_by) == kept


@pytest.mark.parametrize(
    ("proof", "said_by"),
    [("", "Ana"), (" \x00", "Ana"), ("go ahead", " "), ("http://social.example/3", "Ana"), ("javascript://x", "Ana"),
     ("https://bank.example@evil.example/", "Ana"), ("https://", "Ana")],
)  # fmt: skip
def test_without_a_proof_nothing_is_granted(proof: str, said_by: str) -> None:
    with pytest.raises(GiveProof):
        after(walk(ASK), Step(State.GRANTED, proof=proof, said_by=said_by), 0, "mar", NOON)


def test_who_has_refused_is_asked_again_only_for_a_reason() -> None:
    refused = walk(ASK, NO)
    with pytest.raises(GiveReason):
        after(refused, Step(State.ASKED, reason=" \n"), 0, "mar", NOON)
    asked = after(refused, Step(State.ASKED, reason="another campaign"), 0, "mar", NOON)
    assert asked["history"][-1]["reason"] == "another campaign"


@pytest.mark.parametrize("length", [timedelta(0), timedelta(days=-1), timedelta(days=400 * 366)])
def test_a_permission_ends_later_and_within_a_lifetime(length: timedelta) -> None:
    with pytest.raises(ChooseAnotherEnd):
        after(walk(ASK), Step(State.GRANTED, proof=LINK, expires_at=NOON + length), 0, "mar", NOON)


def test_it_is_for_the_words_that_were_asked_about() -> None:
    asked = walk(ASK, edition=3)
    granted = Permission(**_all(asked) | after(asked, YES, 4, "mar", NOON))
    assert granted.edition == 3
    assert standing(granted, 3, NOON) is Standing.GRANTED
    assert standing(granted, 4, NOON) is Standing.CHANGED
    again = Permission(**_all(granted) | after(granted, YES, 4, "mar", NOON))
    assert standing(again, 4, NOON) is Standing.GRANTED


def test_what_was_granted_goes_when_it_is_taken_back() -> None:
    back = walk(ASK, YES, NO)
    assert (back.proof, back.terms, back.expires_at) == (None, "", None)
    assert back.history[1]["proof"] == LINK


def test_words_to_ask_with() -> None:
    row = {"author": "ana\u202e\n{brand}", "brand": "Lumbra", "url": "javascript:alert(1)"}
    assert request_words("en", row).startswith("Hello ana {brand}! Thank you for what you wrote about Lumbra. We")
    row = {"author": None, "brand": "Lumbra", "url": "https://social.example/3"}
    assert request_words("es", row).startswith("¡Hola! Muchas gracias por lo que ha escrito sobre Lumbra (https://")
    assert [likely_language(lang) for lang in ("es", "ES-mx", "en", None)] == ["es", "es", "en", "en"]
