"""A digest's charts, each with what is to be seen in it in words. Importing this imports altair."""

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence

from alerts import phrases
from alerts.digest_figures import BrandFigures, DigestFigures
from alerts.digest_period import Every, Period
from alerts.digest_words import Words
from alerts.notice import Chart
from alerts.text import one_line
from listener.chart_looks import COLOURS
from listener.charts import Bar, Slice, over_time, shares
from listener.store.digests import HourCount

MOST = 2
"""Brands whose mentions are drawn over time, those with the most."""


def draw(words: Words, found: DigestFigures, said: Sequence[HourCount], period: Period) -> list[Chart]:
    """Mentions over time of the brands with the most, and everybody's share of voice; what has no data is left out."""
    most = sorted(found.brands, key=lambda one: (-one.counts.mentions, one.brand))[:MOST]
    charts = [
        _over_time(words, number, one, [row for row in said if row.brand == one.brand and row.label in COLOURS], period)
        for number, one in enumerate(most, 1)
        if one.counts.labelled
    ]
    if found.voices:
        charts.append(_voices(words, found))
    return charts


def _over_time(words: Words, number: int, one: BrandFigures, rows: Sequence[HourCount], period: Period) -> Chart:
    by_day = period.every is Every.WEEKLY
    title = words.say("days_chart" if by_day else "hours_chart", brand=one_line(one.brand))
    png = over_time(
        [Bar(row.hour, row.label, row.mentions) for row in rows], since=period.since, until=period.until, by_day=by_day,
        zone=words.zone, title=title, language=words.language,
    )  # fmt: skip
    by_hour: Counter[str] = Counter()
    for row in rows:
        by_hour[words.moment(row.hour)] += row.mentions
    alt = words.say(
        "chart_alt", title=title, mentions=phrases.mentions(one.counts.mentions, words.language),
        promoters=words.number(one.counts.promoters), detractors=words.number(one.counts.detractors),
        busiest=max(sorted(by_hour), key=by_hour.__getitem__, default="-"),
    )  # fmt: skip
    return _chart(f"mentions-{number}", alt, png)


def _voices(words: Words, found: DigestFigures) -> Chart:
    title = words.say("voice")
    slices = [Slice(one.brand, one.share.value, one.share.low, one.share.high, one.own) for one in found.voices]
    alt = ", ".join(f"{one_line(one.brand)} {words.share(one.share)}" for one in found.voices)
    return _chart("share-of-voice", f"{title}: {alt}", shares(slices, title=title, language=words.language))


def _chart(name: str, alt: str, png: bytes) -> Chart:
    return Chart(name, alt, b64encode(png).decode("ascii"))
