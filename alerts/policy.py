"""Who is told of what, when, and how often: the parts of escucha.yml that say so, checked as they are read.

`alerts.routing`, `alerts.muting` and `alerts.pipeline` act on them. All lengths of time are written as 30m, 4h, 1d.
"""

from datetime import time, timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from alerts.durations import Duration
from alerts.notice import Language
from alerts.severity import Severity

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _clock_time(value: object) -> time:
    """A time of day from 22:30; YAML 1.1 reads that without quotes as a number in base sixty."""
    said = value
    # A number below sixty comes of no time with a colon: whoever writes 22 does not mean 22 minutes past midnight.
    if isinstance(value, int) and 60 <= value <= 24 * 60:
        said = f"{value // 60:02}:{value % 60:02}"
    if said == "24:00":
        return time(0)
    try:
        found = said if isinstance(said, time) else time.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        found = None
    if found is None:
        raise ValueError(f"a time of day looks like 08:30; got {str(value)[:20]!r}")
    if found.tzinfo is not None:
        raise ValueError(f"a time of day is in the team's own time zone; leave out what follows it in {str(value)!r}")
    return found


ClockTime = Annotated[time, BeforeValidator(_clock_time)]


class Strict(BaseModel):
    """A part of the file: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Hours(Strict):
    """Hours of the week in a team's own time zone. Until an earlier time of day than `from`, they go past midnight."""

    days: tuple[Day, ...] = DAYS
    since: ClockTime = Field(alias="from")
    until: ClockTime = Field(alias="to")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.days:
            raise ValueError("days: is empty, so there would be no such hours; leave it out for every day")
        return self


class Quiet(Hours):
    """Hours in which a team is not told, except of what is at least as severe as `unless`."""

    unless: Severity = Severity.CRITICAL


class Level(Strict):
    """Within what time an incident is to be acknowledged, answered and resolved; None = no such promise."""

    acknowledge: Duration | None = None
    answer: Duration | None = None
    resolve: Duration | None = None


DEFAULT_SERVICE: dict[Severity, Level] = {
    Severity.CRITICAL: Level(acknowledge=timedelta(minutes=15), answer=timedelta(hours=1), resolve=timedelta(hours=8)),
    Severity.WARNING: Level(acknowledge=timedelta(hours=1), answer=timedelta(hours=4), resolve=timedelta(days=1)),
    Severity.INFO: Level(),
}


class Digest(Strict):
    """When a team gets its digests, in its own time zone, and where. None of either = it gets none."""

    daily: ClockTime | None = None
    weekly: Day | None = None
    at: ClockTime = time(8)
    channels: tuple[str, ...] | None = None


def zone_named(name: str) -> ZoneInfo:
    """A time zone by its name. Raises ValueError with words that say what is wrong."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name[:40]!r}; they look like Europe/Madrid") from error


class Team(Strict):
    """People who are told together. `channels` are where its messages go unless a route says otherwise."""

    name: str = Field(min_length=1)
    language: Language = "en"
    timezone: str = "UTC"
    channels: tuple[str, ...] | None = None
    brands: tuple[str, ...] | None = None
    working: tuple[Hours, ...] = ()
    quiet: tuple[Quiet, ...] = ()
    service: dict[Severity, Level] = Field(default_factory=dict)
    digest: Digest = Digest()

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        return zone_named(value).key

    @property
    def zone(self) -> ZoneInfo:
        """Its time zone."""
        return ZoneInfo(self.timezone)

    def level(self, severity: Severity) -> Level:
        """Its promise for incidents of this severity."""
        return self.service.get(severity, DEFAULT_SERVICE[severity])


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Several = Annotated[tuple[str, ...], BeforeValidator(_several)]
"""One value or a list of them; any of them will do."""


class Match(Strict):
    """What an incident must be like; what is left out does not matter. See `alerts.routing.labels_of`.

    `severity` is the least; `min_reach` is in people.
    """

    brand: Several = ()
    rule: Several = ()
    severity: Severity | None = None
    language: Several = ()
    platform: Several = ()
    min_reach: int = Field(default=0, ge=0)


class Step(Strict):
    """Whom to tell when nobody has acknowledged an incident `after` it was first told."""

    after: Duration
    channels: tuple[str, ...] = Field(min_length=1)

    @field_validator("after")
    @classmethod
    def _later(cls, value: timedelta) -> timedelta:
        # At once is no escalation: name the channel in the route.
        if value <= timedelta(0):
            raise ValueError("lies after the first message, for instance 15m; whom to tell at once stands in channels:")
        return value


class Route(Strict):
    """A branch of the routing tree: what it takes (`match`), and what then holds for what it takes.

    What is None is as in the branch above. The first of `routes` that matches takes an incident further down; with
    `go_on` those after it are looked at too. `wait`: before the first message; `interval`: between two messages about
    one incident; `repeat`: before people are reminded of one that is still open (0s = never).
    """

    match: Match = Match()
    team: str | None = None
    channels: tuple[str, ...] | None = None
    wait: Duration | None = None
    interval: Duration | None = None
    repeat: Duration | None = None
    escalate: tuple[Step, ...] | None = None
    go_on: bool = False
    routes: tuple["Route", ...] = ()


class Inhibition(Strict):
    """While an incident of one of the rules `by` is open, those of the rules `of` are held back.

    `same`: what both must share.
    """

    by: Several
    of: Several
    same: tuple[Literal["brand", "platform", "language"], ...] = ("brand",)


DEFAULT_INHIBITIONS = (Inhibition(by=("spike",), of=("detractor", "unanswered")),)


class Learning(Strict):
    """From which precision down a stricter threshold is proposed, and after how many answers."""

    precision: float = Field(default=0.5, gt=0, lt=1)
    least_answers: int = Field(default=10, ge=1)


class Policy(Strict):
    """All of it. Without any of it every incident goes to all channels of its brand.

    `alerts`: the settings of rules that are asked once for the whole installation, or `false`, as brands have those
    of theirs.
    """

    alerts: dict[str, Any] = Field(default_factory=dict)
    teams: tuple[Team, ...] = ()
    routes: tuple[Route, ...] = ()
    inhibit: tuple[Inhibition, ...] = DEFAULT_INHIBITIONS
    learning: Learning = Learning()

    def team(self, name: str | None) -> Team | None:
        """The team of this name."""
        return next((team for team in self.teams if team.name == name), None)


DEFAULT_WAIT = timedelta(0)
DEFAULT_INTERVAL = timedelta(minutes=5)
DEFAULT_REPEAT = timedelta(hours=24)

DEFAULT_BUDGET = 30
"""Messages that a channel gets in any hour, unless its configuration says otherwise."""
