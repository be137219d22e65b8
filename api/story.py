"""Incidents' lives and silences in words, for the terminal and the pages. Times mostly stand beside the words.

Every function takes the voice it is to speak with; without one it speaks English.
"""

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
from alerts.wording import moment
from api import findings
from api.voice import ENGLISH, Voice

_SENTENCES = {reason.value: reason.sentence for reason in Reason}

Detail = Mapping[str, Any]
_Line = Callable[[Voice, str, Detail], str]

_NAME, _LINE = 60, 160
"""Characters of what a person wrote, on a line beside others."""


def sentence(reason: str | None, voice: Voice = ENGLISH) -> str:
    """What a named reason means; nothing for what is none."""
    found = _SENTENCES.get(reason or "", "")
    return voice.gettext(found) if found else ""


def why(reason: str | None, voice: Voice = ENGLISH) -> str:
    """A named reason's sentence; a person's own words as they are."""
    return sentence(reason, voice) or (voice.gettext("by hand") if reason == "by hand" else reason or "")


def after(since: datetime, until: datetime, voice: Voice = ENGLISH) -> str:
    """How long something took: to the minute, beyond a day to the hour."""
    length = max(until - since, timedelta(0))
    if length < timedelta(minutes=1):
        return voice.gettext("less than a minute")
    unit = timedelta(hours=1) if length >= timedelta(days=1) else timedelta(minutes=1)
    return in_words(length // unit * unit)


def told(event: RowMapping, voice: Voice = ENGLISH) -> str:
    """One line of a timeline, without its time."""
    actor, detail = event["actor"] or "Escucha", event["detail"]
    words = _WORDS.get(event["kind"])
    return words(voice, actor, detail) if words is not None else f"{actor}: {event['kind'].replace('_', ' ')}"


def decided(row: RowMapping, voice: Voice = ENGLISH) -> str:
    """A decision, without its time and channel: what was told or held back, and why."""
    kind = f" ({voice.gettext(row['kind']).replace('_', ' ')})" if row["kind"] else ""
    what = voice.gettext("told") if row["action"] == "send" else voice.gettext("not told")
    times = f" {_times(voice, row['times'])}" if row["times"] > 1 else ""
    detail = f" {row['detail']}" if row["detail"] else ""
    until = voice.gettext("Until {moment}.").format(moment=moment(row["until"])) if row["until"] else ""
    return f"{what}{kind}{times}: {why(row['reason'], voice)}{detail} {until}".rstrip()


@dataclass(frozen=True, slots=True)
class Happened:
    """A thing that happened to an incident: words, its moment where it has one, and words behind that."""

    words: str
    at: datetime | None = None
    more: str = ""

    def __str__(self) -> str:
        return f"{self.words} {moment(self.at)}{self.more}" if self.at is not None else f"{self.words}{self.more}"


def standing(row: Mapping[str, Any], voice: Voice = ENGLISH) -> list[Happened]:
    """How an incident stands."""
    found, _ = [], voice.gettext
    if row["acknowledged_at"]:
        took = after(row["created_at"], row["acknowledged_at"], voice)
        more = "" if row["reopened"] else _(", after {time}").format(time=took)
        by = _("acknowledged by {who}").format(who=row["acknowledged_by"])
        found.append(Happened(by, row["acknowledged_at"], more))
    if row["snoozed_until"]:
        found.append(Happened(_("snoozed until"), row["snoozed_until"]))
    if row["answered_at"]:
        found.append(Happened(_("answered"), row["answered_at"]))
    if row["resolved_at"]:
        who = row["resolved_by"]
        by = _("resolved by {who}").format(who=who) if who else _("ended by itself")
        found.append(Happened(by, row["resolved_at"], f": {why(row['resolved_why'], voice)}"))
    if row["reopened"]:
        found.append(Happened(_("came back {times}").format(times=_times(voice, row["reopened"]))))
    return found


def silenced_ones(matchers: Mapping[str, Sequence[str]], voice: Voice = ENGLISH) -> str:
    """Which incidents a silence is about."""
    _ = voice.gettext
    named = {
        "brand": _("brand"), "rule": _("rule"), "severity": _("severity"), "language": _("language"),
        "platform": _("platform"),
    }  # fmt: skip
    either = _("{one} or {other}")
    found = []
    for label, values in matchers.items():
        said = values[0] if values else ""
        for value in values[1:]:
            said = either.replace("{other}", value).replace("{one}", said, 1)
        found.append(f"{named.get(label, label)} {said}")
    return ", ".join(found) or _("every incident")


def silence_line(silence: Silence, voice: Voice = ENGLISH) -> str:
    """A silence in force, on one line."""
    said = voice.gettext("Silenced: {what}, until {moment}, by {who}").format(
        what=shorten(silenced_ones(silence.matchers, voice), _LINE), moment=moment(silence.ends_at),
        who=shorten(silence.created_by, _NAME),
    )  # fmt: skip
    return f"{said}: {shorten(silence.comment, _LINE)}" if silence.comment else said


def in_force(silences: Sequence[Silence], now: datetime, voice: Voice = ENGLISH) -> list[str]:
    """The silences that mute something now, a line each; those that mute everything first."""
    found = sorted((one for one in silences if one.starts_at <= now < one.ends_at), key=lambda one: bool(one.matchers))
    return [silence_line(one, voice) for one in found]


def _times(voice: Voice, number: int) -> str:
    return voice.ngettext("{n} time", "{n} times", number).format(n=f"{number:,}")


def _channels(voice: Voice, detail: Detail) -> str:
    return ", ".join(name for name in detail.get("channels", ()) if name) or voice.gettext("no channel")


def _more(voice: Voice, detail: Detail) -> str:
    said = why(detail.get("reason"), voice)
    return f"{said} {detail['detail']}" if detail.get("detail") else said


def _because(voice: Voice, detail: Detail) -> str:
    said = why(detail.get("why"), voice)
    return f": {said}" if said else ""


def _time(value: object) -> str:
    return moment(datetime.fromisoformat(value)) if isinstance(value, str) else ""


def _grew(voice: Voice, detail: Detail) -> str:
    count = detail.get("count", 0)
    return voice.ngettext("it grew to {n} mention", "it grew to {n} mentions", count).format(n=f"{count:,}")


def _assigned(voice: Voice, actor: str, detail: Detail) -> str:
    if detail.get("to") == actor:
        return voice.gettext("{who} took it").format(who=actor)
    return voice.gettext("{who} gave it to {whom}").format(who=actor, whom=detail.get("to"))


def _found(voice: Voice, actor: str, detail: Detail) -> str:
    said = (
        voice.gettext("{who} found it useful") if detail.get("useful") else voice.gettext("{who} found it not useful")
    )
    return said.format(who=actor)


def _who(said: Callable[[Voice], str], more: Callable[[Voice, Detail], str] | None = None) -> _Line:
    """A line that names who did it, and what stands behind it."""

    def line(voice: Voice, actor: str, detail: Detail) -> str:
        return said(voice).format(who=actor) + (more(voice, detail) if more is not None else "")

    return line


def _told_to(said: Callable[[Voice], str]) -> _Line:
    """A line that names channels, and why they were told or not."""

    def line(voice: Voice, _: str, detail: Detail) -> str:
        return f"{said(voice).format(channels=_channels(voice, detail))}: {_more(voice, detail)}"

    return line


_WORDS: Mapping[str, _Line] = {
    EventKind.OPENED: _who(
        lambda voice: voice.gettext("{who} opened it"),
        lambda voice, detail: f": {findings.said(detail.get('because', ''), voice)}",
    ),
    EventKind.GREW: lambda voice, _, detail: _grew(voice, detail),
    EventKind.ACKNOWLEDGED: _who(lambda voice: voice.gettext("{who} acknowledged it")),
    EventKind.ASSIGNED: _assigned,
    EventKind.SNOOZED: lambda voice, actor, detail: (
        voice.gettext("{who} snoozed it until {moment}").format(who=actor, moment=_time(detail.get("until")))
    ),
    EventKind.WOKEN: _who(lambda voice: voice.gettext("{who} ended the snooze")),
    EventKind.ANSWERED: lambda voice, actor, detail: (
        voice.gettext("{who} noted an answer of {moment}").format(who=actor, moment=_time(detail.get("at")))
    ),
    EventKind.RESOLVED: _who(lambda voice: voice.gettext("{who} resolved it"), _because),
    EventKind.ENDED: _who(lambda voice: voice.gettext("it ended by itself"), _because),
    EventKind.REOPENED: _who(lambda voice: voice.gettext("{who} reopened it"), _because),
    EventKind.TOLD: _told_to(lambda voice: voice.gettext("told {channels}")),
    EventKind.HELD: _told_to(lambda voice: voice.gettext("not told {channels}")),
    EventKind.ESCALATED: _told_to(lambda voice: voice.gettext("told further up, {channels}")),
    EventKind.FEEDBACK: _found,
    EventKind.NOTE: _who(lambda voice: voice.gettext("{who} noted"), lambda _, detail: f": {detail.get('text', '')}"),
}  # fmt: skip
