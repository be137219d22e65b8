"""May a brand use a promoter's words again? The steps from asking their author to what the author said. Pure.

Silence is no leave: words count as granted only with a proof of who allowed it and where, for as long as they allowed
it, and only while they are the words that were asked about.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from alerts.links import web_link
from alerts.text import one_line, tame
from listener.items import storable

LONGEST_PROOF = 4_000
LONGEST_NAME = 200
LONGEST_TERMS = 2_000
LONGEST_REASON = 1_000
"""Characters."""

FURTHEST = timedelta(days=366 * 50)
"""How far ahead a permission may end; one without an end has none."""

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class State(StrEnum):
    """What is kept of a permission; no row at all is the same as NOT_ASKED."""

    NOT_ASKED = "not_asked"
    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"


class Standing(StrEnum):
    """How a permission stands at a moment: its state, or what has become of one that was granted."""

    NOT_ASKED = "not_asked"
    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    EXPIRED = "expired"
    CHANGED = "changed"


STEPS: Mapping[Standing, frozenset[State]] = {
    Standing.NOT_ASKED: frozenset({State.ASKED, State.REFUSED}),
    Standing.ASKED: frozenset({State.GRANTED, State.REFUSED, State.NOT_ASKED}),
    Standing.GRANTED: frozenset({State.GRANTED, State.REFUSED}),
    Standing.REFUSED: frozenset({State.ASKED}),
    Standing.EXPIRED: frozenset({State.ASKED, State.GRANTED, State.REFUSED}),
    Standing.CHANGED: frozenset({State.ASKED, State.GRANTED, State.REFUSED}),
}
"""What may follow. From asked back to not asked: somebody pressed the wrong button. From granted to refused: the author
took it back. From granted to granted: the same with another proof, other terms or another end."""


class StepRefused(ValueError):
    """A step that cannot be taken; the message says what to do instead."""


class TakeAnotherStep(StepRefused):
    """This state does not follow the one before."""


class GiveProof(StepRefused):
    """What shows that the author allowed it is missing, or cannot be followed."""


class GiveReason(StepRefused):
    """Whoever refused is asked again only for a reason that can be read later."""


class ChooseAnotherEnd(StepRefused):
    """The permission would be over already, or never."""


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody wants to keep. ``proof``: the https address at which the author said yes, or their words, and then
    ``said_by`` names who said them. ``terms``: for what the words may be used. ``reason``: why it is done."""

    to: State
    proof: str = ""
    said_by: str = ""
    terms: str = ""
    expires_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Permission:
    """What is known of one; its defaults are what is known where nobody ever asked. ``edition``: of the words that it
    is for. ``history``: every step, the first one first."""

    state: State = State.NOT_ASKED
    asked_at: datetime | None = None
    asked_by: str | None = None
    answered_at: datetime | None = None
    proof: str | None = None
    terms: str = ""
    expires_at: datetime | None = None
    edition: int = 0
    version: int = 0
    changed_at: datetime | None = None
    changed_by: str | None = None
    history: tuple[Mapping[str, Any], ...] = field(default=())


def standing(permission: Permission, edition: int, now: datetime) -> Standing:
    """How it stands for the words of that ``edition``."""
    if permission.state is not State.GRANTED:
        return Standing(permission.state.value)
    if permission.expires_at is not None and permission.expires_at <= now:
        return Standing.EXPIRED
    return Standing.GRANTED if permission.edition == edition else Standing.CHANGED


def after(permission: Permission, step: Step, edition: int, actor: str, now: datetime) -> dict[str, Any]:
    """What a step makes of it: the values that change, by the names of ``Permission``. Raises StepRefused."""
    before = standing(permission, edition, now)
    if step.to not in STEPS[before]:
        raise TakeAnotherStep(f"{_HOW[before]}; {_INSTEAD[before]}")
    reason = storable(tame(step.reason)).strip()[:LONGEST_REASON]
    if before is Standing.REFUSED and not reason:
        raise GiveReason("the author has refused: they are asked again only for a reason; say it as `reason`")
    # An answer is about the words that were asked about, whatever the author has made of them since.
    about = permission.edition if before is Standing.ASKED and step.to is State.GRANTED else edition
    changed: dict[str, Any] = {"state": step.to, "changed_at": now, "changed_by": actor, "edition": about}
    granted: dict[str, Any] = {"proof": None, "terms": "", "expires_at": None}
    if step.to is State.ASKED:
        changed |= granted | {"asked_at": now, "asked_by": actor, "answered_at": None}
    elif step.to is State.NOT_ASKED:
        changed |= granted | {"asked_at": None, "asked_by": None, "answered_at": None}
    elif step.to is State.REFUSED:
        changed |= granted | {"answered_at": now}
    else:
        granted = {
            "proof": proved(step.proof, step.said_by),
            "terms": storable(tame(step.terms)).strip()[:LONGEST_TERMS],
            "expires_at": _end(step.expires_at, now),
        }
        changed |= granted | {"answered_at": now}
    kept: dict[str, Any] = {"at": now.isoformat(), "by": actor, "state": step.to.value}
    if step.to is State.GRANTED:
        end = granted["expires_at"]
        kept |= {**granted, "expires_at": end.isoformat() if end else None, "edition": about}
    if reason:
        kept["reason"] = reason
    return changed | {"history": (*permission.history, kept), "version": permission.version + 1}


def proved(proof: str, said_by: str) -> str:
    """A proof as it is kept: an https address, or the author's words with who said them. Raises GiveProof."""
    said, who = storable(tame(proof)).strip()[:LONGEST_PROOF], storable(one_line(said_by))[:LONGEST_NAME]
    if not said:
        raise GiveProof("say what shows that the author allowed it: an https address, or their words and who said them")
    if _ADDRESS.match(said):
        link = web_link(said)
        if link is None or not link.startswith("https://"):
            raise GiveProof("the address of the proof must begin with https:// and lead somewhere")
        return link
    if not who:
        raise GiveProof("where the proof is no https address, say as `said_by` who said these words")
    return f"{who}: {said}"


def _end(expires_at: datetime | None, now: datetime) -> datetime | None:
    if expires_at is None:
        return None
    if expires_at <= now:
        raise ChooseAnotherEnd("the permission would be over already; give a later end, or none")
    if expires_at - now > FURTHEST:
        raise ChooseAnotherEnd("the permission may end within 50 years; give an earlier end, or none")
    return expires_at


_HOW: Mapping[Standing, str] = {
    Standing.NOT_ASKED: "nobody has asked the author yet",
    Standing.ASKED: "the author has been asked already",
    Standing.GRANTED: "the author has allowed it",
    Standing.REFUSED: "the author has refused",
    Standing.EXPIRED: "the permission is over",
    Standing.CHANGED: "the words have changed since the author allowed their use",
}

_INSTEAD: Mapping[Standing, str] = {
    Standing.NOT_ASKED: "keep first that they were asked (asked), or that they do not want it (refused)",
    Standing.ASKED: "keep what they said (granted or refused), or that it was a mistake (not_asked)",
    Standing.GRANTED: "it can be kept anew with another proof (granted), or taken back (refused)",
    Standing.REFUSED: "they can only be asked again, for a reason (asked)",
    Standing.EXPIRED: "ask again (asked), or keep what they say now (granted or refused)",
    Standing.CHANGED: "ask again (asked), or keep what they say of the new words (granted or refused)",
}
