"""A notice cut to size, in plain words: what every channel without a layout of its own fills its message with.

A channel escapes what is here for its platform and measures the message; where that is too large it takes the next
`Room`. What is left out is counted, so that nobody takes a part for the whole.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from zoneinfo import ZoneInfo

from alerts.links import web_link
from alerts.notice import Chart, Language, Notice, NoticeKind, QuotedMention, Section
from alerts.phrases import SEVERITIES, moment, named, number
from alerts.text import one_line, shorten, tame
from alerts.wording import percent

_WORDS: dict[str, dict[Language, str]] = {
    "author": {"en": "unknown author", "es": "autor desconocido"},
    "reach": {"en": "reach {}", "es": "alcance {}"},
    "no_reach": {"en": "reach unknown", "es": "alcance desconocido"},
    "stance": {"en": "inferred stance: {}", "es": "postura inferida: {}"},
    "likely": {"en": "{} likely a detractor", "es": "{} de probabilidad de ser detractor"},
    "model": {"en": "model {}", "es": "modelo {}"},
    "open": {"en": "Open the mention", "es": "Abrir la mención"},
    "no_text": {"en": "(no text)", "es": "(sin texto)"},
    "more_quotes": {"en": "and {} more mentions, in Escucha", "es": "y {} menciones más, en Escucha"},
    "more": {"en": "… and {} more, in Escucha", "es": "… y {} más, en Escucha"},
    "chart": {"en": "Chart: {}", "es": "Gráfico: {}"},
    "key": {"en": "Escucha notice {}", "es": "Aviso de Escucha {}"},
    "why": {"en": "Why", "es": "Por qué"},
}

_STANCES: dict[str | None, dict[Language, str]] = {
    None: {"en": "none", "es": "ninguna"},
    "detractor": {"en": "detractor", "es": "detractor"},
    "passive": {"en": "passive", "es": "pasivo"},
    "promoter": {"en": "promoter", "es": "promotor"},
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Room:
    """How much a message may hold: of each thing how many, and of how many characters (UTF-16 units) each."""

    quotes: int = 3
    quote: int = 2_000
    facts: int = 15
    fact: int = 300
    sections: int = 12
    lines: int = 30
    line: int = 500
    links: int = 5
    url: int = 2_000
    title: int = 200
    why: int = 600
    part: int = 100


ROOMS = (
    Room(),
    Room(quote=1_000, url=1_000, lines=15, line=300),
    Room(quote=500, facts=10, fact=150, sections=8, lines=8, line=150, links=3, url=500, why=400),
    Room(quote=250, facts=8, fact=80, sections=5, lines=4, line=100, links=2, url=300, title=120, why=250, part=50),
    Room(1, 150, 5, 60, 3, 3, 60, 1, 200, 80, 150, 30),
)
"""Tried in turn, the roomiest first; the last fits every platform whatever a notice holds."""


@dataclass(frozen=True, slots=True)
class Quotation:
    """What somebody said; `origin` says who, where and how far to trust the scores. `url` is fit to link to."""

    text: str
    origin: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Layout:
    """Plain text without control characters; all but the quotations' texts is on one line each.

    `severity` is "" for a test. `key` is the notice's stable id, `signed` the line that shows it.
    """

    title: str
    severity: str
    why: str
    quotes: tuple[Quotation, ...]
    more_quotes: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    links: tuple[tuple[str, str], ...]
    charts: tuple[Chart, ...]
    key: str
    signed: str
    open_mention: str

    @property
    def urgency(self) -> str:
        """The title with the severity in words before it, unless it begins with it."""
        if not self.severity or self.title.casefold().startswith(self.severity.casefold()):
            return self.title
        return f"[{self.severity}] {self.title}"


def layout(notice: Notice, room: Room) -> Layout:
    """The notice within this room, in its own language."""
    language = notice.language
    test = notice.kind is NoticeKind.TEST
    hidden = len(notice.quotes) - room.quotes
    return Layout(
        title=_cut(notice.title, room.title) or "Escucha",
        severity="" if test else named(SEVERITIES, notice.severity.value, language).capitalize(),
        why=_cut(notice.why, room.why) or "–",
        quotes=tuple(_quotation(one, room, notice) for one in notice.quotes[: room.quotes]),
        more_quotes=say("more_quotes", language, number(hidden, language)) if hidden > 0 else "",
        facts=tuple((_cut(name, room.part) or "–", _cut(value, room.fact) or "–")
                    for name, value in notice.facts[: room.facts]),
        sections=tuple(_sections(notice.sections, room, language)),
        links=tuple(
            (_cut(one.label, room.part) or url, url)
            for one in notice.links[: room.links]
            if (url := web_link(one.url, room.url))
        ),
        charts=notice.charts,
        key=notice.key,
        signed=say("key", language, _cut(notice.key, 200)),
        open_mention=say("open", language),
    )  # fmt: skip


def say(word: str, language: Language, value: str = "") -> str:
    """Our own words. What is filled in may hold braces, so it is no format itself."""
    return _WORDS[word][language].replace("{}", value)


def first_fit(made: Iterable[T], fits: Callable[[T], bool]) -> T:
    """The first that fits, else the last. Raises ValueError where there is none at all."""
    found: list[T] = []
    for one in made:
        found = [one]
        if fits(one):
            break
    if not found:
        raise ValueError("there is nothing to choose from")
    return found[0]


def _quotation(quoted: QuotedMention, room: Room, notice: Notice) -> Quotation:
    # Most of what is too long goes before the costly part.
    text = shorten(tame(quoted.text[: 2 * room.quote + 2]).strip(), room.quote) or say("no_text", notice.language)
    parts = () if notice.kind is NoticeKind.TEST else origin(quoted, notice)
    return Quotation(text, " · ".join(_cut(part, room.part) for part in parts), web_link(quoted.url, room.url))


def origin(quoted: QuotedMention, notice: Notice) -> tuple[str, ...]:
    """Where a quotation comes from and how far to trust it, part by part: an inferred stance is named as such."""
    language = notice.language
    stance = _STANCES.get(quoted.label, {}).get(language, quoted.label or "")
    parts = (
        quoted.author or say("author", language),
        quoted.source,
        quoted.lang or "",
        moment(quoted.created_at, ZoneInfo(notice.timezone)),
        say("no_reach", language) if quoted.reach is None else say("reach", language, number(quoted.reach, language)),
        say("stance", language, stance),
        say("likely", language, percent(quoted.probability)),
        say("model", language, f"{quoted.model} {quoted.revision}"),
    )
    return tuple(part for part in parts if part)


def _sections(sections: Sequence[Section], room: Room, language: Language) -> Iterable[Section]:
    for section in sections[: room.sections]:
        lines = [_cut(line, room.line) for line in section.lines[: room.lines]]
        hidden = len(section.lines) - room.lines
        if hidden > 0:
            lines.append(say("more", language, number(hidden, language)))
        yield Section(_cut(section.heading, room.part) or "–", tuple(line or "–" for line in lines))
    hidden = len(sections) - room.sections
    if hidden > 0:
        yield Section(say("more", language, number(hidden, language)), ())


def _cut(text: str, limit: int) -> str:
    return shorten(one_line(text[: 2 * limit + 2]), limit)
