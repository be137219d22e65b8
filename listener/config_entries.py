"""The parts of escucha.yml: brands, sources and channels. What they are held against is in ``listener.configfile``."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from alerts.durations import Duration
from alerts.policy import DEFAULT_BUDGET, Policy, Strict
from alerts.text import one_line, visible
from listener.push.options import PushEntry
from listener.query import QueryError, parse

LONGEST_NAME = 200
"""Characters in a channel's name."""

_NOT_IN_NAMES = frozenset("/\\?#%")

DEFAULT_CHANNELS = frozenset({"log", "slack"})
"""What there is without ``channels:``; "slack" if its webhook is set."""


def _read(words: str) -> str:
    try:
        parse(words)
    except QueryError as error:
        raise ValueError(f"it does not read: {error}") from error
    return words


def _name_of_a_theme(name: str) -> str:
    if name != visible(one_line(name)):
        raise ValueError("a theme's name stands on one line, and all of its characters are visible")
    return name


Words = Annotated[str, AfterValidator(_read)]
"""An expression in the query language."""

ThemeName = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_name_of_a_theme)]
"""What people call a theme; a part of addresses and of chart legends."""

MOST_THEMES = 50
"""Of a brand: each is held against each of its mentions."""


class BrandEntry(Strict):
    """A brand. Without a query its name is looked for as a phrase.

    ``alerts``: a rule's name -> its settings, or ``false`` or ``true``; checked where the file is read, against what
    rules there are. ``accounts``: the handles that the brand itself answers from. ``themes``: what its mentions may be
    about, a name -> what finds it.
    """

    name: str = Field(min_length=1)
    query: str = ""
    role: Literal["own", "competitor"] = "own"
    alerts: dict[str, Any] = Field(default_factory=dict)
    accounts: tuple[str, ...] = ()
    channels: tuple[str, ...] | None = None
    context: tuple[Words, ...] = ()
    unless: tuple[Words, ...] = ()
    themes: dict[ThemeName, Words] = Field(default_factory=dict, max_length=MOST_THEMES)
    relevance: float | Literal[False] | None = None

    @field_validator("query")
    @classmethod
    def _parses(cls, value: str) -> str:
        if value:
            try:
                parse(value)
            except QueryError as error:
                raise ValueError(f"the query does not read: {error}") from error
        return value

    @field_validator("relevance", mode="before")
    @classmethod
    def _threshold(cls, value: object) -> object:
        if (
            value is None
            or value is False
            or (isinstance(value, int | float) and value is not True and 0 <= value <= 1)
        ):
            return value
        raise ValueError("must be a number from 0 to 1, or false to let the model hide nothing")

    @model_validator(mode="after")
    def _can_be_looked_for(self) -> Self:
        if not self.query:
            try:
                parse(self.effective_query)
            except QueryError as error:
                raise ValueError(f"the name {self.name!r} cannot be looked for as it stands; add a query") from error
        return self

    @property
    def effective_query(self) -> str:
        """What is looked for."""
        return self.query or phrase(self.name)

    @property
    def alerting(self) -> dict[str, Any]:
        """What the file says of its rules, to be stored; ``listener.rules`` adds what holds where it says nothing."""
        return dict(self.alerts)

    @property
    def relevance_rules(self) -> dict[str, Any]:
        """What tells its mentions from those that only share its name, to be stored (see ``listener.relevance``)."""
        said: dict[str, Any] = {"context": list(self.context), "unless": list(self.unless)}
        return said if self.relevance is None else said | {"threshold": self.relevance}


class SourceEntry(BaseModel):
    """A source: its name, kind, how often it is read, and the kind's own options beside them.

    ``about_brands``: all it gives is about ``brands``, whether it names them or not, as the reviews of an app are.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = Field(min_length=1)
    kind: str
    every: Duration = timedelta(minutes=10)
    brands: tuple[str, ...] | None = None
    about_brands: bool = False
    judge_as_new: bool = False

    @model_validator(mode="after")
    def _about_whom(self) -> Self:
        if self.about_brands and not self.brands:
            raise ValueError("about_brands: goes with brands:, which names them")
        return self

    @field_validator("every")
    @classmethod
    def _not_too_often(cls, value: timedelta) -> timedelta:
        if value < timedelta(seconds=1):
            raise ValueError("a source can be read once a second at most")
        if value > timedelta(days=365):
            raise ValueError("a source is read once in 365 days at least")
        return value

    @property
    def options(self) -> dict[str, Any]:
        """What belongs to the kind."""
        return dict(self.model_extra or {})


def _name_of_a_channel(name: str) -> str:
    """A channel's name is part of an address (``/api/v1/slack/{name}/interactions``), of lines and of table rows."""
    if len(name) > LONGEST_NAME or name != visible(one_line(name)) or set(name) & _NOT_IN_NAMES:
        without = " ".join(sorted(_NOT_IN_NAMES))
        raise ValueError(f"at most {LONGEST_NAME} characters on one line, all of them visible and none of {without}")
    return name


class ChannelEntry(BaseModel):
    """A channel: its name, kind and the kind's own options beside them.

    ``budget``: the most messages in any hour; what is more is told in one summary. ``fallback``: the channel that is
    told when this one is switched off; None = every other one.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Annotated[str, Field(min_length=1), AfterValidator(_name_of_a_channel)]
    kind: str
    budget: int = Field(DEFAULT_BUDGET, ge=2, le=3600)
    fallback: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What belongs to the kind."""
        return dict(self.model_extra or {})


class ConfigFile(Policy):
    """The whole file; who is told of what is ``alerts.policy``'s part of it."""

    brands: tuple[BrandEntry, ...] = ()
    sources: tuple[SourceEntry, ...] = ()
    push: tuple[PushEntry, ...] = ()
    channels: tuple[ChannelEntry, ...] | None = None


def phrase(name: str) -> str:
    """A query that looks for a name as it stands."""
    return '"' + name.replace('"', " ") + '"'
