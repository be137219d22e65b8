"""What a rule is: a pure function of what it is shown, with settings of its own, that gives a verdict with a reason.

There are two shapes. A *mention rule* is shown one scored mention and says whether it belongs into an incident. A
*window rule* is shown everything about one brand (or source) up to a moment, every so often, and says whether something
is the matter now; its incident lasts as long as it says so. The host compiles a rule's `when` filter and leaves out
what does not meet it before the rule sees anything; it stores every verdict with its reason.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict

from alerts.durations import Duration
from alerts.incident import Incident
from alerts.mentions import ScoredMention
from alerts.reasons import Reason
from alerts.severity import Severity

Label = Literal["detractor", "passive", "promoter"]
"""An inferred stance."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule made of one mention.

    `probability` is how sure the model is of what the rule looks for, 0 to 1. `because` says it in one line with the
    numbers, for the people who get the notice.
    `severity` of an incident is the worst of its mentions'; None leaves it to the rule's settings.
    """

    fires: bool
    reason: Reason
    probability: float
    because: str = ""
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Usual:
    """What a brand's earlier incidents of a rule came to, in mentions and in people reached; both are medians."""

    count: float
    reach: float


EARLIER = 28
"""How many earlier incidents say what is usual."""

_FEWEST_EARLIER = 3


def usual_of(earlier: Sequence[tuple[int, int]]) -> Usual | None:
    """What is usual by the count and the reach of the incidents before this one; None where they are too few to say."""
    if len(earlier) < _FEWEST_EARLIER:
        return None
    return Usual(median(count for count, _ in earlier), median(reach for _, reach in earlier))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What every rule's settings hold; a rule's own class adds to it. Read by pydantic, which refuses unknown names.

    `when`: only what meets this expression in the query language is shown to the rule; the host sees to it, the rule
    itself never looks at it. `severity`: of its incidents, unless a verdict says otherwise.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    wants_usual: ClassVar[bool] = False
    """Whether what is usual matters to `worth_telling`, so that the host looks it up."""

    when: str | None = None
    severity: Severity = Severity.WARNING

    def worth_telling(self, incident: Incident, usual: Usual | None = None) -> bool:  # noqa: ARG002 - others need them
        """Whether an incident is great enough for people to be told of it at all."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionSettings(Settings):
    """What every mention rule's settings hold.

    `window` is how long an incident takes in mentions, counted from its first one; `max_age` how old a mention may
    have been when collected; `grow_at` are the sizes of an incident, in mentions, at which people are told again.
    `tell_at`: below so many mentions nobody is told of an incident, unless it reaches `tell_reach` people (None = that
    alone is no reason). `group_by` keeps incidents of one brand and rule apart. `quiet_after`: an incident without a
    new mention for so long is over.

    Raises ValueError with what is wrong and what would be right.
    """

    window: Duration = timedelta(hours=4)
    max_age: Duration = timedelta(hours=24)
    grow_at: tuple[int, ...] = (5, 25, 100, 500)
    tell_at: int = 1
    tell_reach: int | None = None
    group_by: tuple[Literal["platform", "language", "author"], ...] = ()
    quiet_after: Duration = timedelta(hours=12)

    def __post_init__(self) -> None:
        """Check each value; the first wrong one is named."""
        for name, example in (("window", "4h"), ("max_age", "24h"), ("quiet_after", "12h")):
            if getattr(self, name) <= timedelta(0):
                raise ValueError(f"{name} must be longer than nothing, for instance {example}")
        # The first mention opens the incident and is told in any case: growth starts at two.
        if any(size < 2 for size in self.grow_at):
            raise ValueError(f"grow_at holds numbers of mentions from 2 upwards; got {list(self.grow_at)}")
        if any(later <= earlier for earlier, later in zip(self.grow_at, self.grow_at[1:], strict=False)):
            raise ValueError(f"grow_at must rise from each number to the next; got {list(self.grow_at)}")
        if self.tell_at < 1:
            raise ValueError(f"tell_at is a number of mentions, 1 or more; got {self.tell_at}")
        if self.tell_reach is not None and self.tell_reach < 1:
            raise ValueError(f"tell_reach is a number of people, 1 or more; got {self.tell_reach}")

    def worth_telling(self, incident: Incident, usual: Usual | None = None) -> bool:  # noqa: ARG002 - promoters' does
        """Whether it has come to the size or the reach from which people are told."""
        return incident.count >= self.tell_at or (self.tell_reach is not None and incident.reach >= self.tell_reach)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSettings(Settings):
    """What every window rule's settings hold.

    `every`: how often the rule is asked; windows end at whole multiples of it since 1970 (UTC). `lookback`: how far the
    `recent` mentions of a window reach back.
    """

    every: Duration = timedelta(minutes=5)
    lookback: Duration = timedelta(hours=1)

    def __post_init__(self) -> None:
        """Check each value; the first wrong one is named."""
        if not timedelta(minutes=1) <= self.every <= timedelta(days=1):
            raise ValueError("every lies between 1m and 1d")
        if self.lookback <= timedelta(0):
            raise ValueError("lookback must be longer than nothing, for instance 1h")


@dataclass(frozen=True, slots=True)
class Bucket:
    """Counts of one clock hour of one brand. `covered` is False where its sources were not read throughout the hour.

    `mentions` are those that pass the rule's filter, copies left out; `detractors` and `promoters` are among them;
    `reach` is in people.
    """

    hour: datetime
    mentions: int = 0
    detractors: int = 0
    promoters: int = 0
    reach: int = 0
    covered: bool = True


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source as the coverage rule sees it. Times are None where there never was such a moment.

    `every`: how often it is to be read; None = only when asked, or pushed. `silent`: for how long it was read since
    something new came, without the time in which nobody read it; None = nothing ever came. `usual_gap`: the longest
    such silence that was usual of late; None = not known. `failing_since`: the first of the latest tries, which all
    failed. `stopped`: it waits for a person; `error` in its words.
    """

    name: str
    kind: str
    every: timedelta | None
    listened_from: datetime | None
    last_success_at: datetime | None
    silent: timedelta | None
    usual_gap: timedelta | None
    failing_since: datetime | None
    stopped: bool
    error: str | None


