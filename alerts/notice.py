"""What a channel is given to send: everything it may show, fixed when it was decided, and stored with the delivery.

A notice is a neutral document: a title, a line saying why, facts, quotations, sections, links, charts and buttons. A
channel lays it out within its own limits and need not know what it is about; what goes into one is decided where it is
written (`alerts.writing` for incidents). Everything in it is plain text, which the channel escapes. What strangers said
stands in `quotes` alone, so that it can be blanked when it is deleted.
"""

import hashlib
import json
from base64 import b64decode
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

from alerts.incident import Incident
from alerts.mentions import ScoredMention
from alerts.severity import Severity
from alerts.text import around, one_line, tame

VERSION = 2
"""Of the stored form. Raise it when a reader of the old form would be wrong, and keep reading the old one."""

QUOTE_LIMIT = 4_000
"""Characters of a mention that a notice keeps: more than any channel shows, and the rest is one link away."""

LINE_LIMIT = 300
"""Characters of an author's or brand's name."""

Language = Literal["en", "es"]


class NoticeKind(StrEnum):
    """What a notice is for. Names are stored: never rename one."""

    OPENED = "opened"
    GREW = "grew"
    UPDATED = "updated"
    ESCALATED = "escalated"
    REMINDER = "reminder"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    SUMMARY = "summary"
    DIGEST = "digest"
    CHANNEL_OFF = "channel_off"
    TEST = "test"


class Action(StrEnum):
    """What a button does. Names are stored and travel through platforms: never rename one."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    SNOOZE = "snooze"
    USEFUL = "useful"
    NOT_USEFUL = "not_useful"


@dataclass(frozen=True, slots=True)
class QuotedMention:
    """A mention that a notice shows. `text` is free of control characters and, if long, the part around the brand.

    `probability` is of being a detractor, 0 to 1; `reach` is in people, None when unknown. `id` is the pair's, by which
    a quotation is blanked when the mention is deleted.
    """

    id: int | None
    text: str
    url: str | None
    author: str | None
    source: str
    lang: str | None
    created_at: datetime
    reach: int | None
    label: str | None
    probability: float
    model: str
    revision: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part with a heading and lines of plain text under it."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A place to go to. `label` is ours, `url` may be a stranger's."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Button:
    """Something to press where the channel can answer; elsewhere it is left out."""

    action: Action
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture. `png` is base64; `alt` says in words what is to be seen in it."""

    name: str
    alt: str
    png: str

    @property
    def data(self) -> bytes:
        """The picture itself."""
        return b64decode(self.png)


