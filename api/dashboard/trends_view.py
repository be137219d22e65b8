"""What the page of trends shows: its charts, each with what is to be seen in it in words, its numbers, and where the
mentions behind each of them are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlencode

from sqlmodel import Session

from alerts.expectation import share
from api.asked import Question
from api.dashboard.language import Words
from api.dashboard.pictures import Line, Picture, Slice
from api.dashboard.trends_words import bucket_name, share_words, value_name
from listener.buckets import Bucket, Every
from listener.store import figures
from listener.store.figures import By, Series

POINTS = 62
"""On a page, which says each in a table too."""

LINES = 4
"""Shares over time that are told apart in one chart: the bands of more would hide each other."""

BARS = 10

Look = Literal["light", "dark"]
Size = Literal["wide", "narrow"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A number, and the mentions it counts; ``href`` None = nowhere."""

    text: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a chart's numbers, and where a click into the chart at its place leads."""

    name: Cell
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Shown:
    """A chart on the page. ``address``: of its picture, to which look and size are added; ``said``: what is to be seen
    in it; ``over``: how its rows lie in the picture; ``empty``: it has nothing to show; ``hint``: why, where that is
    known."""

    heading: str
    said: str
    address: str
    head: Sequence[str]
    rows: Sequence[Row]
    over: Literal["time", "bars"]
    empty: bool = field(default=False)
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what a page needs to lead on from it."""

    question: Question
    every: Every | None
    words: Words
    query: Mapping[str, str | Sequence[str]]

    def mentions(self, bucket: Bucket | None = None, more: Mapping[str, str] = MappingProxyType({})) -> str:
        """Where the mentions of a stretch are, or of the whole window."""
        since, until = (bucket.since, bucket.until) if bucket else (self.question.since, self.question.until)
        brand = {"brand": self.question.brands[0].name} if len(self.question.brands) == 1 else {}
        only = {self.question.only.by.value: self.question.only.value} if self.question.only else {}
        window = {"since": _moment(since), "until": _moment(until)}
        return f"/mentions?{urlencode(brand | only | dict(more) | window, safe=':')}"

    def chart(self, kind: str, **more: str) -> str:
        """Where a chart of this question is."""
        return f"/charts/{kind}.svg?{urlencode(dict(self.query) | more, doseq=True)}"


def volume(session: Session, asked: Asked) -> Shown:
    """Mentions over time by stance."""
    found = figures.series(session, asked.question.wanted, By.LABEL, asked.question.buckets(asked.every, POINTS))
    _ = asked.words.gettext
    number = asked.words.number
    names = [_bucket(asked, bucket) for bucket in found.buckets]
    most = max(range(len(names)), key=found.whole.__getitem__)
    said = _("{mentions} mentions with a stance; the most, {most}, in the stretch from {when}.").format(
        mentions=number(sum(found.whole), 0), most=number(found.whole[most], 0), when=names[most]
    )
    rows = [
        Row(
            Cell(names[place], asked.mentions(bucket)),
            [Cell(number(found.whole[place], 0))]
            + [Cell(number(counts[place], 0)) for counts in found.counts.values()],
        )
        for place, bucket in enumerate(found.buckets)
    ]
    head = [_("beginning"), _("mentions"), *(value_name(By.LABEL, value, asked.words) for value in found.counts)]
    return Shown(_("Mentions over time"), said, asked.chart("volume"), head, rows, "time", empty=not sum(found.whole))


def shares(session: Session, asked: Asked, by: By) -> Shown:
    """Shares over time, each with its interval."""
    found = _lines(session, asked, by)
    _ = asked.words.gettext
    rows = [
        Row(
            Cell(_bucket(asked, bucket), asked.mentions(bucket)),
            [
                Cell(
                    share_words(share(counts[place], found.whole[place]), asked.words),
                    asked.mentions(bucket, {by.value: value}) if len(found.buckets) <= 31 and counts[place] else None,
                )
                for value, counts in found.counts.items()
            ],
        )
        for place, bucket in enumerate(found.buckets)
    ]
    whole = sum(found.whole)
    said = "; ".join(
        f"{value_name(by, value, asked.words)} {share_words(share(sum(counts), whole), asked.words)}"
        for value, counts in found.counts.items()
    )
    head = [_("beginning"), *(value_name(by, value, asked.words) for value in found.counts)]
    return Shown(
        _("Shares over time"),
        said,
        asked.chart("shares", by=by.value),
        head,
        rows,
        "time",
        empty=not found.counts or not whole,
    )


def made_of(session: Session, asked: Asked, by: By, heading: str) -> Shown:
    """What the mentions of the window are made up of. Raises Uncounted."""
    found = figures.parts(session, asked.question.wanted, by)
    parts = {value: number for value, number in list(found.counts.items())[:BARS] if number}
    ordered = sorted(parts.items(), key=lambda one: (-one[1], value_name(by, one[0], asked.words)))
    rows = [
        (value_name(by, value, asked.words), number, asked.mentions(None, {by.value: value}))
        for value, number in ordered
    ]
    shown = _beside(asked, heading, asked.chart("parts", by=by.value), rows, found.whole)
    if by is By.THEME and not any(brand.themes for brand in asked.question.brands):
        return replace(
            shown, hint=asked.words.gettext("No themes are set up yet. A brand's themes are made on its page.")
        )
    return shown


def voices(session: Session, asked: Asked) -> tuple[Shown, Sequence[str]]:
    """Share of voice, and the platforms that are left out of it."""
    found = figures.voice(session, asked.question.brands, asked.question.since, asked.question.until)
    ordered = sorted(found.counts.items(), key=lambda one: (-one[1], one[0]))[:BARS]
    rows = [
        (value_name(By.THEME, name, asked.words), number, asked.mentions(None, {"brand": name}))
        for name, number in ordered
    ]
    heading = asked.words.gettext("Share of voice")
    return _beside(asked, heading, asked.chart("voice"), rows, sum(found.counts.values())), found.left_out


def picture(session: Session, asked: Asked, kind: str, by: By, look: Look, size: Size) -> Picture:
    """What is drawn of a question. Raises Uncounted, KeyError for a kind that there is not."""
    words, question = asked.words, asked.question
    if kind in ("volume", "shares"):
        stance = by is By.LABEL
        found = _lines(session, asked, by if kind == "shares" else By.LABEL)
        labels = tuple(_bucket(asked, bucket) for bucket in found.buckets)
        lines = tuple(
            Line(value_name(by, value, words), tuple(counts), stance=value if stance else None)
            if kind == "volume"
            else Line(
                value_name(by, value, words), shares=_intervals(counts, found.whole), stance=value if stance else None
            )
            for value, counts in found.counts.items()
        )
        return Picture("stacked" if kind == "volume" else "bands", words.language, look, size, labels, lines)
    if kind == "voice":
        voice = figures.voice(session, question.brands, question.since, question.until).counts
        return _bars(asked, By.THEME, voice, sum(voice.values()), look, size)
    if kind == "parts":
        parts = figures.parts(session, question.wanted, by)
        return _bars(asked, by, parts.counts, parts.whole, look, size)
    raise KeyError(kind)


def _lines(session: Session, asked: Asked, by: By) -> Series:
    found = figures.series(session, asked.question.wanted, by, asked.question.buckets(asked.every, POINTS))
    return Series(found.buckets, dict(list(found.counts.items())[:LINES]), found.whole)


def _bars(asked: Asked, by: By, counts: Mapping[str, int], whole: int, look: Look, size: Size) -> Picture:
    slices = []
    for value, number in list(counts.items())[:BARS]:
        if number and (found := share(number, whole)) is not None:
            slices.append(Slice(value_name(by, value, asked.words), *found.interval))
    return Picture("beside", asked.words.language, look, size, slices=tuple(slices))


def _beside(asked: Asked, heading: str, address: str, parts: Sequence[tuple[str, int, str]], whole: int) -> Shown:
    _, number = asked.words.gettext, asked.words.number
    rows = [
        Row(Cell(name, href), [Cell(number(count, 0)), Cell(share_words(share(count, whole), asked.words))])
        for name, count, href in parts
    ]
    said = _("Most: {name}, {share}, of {whole} mentions.").format(
        name=rows[0].name.text, share=rows[0].cells[1].text, whole=number(whole, 0)
    ) if rows else ""  # fmt: skip
    return Shown(
        heading, said, address, [heading, _("mentions"), _("share")], rows, "bars", empty=not rows or not whole
    )


def _intervals(counts: Sequence[int], whole: Sequence[int]) -> tuple[tuple[float, float, float] | None, ...]:
    found = [share(one, of) for one, of in zip(counts, whole, strict=True)]
    return tuple(None if one is None else one.interval for one in found)


def _bucket(asked: Asked, bucket: Bucket) -> str:
    every = asked.question.buckets(asked.every, POINTS).every
    return bucket_name(bucket, every, asked.question.zone, asked.words.language)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%MZ}"
