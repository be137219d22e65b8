"""What the buttons of an incident ask for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from listener.store.life import Act

TOMORROW = "tomorrow"
MORNING = time(9)

LENGTHS: Mapping[str, timedelta] = {"1h": timedelta(hours=1), "4h": timedelta(hours=4)}
"""How long an incident can be snoozed with one press; beside that there is TOMORROW at MORNING, where the reader is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What came with a button: words, a person, a length, and the reader's time zone."""

    why: str = ""
    text: str = ""
    to: str = ""
    length: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Doing:
    """An act and what it needs to know (``listener.store.life.Act``)."""

    act: Act
    what: Mapping[str, Any] = field(default_factory=dict)


def act_of(name: str, asked: Asked, now: datetime) -> Doing | None:
    """What an address's last part asks for; None for what is nothing there is."""
    match name:
        case "acknowledge" | "wake" | "answer":
            return Doing(Act(name))
        case "take":
            return Doing(Act.ASSIGN)
        case "take-over":
            return Doing(Act.ASSIGN, {"over": True})
        case "assign":
            return Doing(Act.ASSIGN, {"to": asked.to or None, "over": True})
        case "snooze":
            return Doing(Act.SNOOZE, {"until": _until(asked.length, asked.zone, now)})
        case "resolve" | "reopen":
            return Doing(Act(name), {"why": asked.why})
        case "note":
            return Doing(Act.NOTE, {"text": asked.text})
        case "useful" | "not-useful":
            return Doing(Act.FEEDBACK, {"useful": name == "useful", "via": "page"})
        case _:
            return None


def _until(length: str, zone: str, now: datetime) -> datetime:
    if length in LENGTHS:
        return now + LENGTHS[length]
    there = now.astimezone(_zone(zone))
    # The reader's clock, also on a day on which it is changed.
    return datetime.combine(there.date() + timedelta(days=1), MORNING, there.tzinfo)


def _zone(name: str) -> ZoneInfo:
    """The reader's time zone as their browser names it; UTC for what is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")