@dataclass(frozen=True, slots=True)
class About:
    """The incident that a notice is about, as it was when the notice was written."""

    id: int
    brand: str | None
    rule: str
    state: str
    version: int
    count: int
    reach: int
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell people.

    `key` is the same each time this is sent, on whatever channel: it tells duplicates apart from news. `title` and
    `why` are one line each, `why` with the reason and its numbers. `language` is that of our own words, `timezone`
    (IANA) the one in which times are written.
    """

    key: str
    kind: NoticeKind
    title: str
    why: str
    made_at: datetime
    severity: Severity = Severity.WARNING
    language: Language = "en"
    timezone: str = "UTC"
    about: About | None = None
    facts: tuple[tuple[str, str], ...] = ()
    quotes: tuple[QuotedMention, ...] = ()
    sections: tuple[Section, ...] = ()
    links: tuple[Link, ...] = ()
    charts: tuple[Chart, ...] = ()
    buttons: tuple[Button, ...] = ()

    def to_json(self) -> str:
        """The stored form: ASCII, keys sorted, so equal notices are equal text."""
        return json.dumps({"version": VERSION, **asdict(self)}, sort_keys=True, default=_written)

    @classmethod
    def from_json(cls, stored: str) -> "Notice":
        """Read the stored form, of this version or an older one. Raises ValueError, naming what is wrong."""
        try:
            fields = json.loads(stored)
        except ValueError as error:
            raise ValueError(f"a stored notice is a JSON object; this is not JSON: {error}") from error
        if not isinstance(fields, dict):
            raise ValueError(f"a stored notice is a JSON object; this is a {type(fields).__name__}")  # noqa: TRY004
        version = fields.pop("version", None)
        try:
            if version == 1:
                return _from_first_version(fields)
            if version != VERSION:
                raise ValueError(f"this notice was stored in version {version}; this Escucha reads up to {VERSION}")
            return _from_fields(fields)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the stored notice lacks or misspells something: {error}") from error


def key_of(incident: Incident, kind: NoticeKind, *what: object) -> str:
    """The stable id of what is told: made of what identifies the incident, the kind, and what tells it apart from
    others of its kind (the step, the version, the number of times).

    Made of what identifies the incident before the store has given it an id: two workers that decide the same thing, or
    one that is killed and decides again, arrive at the same key.
    """
    # One moment has many writings: a database may hand the time back in another zone.
    opened = incident.opened_at.astimezone(UTC).isoformat()
    parts = (incident.brand or "", incident.rule, incident.group, opened, *(str(part) for part in what))
    return f"{incident.rule}-{kind.value}-{digest(kind.value, *parts)}"


def digest(*parts: str) -> str:
    """Sixteen hexadecimal digits that stand for these parts."""
    return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()[:16]


def quote(mention: ScoredMention) -> QuotedMention:
    """A mention as notices show it."""
    start = mention.spans[0][0] if mention.spans else 0
    return QuotedMention(
        id=mention.id,
        # Cut before taming: the spans are offsets in the original.
        text=tame(around(mention.text, start, QUOTE_LIMIT)),
        url=mention.url,
        author=one_line(mention.author)[:LINE_LIMIT] if mention.author else None,
        source=one_line(mention.source)[:LINE_LIMIT],
        lang=mention.lang,
        created_at=mention.created_at,
        reach=mention.reach,
        label=mention.standing,
        probability=mention.probability(),
        model=mention.model,
        revision=mention.revision,
    )


def for_test(channel: str, now: datetime) -> Notice:
    """What "send a test" sends: clearly a test, and laid out as a real one."""
    sample = QuotedMention(
        id=None, text="If you can read this, notices will arrive here.", url=None, author=None, source="escucha",
        lang="en", created_at=now, reach=None, label=None, probability=0.0, model="none", revision="none",
    )  # fmt: skip
    return Notice(
        key=f"test-{digest('test', channel, now.isoformat())}",
        kind=NoticeKind.TEST,
        title="Test message from Escucha",
        why=f"Somebody asked for a test of the channel {one_line(channel)[:LINE_LIMIT]}. Nothing has happened.",
        made_at=now,
        severity=Severity.INFO,
        quotes=(sample,),
    )


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a notice holds no {type(value).__name__}")


def _from_fields(fields: dict[str, Any]) -> Notice:
    about = fields.pop("about")
    return Notice(
        **{
            **fields,
            "kind": NoticeKind(fields["kind"]),
            "severity": Severity(fields["severity"]),
            "made_at": datetime.fromisoformat(fields["made_at"]),
            "about": about and About(**{**about, "opened_at": datetime.fromisoformat(about["opened_at"])}),
            "facts": tuple((name, value) for name, value in fields["facts"]),
            "quotes": tuple(_quoted(one) for one in fields["quotes"]),
            "sections": tuple(Section(one["heading"], tuple(one["lines"])) for one in fields["sections"]),
            "links": tuple(Link(**one) for one in fields["links"]),
            "charts": tuple(Chart(**one) for one in fields["charts"]),
            "buttons": tuple(Button(Action(one["action"]), one["label"]) for one in fields["buttons"]),
        }
    )


def _quoted(fields: dict[str, Any]) -> QuotedMention:
    return QuotedMention(**{**fields, "created_at": datetime.fromisoformat(fields["created_at"])})


def _from_first_version(fields: dict[str, Any]) -> Notice:
    """Notices of Escucha 0.1 before incidents had a life: one quotation, and links beside it."""
    mention = _quoted(fields["mention"])
    grew = fields["kind"] == "grew"
    incident = fields.get("incident_url")
    return Notice(
        key=fields["key"],
        kind=NoticeKind(fields["kind"]),
        title=f"{fields['brand']}: {'' if grew else 'new '}{fields['rule']} incident{' is growing' if grew else ''}",
        why=fields["why"],
        made_at=mention.created_at,
        quotes=(mention,),
        links=(Link("Open the incident", incident),) if incident else (),
    )
