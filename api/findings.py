"""What rules found, in the reader's language.

Rules write it once, in English and with its numbers (``alerts.rule.Verdict.because``), and so it is stored. It is put
together from few clauses, which stand here as they are written there; between them stands a comma, a semicolon or a
space. What does not come out whole (an older release wrote it otherwise) is shown as it is.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache

from api.dashboard.language import N_
from api.voice import ENGLISH, Voice

_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_SHARE = r"(?:\d+(?:\.\d+)?(?:e[+-]\d+)?|nan)%"
_LENGTH = r"(?:less than a minute|(?:\d+[dhms])+)"

_SHAPES: Mapping[str, str] = {
    "n": _NUMBER,
    "other": _NUMBER,
    "least": _NUMBER,
    "share": _SHARE,
    "needed": _SHARE,
    "length": _LENGTH,
    "longest": _LENGTH,
    "moment": r"\d{4,}-\d\d-\d\d \d\d:\d\d UTC",
    "mentions": r"(?:1 mention|\d+(?:,\d{3})* mentions)",
    "others": r"(?:1 mention|\d+(?:,\d{3})* mentions)",
    "asks": r"(?:1 complaint or question|\d+(?:,\d{3})* complaints or questions)",
    "label": r"(?:promoter|passive|detractor)",
    "words": r".+?(?=; | and \d+ more|, but |$)",
    "source": r".+?",
    "trouble": r".+",
}
"""What stands in a clause for what, by name. ``words`` are of our lists, ``source`` and ``trouble`` anybody's."""

CLAUSES = (
    # Of one mention.
    N_("{share} likely a detractor (alerts from {needed})"),
    N_("{share} likely a complaint (alerts from {needed})"),
    N_("{share} likely a promoter (counts from {needed})"),
    N_("{share} likely a detractor"),
    N_("{share} likely, needs {needed}"),
    N_("reach {n} (alerts from {least})"),
    N_("reach {n}, needs {least}"),
    N_("reach unknown (counts as 0), needs {least}"),
    N_("reach {n}"),
    N_("reach unknown"),
    N_("{n} followers (alerts from {least})"),
    N_("followers {n}"),
    N_("followers unknown"),
    N_("reactions rose from {other} to {n} within {length}"),
    N_("{n} an hour (alerts from {least})"),
    N_("{n} reactions an hour"),
    N_("no growth seen"),
    N_("no score yet"),
    N_("inferred stance: {label}"),
    N_("inferred stance: none"),
    N_("{length} old when collected, at most {longest}"),
    N_("no crisis words"),
    N_("safety: {words}"),
    N_("legal: {words}"),
    N_("data: {words}"),
    N_("discrimination: {words}"),
    N_("and {n} more"),
    N_("but said by somebody who speaks for the brand"),
    N_("but only {share} likely against the brand, needs {needed}"),
    # Of a window.
    N_("not all sources have been read for {length}, so nobody knows whether it goes on"),
    N_("{mentions} in the last hour, usually {n} (up to {other})"),
    N_("{mentions} in the last {length}, usually {n} (up to {other})"),
    N_("on Mondays at this hour (UTC)"),
    N_("on Tuesdays at this hour (UTC)"),
    N_("on Wednesdays at this hour (UTC)"),
    N_("on Thursdays at this hour (UTC)"),
    N_("on Fridays at this hour (UTC)"),
    N_("on Saturdays at this hour (UTC)"),
    N_("on Sundays at this hour (UTC)"),
    N_("at this hour of the day"),
    N_("in such a time"),
    N_("{share} detractors, usually {needed}"),
    N_("{n} at its height"),
    N_("the level is another one since {moment}"),
    N_(
        "to say what is usual it wants {length} listened to and {mentions}, "
        "has {longest} and {others} besides the busiest day's"
    ),
    N_("{asks} without an answer for {length} of working time or longer"),
    N_("the oldest since {moment}"),
    N_("{n} never answered and too old by now"),
    N_("{asks} never answered, and too old for it after {length}"),
    N_("no complaint or question to the brand in {length}"),
    N_("answered: {asks}"),
    N_("{n} waiting, none for {length} of working time"),
    N_("the brand names no accounts that it answers from, so nobody can see what was answered"),
    N_("no post of the brand's own accounts is stored, so nobody can see what was answered"),
    # Of a source.
    N_("the source {source} has stopped and waits for a person: {trouble}"),
    N_("the source {source} has stopped and waits for a person"),
    N_("reading the source {source} has failed since {moment} ({length}): {trouble}"),
    N_("reading the source {source} has failed since {moment} ({length})"),
    N_("nothing new from the source {source} in {length} of reading it"),
    N_("its longest usual silence is {longest}"),
    # What a suggestion for an answer goes by (``alerts.points``).
    N_("irony {share} likely"),
    N_("anger {share} likely"),
    N_("without an answer for {length}"),
    N_("{n} earlier mentions of the brand, {other} against it"),
)
"""Each before those that it begins with."""