@dataclass(frozen=True, slots=True)
class Window:
    """What a window rule is shown: all about one brand, and nothing written after `until`.

    `brand` is None for rules about sources. `role` is "own" or "competitor". What the brand's own accounts wrote is
    neither among `recent` nor in `history`. `recent`, oldest first: mentions written within `settings.lookback` before
    `until` that pass its filter. `history`: whole clock hours before that, oldest first, without holes. `answers`: id
    of a recent mention -> when the brand answered it, or somebody noted that it did. `accounts`: the handles that the
    brand answers from; `addressed`: ids of recent mentions that answer one of its own posts; `posted`: whether any post
    of theirs is known of late. `covered`: no source that matters is overdue; `whole`: all of the window but its last
    quarter is known to be read, too. `firing_since`: since when the rule's incident is open; None = there is none.
    `evidence` is what the last verdict of that incident held.
    """

    until: datetime
    brand: str | None = None
    role: str = "own"
    recent: Sequence[ScoredMention] = ()
    history: Sequence[Bucket] = ()
    answers: Mapping[int, datetime] = field(default_factory=dict)
    accounts: Sequence[str] = ()
    addressed: frozenset[int] = frozenset()
    posted: bool = True
    sources: Sequence[SourceState] = ()
    covered: bool = True
    whole: bool = True
    firing_since: datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a window rule made of a window.

    `fires`: its incident opens, or goes on; an open incident ends where it is False. `group` as of `Incident`: a rule
    that may find several things at once (two sources) gives one assessment each. `mentions`: ids of those recent
    mentions that belong to the incident. `evidence` holds the numbers behind `because`, for the page and for later.
    """

    fires: bool
    reason: Reason
    because: str = ""
    severity: Severity | None = None
    group: str = ""
    mentions: tuple[int, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)


Judge = Callable[[ScoredMention, Any], Verdict]
Assess = Callable[[Window, Any], Sequence[Assessment]]


@dataclass(frozen=True, slots=True)
class MentionRule:
    """A rule on mentions. `roles`: of which brands it is on by default; `summary` is for lists of rules."""

    settings: type[MentionSettings]
    judge: Judge
    summary: str
    roles: frozenset[str] = frozenset({"own"})


@dataclass(frozen=True, slots=True)
class WindowRule:
    """A rule on windows. `needs` says what the host loads: "recent", "history", "answers", "sources".

    `per`: "brand", or "installation" where it is asked once for everything.
    """

    settings: type[WindowSettings]
    assess: Assess
    summary: str
    needs: frozenset[str]
    roles: frozenset[str] = frozenset({"own"})
    per: str = "brand"


RuleKind = MentionRule | WindowRule

REACH_DECIDES = frozenset({Reason.BELOW_REACH, Reason.NOT_GROWING})
"""Reasons that more reach or more reactions would change: a mention held for one is judged again when it has grown, and
so is a copy of it that reaches more people."""
