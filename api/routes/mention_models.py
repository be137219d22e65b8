"""Mentions as the API shows them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping

Label = Literal["promoter", "passive", "detractor"]


class Mark(BaseModel):
    """A mark and the ends of its scale."""

    value: float
    lowest: float
    highest: float


class Mention(BaseModel):
    """One mention of one brand; a post about two brands is two. Stance and label are inferred from the text."""

    id: int
    brand: str
    source: str = Field(description="The platform it was found on.")
    feed: str = Field(description="The name of the source that found it.")
    native_id: str = Field(description="The platform's own id.")
    text: str
    url: str | None
    author: str | None
    lang: str | None
    reach: int | None = Field(description="People it may have reached; null = unknown.")
    created_at: datetime
    collected_at: datetime
    spans: list[tuple[int, int]] = Field(description="Where the brand stands in the text (characters).")
    label: Label | None = Field(description="Inferred, or what follows from `said_stance`; null until scored.")
    unsure: bool | None = Field(description="Whether the model was unsure; null until scored.")
    polarity: dict[str, float] | None
    stance: dict[str, float] | None
    tone: str | None = Field(description="The likeliest polarity, or `said_polarity`; null until scored.")
    emotion: str | None = Field(description="The likeliest emotion; null = none, or the model does not say.")
    themes: list[str] = Field(description="Which of its brand's themes it is about.")
    said_stance: str | None = Field(description='What a person said instead, "-2" to "2"; null = nobody has.')
    said_polarity: str | None = Field(description="What a person said instead; null = nobody has.")
    model: str | None
    revision: str | None
    scored_at: datetime | None
    verdict: str | None = Field(
        description="The named reason why it did or did not lead to an alert; null until judged."
    )
    notice: str | None = Field(
        None,
        description="With `alert`: the named reason why people were or were not told when it joined that incident.",
    )
    copies: int = Field(description="How many more say the same; they are counted once, and their reach is added.")
    cluster: int | None = Field(
        description="What to ask for as `cluster` to see its copies and those that quote it; null = there are none."
    )
    copy_of: int | None = Field(description="The mention that is counted in its place; null = it is counted itself.")
    edited_at: datetime | None = Field(description="When its author last changed it, as far as the platform says.")
    deleted_at: datetime | None = Field(description="When it was blanked here, because it had to go.")
    deleted_why: str | None
    relevance: float | None = Field(description="How likely the model finds it that it is about the brand.")
    hidden_why: str | None = Field(
        description="Why it is in no list, figure or alert: it only shares the brand's name; null = it is shown."
    )
    said_relevant: bool | None = Field(description="What a person said of that; null = nobody has.")
    declared: dict[str, Mark] = Field(description="Marks that its author gave (nps, csat, ...); never inferred.")


class Mentions(BaseModel):
    """A page of mentions, the latest said first."""

    items: list[Mention]
    next: str | None = Field(description="`after` of the next page; null = there is none.")
    complete: bool = Field(
        description="false: it took too long to look further, so the page may be short; `next` goes on from there."
    )
    looked_back_to: datetime | None = Field(
        description="How far back everything was looked at; null = to the first mention."
    )


class Count(BaseModel):
    """How many mentions there are."""

    count: int
    since: datetime | None = Field(
        description="null = these are all; otherwise only those said since then were counted, and there may be more."
    )


class Post(BaseModel):
    """A stored mention in a thread; the text is empty where it was deleted."""

    model_config = ConfigDict(from_attributes=True)

    mention_id: int = Field(description="The same for every brand that the post is about.")
    kind: str
    native_id: str
    text: str
    author: str | None
    url: str | None
    created_at: datetime
    label: str | None
    by_brand: bool = Field(description="One of the brand's own accounts wrote it.")


class History(BaseModel):
    """An author's mentions of the brand before this one."""

    model_config = ConfigDict(from_attributes=True)

    total: int
    labels: dict[str, int]
    last: list[Post]


class Thread(BaseModel):
    """What stands around a mention, as far as it is stored."""

    model_config = ConfigDict(from_attributes=True)

    above: list[Post] = Field(description="What it answers, the beginning of the thread first.")
    cut_above: bool = Field(description="There is more above, or its beginning was never stored.")
    below: list[Post] = Field(description="The replies to it, the oldest first.")
    replies: int = Field(description="How many replies are stored.")
    answers: list[Post] = Field(description="What the brand itself replied.")
    history: History


class Membership(BaseModel):
    """An incident that a mention is in."""

    id: int
    rule: str
    state: str
    severity: str
    opened_at: datetime
    notice: str = Field(description="The named reason why people were or were not told when it joined.")
    because: str = Field(description="What the rule found in it.")


class Correction(BaseModel):
    """What a person said of a score, with what it was said of: enough to teach a model from."""

    id: int
    mention: int
    brand: str
    what: Literal["stance", "polarity", "relevance"]
    before: str | None = Field(description="What held before; null = nobody knew.")
    after: str | None = Field(description="What holds since; null = the correction before was taken back.")
    model: str | None = Field(description="Whose score was corrected.")
    revision: str | None
    actor: str
    at: datetime
    text: str = Field(
        description="What the mention says now; empty where it was deleted, or is no longer about the brand."
    )
    lang: str | None
    spans: list[tuple[int, int]]


class Corrections(BaseModel):
    """A page of corrections, the last made first."""

    items: list[Correction]
    next: int | None = Field(description="`before` of the next page; null = there is none.")


class WholeMention(Mention):
    """All that is known of a mention."""

    emotions: dict[str, float] | None
    irony: float | None
    offensive: float | None
    complaint: float | None
    verdicts: dict[str, str] = Field(description="Rule -> the named reason why it did or did not fire.")
    reasons: dict[str, str] = Field(description="The same reasons in words.")
    said_by: str | None = Field(description="Who said whether it is relevant.")
    thread: Thread
    alike: list[Mention] = Field(description="Its copies and what quotes it, 20 at most; `cluster` lists all.")
    corrections: list[Correction]
    incidents: list[Membership]


class Effect(BaseModel):
    """Words, and what they did to the score."""

    model_config = ConfigDict(from_attributes=True)

    start: int = Field(description="Characters [start, end) of the text.")
    end: int
    text: str
    words: int
    effect: float = Field(description="Above zero, they pull the score up.")
    share: float = Field(description="Their part of all effects, up and down alike; 0 to 1.")


class Evidence(BaseModel):
    """A score and the words behind it, by the model that is installed now."""

    measure: Literal["stance", "polarity"]
    value: float = Field(description="The expected step of stance, -2 to 2; or positive minus negative, -1 to 1.")
    baseline: float = Field(description="The same with nothing left of the text but the brand.")
    words: list[Effect]
    brand: list[tuple[int, int]]
    read: list[tuple[int, int]] = Field(description="What the model saw of the text; words outside had no effect.")
    label: str | None
    model: str
    revision: str
    stored: bool = Field(description="Whether the score that is kept is by the same model and revision.")


def shown(row: RowMapping | dict[str, Any], declared: Any, notice: str | None = None) -> dict[str, Any]:
    """What ``Mention`` takes, of a row of ``read.mention_columns``."""
    return {**row, "themes": row["themes"] or [], "declared": declared, "notice": notice}
