"""What figures are called on a page and in its charts: values, moments, shares with their intervals."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_skeleton

from alerts.expectation import Share
from alerts.text import one_line, shorten
from api.dashboard.language import N_, Language, Words
from listener.buckets import Bucket, Every
from listener.store.figures import By

BYS: Mapping[By, str] = {
    By.LABEL: N_("stance"),
    By.POLARITY: N_("tone"),
    By.EMOTION: N_("emotion"),
    By.SOURCE: N_("source"),
    By.LANG: N_("language"),
    By.THEME: N_("theme"),
}

EVERIES: Mapping[Every, str] = {
    Every.HOUR: N_("hour"),
    Every.DAY: N_("day"),
    Every.WEEK: N_("week"),
    Every.MONTH: N_("month"),
}

_VALUES: Mapping[By, Mapping[str, str]] = {
    By.LABEL: {"promoter": N_("promoters"), "passive": N_("passives"), "detractor": N_("detractors")},
    By.POLARITY: {"positive": N_("positive"), "neutral": N_("neutral"), "negative": N_("negative")},
    By.EMOTION: {
        "anger": N_("anger"), "anticipation": N_("anticipation"), "disgust": N_("disgust"), "fear": N_("fear"),
        "joy": N_("joy"), "love": N_("love"), "optimism": N_("optimism"), "pessimism": N_("pessimism"),
        "sadness": N_("sadness"), "surprise": N_("surprise"), "trust": N_("trust"),
    },
}  # fmt: skip

LONGEST = 60


def value_name(by: By, value: str, words: Words) -> str:
    """What a value is called. Themes and platforms are called what they are called."""
    if by is By.LANG:
        return str(Locale.parse(words.language).languages.get(value, value))
    known = _VALUES.get(by, {}).get(value)
    return shorten(one_line(value), LONGEST) if known is None else words.gettext(known)


def bucket_name(bucket: Bucket, every: Every, zone: ZoneInfo, language: Language) -> str:
    """When it began, by that zone's clock, as short as can be told apart."""
    local = bucket.since.astimezone(zone)
    if every is Every.MONTH:
        return str(format_skeleton("yMMM", local.date(), locale=language))
    day = str(format_skeleton("MMMd", local.date(), locale=language))
    return f"{day} {local:%H:%M}" if every is Every.HOUR else day


def share_words(share: Share | None, words: Words) -> str:
    """A share and its interval: 40% (34–46)."""
    if share is None:
        return "–"
    low, high = (words.number(end * 100, 0) for end in (share.low, share.high))
    return f"{words.percent(share.value)} ({low}–{high})"
