"""What a channel is given to send: everything it may show, fixed when it was decided, and stored with the delivery."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from alerts.grouping import Incident
from alerts.mentions import ScoredMention
from alerts.pipeline import Decision
from alerts.reasons import Reason
from alerts.text import around, one_line, tame
from alerts.wording import counted, moment, percent

NoticeKind = Literal["opened", "grew", "test"]

VERSION = 1
"""Of the stored form. Raise it when a reader of the old form would be wrong, and keep reading the old one."""

QUOTE_LIMIT = 4_000
"""Characters of a mention that a notice keeps: more than any channel shows, and the rest is one link away."""

_LINE_LIMIT = 300
"""Characters of an author's or brand's name."""


@dataclass(frozen=True, slots=True)
class QuotedMention:
    """The mention a notice shows. `text` is free of control characters and, if long, the part around the brand.

    `probability` is of being a detractor, 0 to 1; `reach` is in people, None when unknown.
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
class Notice:
    """One thing to tell people.

    `key` is the same each time this is sent, on whatever channel: it tells duplicates apart from news. `why` is one
    line with the numbers. `count` and `reach` are the incident's, `opened_at` when its first mention was written.
    """

    key: str
    kind: NoticeKind
    brand: str
    rule: str
    why: str
    count: int
    reach: int
    opened_at: datetime
    mention: QuotedMention
    incident_url: str | None = None

    def to_json(self) -> str:
        """The stored form: ASCII, keys sorted, so equal notices are equal text."""
        fields = asdict(self)
        fields["opened_at"] = self.opened_at.isoformat()
        fields["mention"]["created_at"] = self.mention.created_at.isoformat()
        return json.dumps({"version": VERSION, **fields}, sort_keys=True)

    @classmethod
    def from_json(cls, stored: str) -> "Notice":
        """Read the stored form. Raises ValueError, naming what is wrong, for anything else."""
        try:
            fields = json.loads(stored)
        except ValueError as error:
            raise ValueError(f"a stored notice is a JSON object; this is not JSON: {error}") from error
        if not isinstance(fields, dict):
            raise ValueError(f"a stored notice is a JSON object; this is a {type(fields).__name__}")  # noqa: TRY004
        version = fields.pop("version", None)
        if version != VERSION:
            raise ValueError(f"this notice was stored in version {version}; this Escucha reads version {VERSION}")
        try:
            quoted = fields.pop("mention")
            mention = QuotedMention(**{**quoted, "created_at": datetime.fromisoformat(quoted["created_at"])})
            return cls(**{**fields, "mention": mention, "opened_at": datetime.fromisoformat(fields["opened_at"])})
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"the stored notice lacks or misspells something: {error}") from error


def build(
    incident: Incident,
    mention: ScoredMention,
    decision: Decision,
    *,
    because: str = "",
    incident_url: str | None = None,
) -> Notice:
    """The notice for a decision to notify about `incident` (after the mention joined), showing this mention.

    `because` is the verdict's line. Raises ValueError for a decision to hold.
    """
    if decision.action != "notify" or decision.kind is None:
        raise ValueError(f"there is no notice for a decision to hold ({decision.reason})")
    because = because or f"{percent(mention.probability())} likely a detractor"
    if decision.reason is Reason.INCIDENT_OPENED and incident.count == 1:
        why = f"New: {because}."
    else:
        why = f"{counted(incident.count, 'mention')} since {moment(incident.opened_at)}; the latest: {because}."
    return Notice(
        key=key_of(incident, decision.step),
        kind=decision.kind,
        brand=one_line(incident.brand)[:_LINE_LIMIT],
        rule=incident.rule,
        why=one_line(why),
        count=incident.count,
        reach=incident.reach,
        opened_at=incident.opened_at,
        mention=_quote(mention),
        incident_url=incident_url,
    )


def for_test(channel: str, now: datetime) -> Notice:
    """What "send a test" sends: clearly a test, and laid out as a real one."""
    stamp = now.isoformat()
    return Notice(
        key=f"test-{_digest('test', channel, stamp)}",
        kind="test",
        brand="Escucha",
        rule="test",
        why=f"Somebody asked for a test of the channel {one_line(channel)[:_LINE_LIMIT]}. Nothing has happened.",
        count=0,
        reach=0,
        opened_at=now,
        mention=QuotedMention(
            id=None,
            text="If you can read this, notices will arrive here.",
            url=None,
            author=None,
            source="escucha",
            lang="en",
            created_at=now,
            reach=None,
            label=None,
            probability=0.0,
            model="none",
            revision="none",
        ),
    )


def key_of(incident: Incident, step: int) -> str:
    """The stable id of what is told at this step of the incident.

    Made of what identifies the incident before the store has given it an id, and of the step, which is told at most
    once: two workers that decide the same thing, or one that is killed and decides again, arrive at the same key.
    """
    kind = "opened" if step == 1 else f"grew{step}"
    # One moment has many writings: a database may hand the time back in another zone.
    opened = incident.opened_at.astimezone(UTC).isoformat()
    return f"{incident.rule}-{kind}-{_digest(incident.brand, incident.rule, opened, str(step))}"


def _digest(*parts: str) -> str:
    written = json.dumps(parts)
    return hashlib.sha256(written.encode("ascii")).hexdigest()[:16]


def _quote(mention: ScoredMention) -> QuotedMention:
    start = mention.spans[0][0] if mention.spans else 0
    return QuotedMention(
        id=mention.id,
        # Cut before taming: the spans are offsets in the original.
        text=tame(around(mention.text, start, QUOTE_LIMIT)),
        url=mention.url,
        author=one_line(mention.author)[:_LINE_LIMIT] if mention.author else None,
        source=one_line(mention.source)[:_LINE_LIMIT],
        lang=mention.lang,
        created_at=mention.created_at,
        reach=mention.reach,
        label=mention.standing,
        probability=mention.probability(),
        model=mention.model,
        revision=mention.revision,
    )
