"""Incidents as the API shows them."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, Field
from sqlalchemy import RowMapping

from alerts.incident import State
from alerts.points import Point
from alerts.reasons import Reason
from alerts.severity import Severity
from listener.store.context import Post as StoredPost
from listener.store.dossier import Around as StoredAround
from listener.store.dossier import Dossier

_SENTENCES = {reason.value: reason.sentence for reason in Reason}


class Attempt(BaseModel):
    """One try at sending a message."""

    number: int
    at: datetime
    outcome: str = Field(description="A named reason.")
    detail: str


class Delivery(BaseModel):
    """A message about an incident for one channel."""

    id: int
    key: str = Field(description="The stable id that the message itself carries.")
    channel: str
    kind: str
    reason: str = Field(description="Why it was decided to send it.")
    state: Literal["pending", "sending", "sent", "dead", "dropped"]
    outcome: str | None = Field(description="What the last try came to.")
    ambiguous: bool = Field(
        description="A try ended so that nobody can know whether it arrived: it may be there twice."
    )
    attempts: int
    not_before: datetime
    created_at: datetime
    sent_at: datetime | None
    log: list[Attempt]


class Alert(BaseModel):
    """An incident: what one rule found about one brand within a window, and how it stands."""

    id: int
    brand: str | None = Field(description="null for what concerns no single brand.")
    rule: str
    severity: Severity
    state: State
    because: str = Field(description="In one line, with numbers, what was found last.")
    opened_at: datetime = Field(description="When its first mention was written, or its first window ended.")
    last_at: datetime = Field(description="When its latest mention was written.")
    count: int = Field(description="Mentions in it.")
    reach: int = Field(description="People its mentions may have reached, as far as known, counted once per mention.")
    platforms: list[str]
    languages: list[str]
    team: str | None = Field(description="Whom it was routed to.")
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    assigned_to: str | None
    snoozed_until: datetime | None
    answered_at: datetime | None = Field(description="When the brand answered, as far as Escucha was told or saw it.")
    resolved_at: datetime | None
    resolved_by: str | None = Field(description="null where it ended by itself.")
    resolved_why: str | None
    reopened: int = Field(description="How often it came back.")
    version: int = Field(description="Rises with everything that a message about it would show differently.")
    created_at: datetime = Field(description="When Escucha opened it.")
    changed_at: datetime
    deliveries: list[Delivery]


class Alerts(BaseModel):
    """A page of incidents, the latest first."""

    items: list[Alert]
    next: int | None = Field(description="`before` of the next page; null = there is none.")


class TimelineEvent(BaseModel):
    """A line of an incident's timeline."""

    at: datetime
    kind: str
    actor: str | None = Field(description="Who did it; null = Escucha itself.")
    detail: dict[str, Any]


class Decided(BaseModel):
    """A decision to tell a channel something, or not to."""

    channel: str = Field(description="Empty where no channel came into question.")
    action: Literal["send", "hold"]
    kind: str | None = Field(description="What would be told.")
    reason: str
    sentence: str = Field(description="What the reason means.")
    detail: str = Field(description="Which silence, which incident, where that says more.")
    until: datetime | None = Field(description="When what held it back ends, if that is known.")
    key: str | None = Field(description="Of the deliveries that came of it.")
    first_at: datetime
    last_at: datetime
    times: int = Field(description="How often the same was decided in a row.")

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """A row of the table of decisions."""
        return cls.model_validate({**row, "sentence": _SENTENCES.get(row["reason"], "")})


class Said(BaseModel):
    """Whether a person found the messages about it useful."""

    actor: str
    useful: bool
    via: str
    at: datetime


class Post(BaseModel):
    """A stored mention in a thread."""

    kind: str
    native_id: str
    text: str
    author: str | None
    url: str | None
    created_at: datetime
    label: Literal["promoter", "passive", "detractor"] | None = Field(
        description="The inferred stance towards the brand; null = not about it, or not scored."
    )
    by_brand: bool = Field(description="One of the brand's own accounts (`accounts:` in escucha.yml) wrote it.")

    @classmethod
    def of(cls, post: StoredPost) -> Self:
        """As the store has it."""
        return cls.model_validate(post, from_attributes=True)


class Suggestion(BaseModel):
    """A point for a person to write an answer from: nothing that is ever sent, and no finished text."""

    name: str
    advice: str
    evidence: str = Field(description="What led to it: words of the mention, or a figure.")
    quoted: bool = Field(description="The evidence is the mention's own words.")

    @classmethod
    def of(cls, point: Point) -> Self:
        """As ``alerts.points`` gives it."""
        return cls(name=point.name, advice=point.advice, evidence=point.evidence, quoted=point.quoted)


class History(BaseModel):
    """The author's earlier mentions of the brand."""

    total: int
    labels: dict[str, int] = Field(description="Counted by inferred stance.")
    last: list[Post] = Field(description="The latest few, the latest first.")


class Around(BaseModel):
    """One of the most telling mentions with what stands around it, as far as it was stored."""

    mention: Post
    mention_brand_id: int = Field(description="Its id in /api/v1/mentions.")
    above: list[Post] = Field(description="What it answers, the beginning of the thread first.")
    cut_above: bool = Field(description="The thread goes on further up, or that was never stored.")
    below: list[Post] = Field(description="Replies to it, oldest first.")
    replies: int = Field(description="How many replies are stored.")
    answers: list[Post] = Field(description="What the brand itself replied, to it or further down.")
    history: History
    suggestions: list[Suggestion]

    @classmethod
    def of(cls, around: StoredAround) -> Self:
        """As the store has it."""
        found = around.context
        last = [Post.of(post) for post in found.history.last]
        return cls(
            mention=Post.of(found.said),
            mention_brand_id=found.pair_id,
            above=[Post.of(post) for post in found.above],
            cut_above=found.cut_above,
            below=[Post.of(post) for post in found.below],
            replies=found.replies,
            answers=[Post.of(post) for post in found.answers],
            history=History(total=found.history.total, labels=dict(found.history.labels), last=last),
            suggestions=[Suggestion.of(point) for point in around.points],
        )


class Whole(Alert):
    """An incident with its timeline, all that was decided about it, and what stands around its mentions."""

    evidence: dict[str, Any] = Field(description="The numbers behind `because`, where the rule keeps them.")
    timeline: list[TimelineEvent]
    decisions: list[Decided] = Field(description="Of what was sent and of what was not, oldest first.")
    feedback: list[Said]
    context: list[Around] = Field(description="Around its most telling mentions.")

    @classmethod
    def of(cls, found: Dossier) -> Self:
        """As the store has it."""
        return cls.model_validate(
            {
                **found.incident,
                "timeline": found.timeline,
                "decisions": [Decided.of(row) for row in found.decisions],
                "feedback": found.feedback,
                "context": [Around.of(one) for one in found.around],
            }
        )
