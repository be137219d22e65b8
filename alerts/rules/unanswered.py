"""The unanswered rule: a complaint or a question directed at the brand has had no answer for too long.

*Directed at the brand*: it names one of the brand's accounts (`@account`), or answers a post of theirs. *A complaint*:
the model says so, or infers a detractor. *A question*: it has a question mark; or begins with a question word, English
or Spanish, and is neither for nor against the brand, since there is no grammar behind that ("how nice!").
*Answered*: one of the brand's accounts has replied to it, or a person has noted that it was.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alerts.durations import Duration, in_words
from alerts.mentions import ScoredMention
from alerts.policy import Hours
from alerts.reasons import Reason
from alerts.rule import Assessment, Window, WindowRule, WindowSettings
from alerts.wording import moment
from alerts.working_hours import least_worked, worked, working

NAME = "unanswered"

OFFICE = Hours(days=("mon", "tue", "wed", "thu", "fri"), since=time(9), until=time(18))

_LINK = re.compile(r"https?://\S+")
_QUESTION_WORD = re.compile(
    r"^[\s\W]*(?:@\w[\w.\-]*[\s:,]+)*"
    r"(?:how|what|when|where|why|who|which|could|would|do|does|did|any(?:body|one)"
    r"|cómo|qué|cuándo|cuando|dónde|donde|por qué|porqué|quién|cuál|cuánto|puede[ns]?|podéis|alguien|hay)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnansweredSettings(WindowSettings):
    """When it fires.

    `after`: so much working time without an answer. `hours`: the working hours, in `timezone`; none = at all times.
    `min_complaint`: the least probability, 0 to 1, at which it is a complaint. `questions`: whether those count too.
    `lookback`: what is older is too old to answer, and nothing more is said of it. `by_hand`: people note what was
    answered, so it fires although no post of the brand's accounts is stored.

    Raises ValueError with what is wrong and what would be right.
    """

    after: Duration = timedelta(hours=2)
    hours: tuple[Hours, ...] = (OFFICE,)
    timezone: str = "UTC"
    min_complaint: float = 0.6
    questions: bool = True
    by_hand: bool = False
    lookback: Duration = timedelta(days=3)

    def __post_init__(self) -> None:
        """Check each value; the first wrong one is named."""
        # Not super(): slots make the class anew, and then it is another one than super() thinks.
        WindowSettings.__post_init__(self)
        if self.after <= timedelta(0):
            raise ValueError("after must be longer than nothing, for instance 2h")
        if not self.after < self.lookback <= timedelta(days=14):
            raise ValueError("lookback is longer than after, and 14d at most")
        if not 0 <= self.min_complaint <= 1:
            raise ValueError(f"min_complaint lies between 0 and 1 (0.6 means 60%); got {self.min_complaint}")
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"there is no time zone {self.timezone[:40]!r}; they look like Europe/Madrid") from error
        least = least_worked(self.lookback, self.hours)
        if self.after >= least:
            raise ValueError(
                f"after is working time, of which {in_words(self.lookback)} may hold only {in_words(least)}: "
                "shorten after, or lengthen lookback"
            )


def assess(window: Window, settings: UnansweredSettings) -> Sequence[Assessment]:
    """One assessment: all that wait too long are one incident, which grows, and ends when none of them waits."""
    if not window.accounts:
        said = "the brand names no accounts that it answers from, so nobody can see what was answered"
        return (Assessment(False, Reason.NO_ACCOUNTS, said),)
    if not window.posted and not settings.by_hand:
        said = "no post of the brand's own accounts is stored, so nobody can see what was answered"
        return (Assessment(False, Reason.NO_OWN_POSTS, said),)
    zone = ZoneInfo(settings.timezone)
    named = _naming(window.accounts)
    wanting = [one for one in window.recent if _wants_answer(one, window, named, settings)]
    waiting = [one for one in wanting if one.id not in window.answers]
    overdue = [one for one in waiting if worked(one.created_at, window.until, settings.hours, zone) >= settings.after]
    # The next window would not show these any more.
    too_old = window.until - settings.lookback + settings.every
    late = [one for one in overdue if one.created_at >= too_old]
    firing = window.firing_since is not None
    given_up = (window.evidence.get("given_up", 0) + len(overdue) - len(late)) if firing else 0
    evidence = {"wanting": len(wanting), "waiting": len(waiting), "late": len(late), "given_up": given_up}
    if late:
        since = late[0].created_at
        because = (
            f"{_counted(len(late))} without an answer for {in_words(settings.after)} of working time or longer; "
            f"the oldest since {moment(since)}"
        )
        because += f"; {given_up:,} never answered and too old by now" if given_up else ""
        reason = Reason.WINDOW_STILL_FIRES if firing else Reason.ASKS_FOR_ANSWER
        ids = tuple(one.id for one in late)
        return (Assessment(True, reason, because, mentions=ids, evidence=evidence | {"oldest": since.isoformat()}),)
    if given_up:
        said = f"{_counted(given_up)} never answered, and too old for it after {in_words(settings.lookback)}"
        return (Assessment(False, Reason.TOO_OLD_TO_ANSWER, said, evidence=evidence),)
    reason, because = _quiet(window.until, settings, zone, wanting, waiting)
    return (Assessment(False, reason, because, evidence=evidence),)


def _quiet(
    until: datetime, settings: UnansweredSettings, zone: ZoneInfo, wanting: Sequence[object], waiting: Sequence[object]
) -> tuple[Reason, str]:
    if not wanting:
        return Reason.NO_ANSWER_WANTED, f"no complaint or question to the brand in {in_words(settings.lookback)}"
    if not waiting:
        return Reason.ANSWERED, f"answered: {_counted(len(wanting))}"
    said = f"{len(waiting):,} waiting, none for {in_words(settings.after)} of working time"
    if not working(until, settings.hours, zone):
        return Reason.OUTSIDE_HOURS, said
    return Reason.NOT_LATE, said


def _wants_answer(mention: ScoredMention, window: Window, named: re.Pattern[str], settings: UnansweredSettings) -> bool:
    if mention.written_by(window.accounts):
        return False
    if mention.id not in window.addressed and not named.search(mention.text):
        return False
    complains = (mention.complaint or 0.0) >= settings.min_complaint or mention.standing == "detractor"
    return complains or (settings.questions and _asks(mention))


def _counted(number: int) -> str:
    return "1 complaint or question" if number == 1 else f"{number:,} complaints or questions"


def _asks(mention: ScoredMention) -> bool:
    plain = _LINK.sub(" ", mention.text)
    if "?" in plain or "¿" in plain:
        return True
    return mention.standing == "passive" and _QUESTION_WORD.match(plain) is not None


def _plain(accounts: Sequence[str]) -> set[str]:
    return {one.removeprefix("@").casefold() for one in accounts}


def _naming(accounts: Sequence[str]) -> re.Pattern[str]:
    """Finds `@account`, and not in the midst of an address or a longer name."""
    names = "|".join(re.escape(one) for one in sorted(_plain(accounts)))
    return re.compile(rf"(?<!\w)@(?:{names})(?![\w-])", re.IGNORECASE)


RULE = WindowRule(
    UnansweredSettings, assess, "a complaint or question to the brand has had no answer for too long",
    needs=frozenset({"recent", "answers"}),
)  # fmt: skip