_BETWEEN = re.compile(r"; |, | |$")


def said(text: str, voice: Voice = ENGLISH) -> str:
    """The same in that voice."""
    if voice is ENGLISH:
        return text
    found, at = [], 0
    while at < len(text):
        clause = _clause(text, at, voice)
        if clause is None:
            return text
        words, at = clause
        between = _BETWEEN.match(text, at)
        if between is None:
            return text
        found += [words, between[0]]
        at = between.end()
    return "".join(found)


def _clause(text: str, at: int, voice: Voice) -> tuple[str, int] | None:
    """What begins there, in that voice, and where it ends."""
    for words, pattern in _patterns():
        if (match := pattern.match(text, at)) is not None:
            values = {name: _value(name, value, voice) for name, value in match.groupdict().items()}
            return voice.gettext(words).format(**values), match.end()
    return None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((words, _pattern(words)) for words in CLAUSES)


def _pattern(words: str) -> re.Pattern[str]:
    """Finds a clause, up to where another may begin."""
    parts = re.split(r"\{(\w+)\}", words)
    shaped = (
        f"(?P<{part}>{_SHAPES[part]})" if number % 2 else re.escape(part) for number, part in enumerate(parts)
    )  # fmt: skip
    return re.compile("".join(shaped) + r"(?=; |, | |$)")


def _value(name: str, value: str, voice: Voice) -> str:
    how = _WRITTEN.get(name)
    return how(value, voice) if how is not None else value


def _number(value: str, voice: Voice) -> str:
    plain = value.replace(",", "")
    return voice.number(float(plain), len(plain.partition(".")[2]))


def _share(value: str, voice: Voice) -> str:
    share = float(value.removesuffix("%"))
    if share != share:
        # What a broken model gave: not a number.
        return value
    return voice.percent(share / 100, 1, len(value.partition("e")[0].removesuffix("%").partition(".")[2]))


def _mentions(value: str, voice: Voice) -> str:
    count = int(value.split()[0].replace(",", ""))
    return voice.ngettext("{n} mention", "{n} mentions", count).format(n=voice.number(count, 0))


def _asks(value: str, voice: Voice) -> str:
    count = int(value.split()[0].replace(",", ""))
    words = voice.ngettext("{n} complaint or question", "{n} complaints or questions", count)
    return words.format(n=voice.number(count, 0))


def _length(value: str, voice: Voice) -> str:
    return voice.gettext(value) if value[0] == "l" else value


_WRITTEN: Mapping[str, Callable[[str, Voice], str]] = {
    "n": _number, "other": _number, "least": _number, "share": _share, "needed": _share, "length": _length,
    "longest": _length, "mentions": _mentions, "others": _mentions, "asks": _asks,
    "label": lambda value, voice: voice.gettext(value),
}  # fmt: skip
