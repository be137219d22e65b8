"""Incidents' lives and silences in words, for the terminal and the page. Times mostly stand beside the words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping

from alerts.durations import in_words
from alerts.life import EventKind
from alerts.muting import Silence
from alerts.reasons import Reason
from alerts.text import shorten
from alerts.wording import counted, moment

_SENTENCES = {reason.value: reason.sentence for reason in Reason}

Detail = Mapping[str, Any]

_NAME, _LINE = 60, 160
"""Characters of what a person wrote, on a line beside others."""


def sentence(reason: str | None) -> str:
    """What a named reason means; nothing for what is none."""
    return _SENTENCES.get(reason or "", "")


def why(reason: str | None) -> str:
    """A named reason's sentence; a person's own words as they are."""
    return _SENTENCES.get(reason or "", reason or "")


def after(since: datetime, until: datetime) -> str:
    """How long something took: to the minute, beyond a day to the hour."""
    length = max(until - since, timedelta(0))
    if length < timedelta(minutes=1):
        return "less than a minute"
    unit = timedelta(hours=1) if length >= timedelta(days=1) else timedelta(minutes=1)
    return in_words(length // unit * unit)


def told(event: RowMapping) -> str:
    """One line of a timeline, without its time."""
    actor, detail = event["actor"] or "Escucha", event["detail"]
    words = _WORDS.get(event["kind"])
    return words(actor, detail) if words is not None else f"{actor}: {event['kind'].replace('_', ' ')}"


def decided(row: RowMapping) -> str:
    """A decision, without its time and channel: what was told or held back, and why."""
    kind = f" ({row['kind']})" if row["kind"] else ""
    what = "told" if row["action"] == "send" else "not told"
    times = f" {counted(row['times'], 'time')}" if row["times"] > 1 else ""
    detail = f" {row['detail']}" if row["detail"] else ""
    until = f" Until {moment(row['until'])}." if row["until"] else ""
    return f"{what}{kind}{times}: {why(row['reason'])}{detail}{until}"


@dataclass(frozen=True, slots=True)
class Happened:
    """A thing that happened to an incident: words, its moment where it has one, and words behind that."""

    words: str
    at: datetime | None = None
    more: str = ""

    def __str__(self) -> str:
        return f"{self.words} {moment(self.at)}{self.more}" if self.at is not None else f"{self.words}{self.more}"


def standing(row: Mapping[str, Any]) -> list[Happened]:
    """How an incident stands."""
    found = []
    if row["acknowledged_at"]:
        took = "" if row["reopened"] else f", after {after(row['created_at'], row['acknowledged_at'])}"
        found.append(Happened(f"acknowledged by {row['acknowledged_by']}", row["acknowledged_at"], took))
    if row["snoozed_until"]:
        found.append(Happened("snoozed until", row["snoozed_until"]))
    if row["answered_at"]:
        found.append(Happened("answered", row["answered_at"]))
    if row["resolved_at"]:
        by = f"resolved by {row['resolved_by']}" if row["resolved_by"] else "ended by itself"
        found.append(Happened(by, row["resolved_at"], f": {why(row['resolved_why'])}"))
    if row["reopened"]:
        found.append(Happened(f"came back {counted(row['reopened'], 'time')}"))
    return found


def silenced_ones(matchers: Mapping[str, Sequence[str]]) -> str:
    """Which incidents a silence is about."""
    return ", ".join(f"{label} {' or '.join(values)}" for label, values in matchers.items()) or "every incident"


def in_force(silences: Sequence[Silence], now: datetime) -> list[str]:
    """The silences that mute something now, a line each; those that mute everything first."""
    found = sorted((one for one in silences if one.starts_at <= now < one.ends_at), key=lambda one: bool(one.matchers))
    return [
        f"Silenced: {shorten(silenced_ones(one.matchers), _LINE)}, until {moment(one.ends_at)}, "
        f"by {shorten(one.created_by, _NAME)}" + (f": {shorten(one.comment, _LINE)}" if one.comment else "")
        for one in found
    ]


def _channels(detail: Detail) -> str:
    return ", ".join(name for name in detail.get("channels", ()) if name) or "no channel"


def _more(detail: Detail) -> str:
    said = why(detail.get("reason"))
    return f"{said} {detail['detail']}" if detail.get("detail") else said


def _because(detail: Detail) -> str:
    said = why(detail.get("why"))
    return f": {said}" if said else ""


def _time(value: object) -> str:
    return moment(datetime.fromisoformat(value)) if isinstance(value, str) else ""


_WORDS: Mapping[str, Callable[[str, Detail], str]] = {
    EventKind.OPENED: lambda actor, detail: f"{actor} opened it: {detail.get('because', '')}",
    EventKind.GREW: lambda _, detail: f"it grew to {counted(detail.get('count', 0), 'mention')}",
    EventKind.ACKNOWLEDGED: lambda actor, _: f"{actor} acknowledged it",
    EventKind.ASSIGNED: lambda actor, detail: (
        f"{actor} took it" if detail.get("to") == actor else f"{actor} gave it to {detail.get('to')}"
    ),
    EventKind.SNOOZED: lambda actor, detail: f"{actor} snoozed it until {_time(detail.get('until'))}",
    EventKind.WOKEN: lambda actor, _: f"{actor} ended the snooze",
    EventKind.ANSWERED: lambda actor, detail: f"{actor} noted an answer of {_time(detail.get('at'))}",
    EventKind.RESOLVED: lambda actor, detail: f"{actor} resolved it{_because(detail)}",
    EventKind.ENDED: lambda _, detail: f"it ended by itself{_because(detail)}",
    EventKind.REOPENED: lambda actor, detail: f"{actor} reopened it{_because(detail)}",
    EventKind.TOLD: lambda _, detail: f"told {_channels(detail)}: {_more(detail)}",
    EventKind.HELD: lambda _, detail: f"not told {_channels(detail)}: {_more(detail)}",
    EventKind.ESCALATED: lambda _, detail: f"told further up, {_channels(detail)}: {_more(detail)}",
    EventKind.FEEDBACK: lambda actor, detail: (
        f"{actor} found it {'useful' if detail.get('useful') else 'not useful'}"
    ),
    EventKind.NOTE: lambda actor, detail: f"{actor} noted: {detail.get('text', '')}",
}  # fmt: skip
