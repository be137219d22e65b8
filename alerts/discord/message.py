"""A notice as a Discord message: one embed with the words and one more for each further chart, within the limits.

Limits (docs.discord.com/developers/resources/message): content 2,000 characters; an embed's title 256, description
4,096, field name 256 and value 1,024, 25 fields, footer 2,048; 6,000 in all embeds of a message together; 10 embeds,
10 files of 10 MiB together, a file's description 1,024.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alerts.discord.markdown import escaped, link, quotation, within
from alerts.layout import ROOMS, Layout, Quotation, first_fit, layout, say
from alerts.notice import Chart, Notice
from alerts.severity import Severity
from alerts.text import one_line, shorten, size

CONTENT_LIMIT = 2_000
TITLE_LIMIT = 256
DESCRIPTION_LIMIT = 4_096
NAME_LIMIT = 256
VALUE_LIMIT = 1_024
FOOTER_LIMIT = 2_048
MOST_FIELDS = 25
EMBEDS_LIMIT = 6_000
MOST_CHARTS = 9
FILES_LIMIT = 8 * 1024 * 1024
"""Bytes of all charts together; under Discord's own, which has been lowered before."""

_COLOURS = {Severity.INFO: 0x3B82F6, Severity.WARNING: 0xF59E0B, Severity.CRITICAL: 0xDC2626}


@dataclass(frozen=True, slots=True)
class Message:
    """`body` is the JSON, `files` the pictures beside it: name and content."""

    body: Mapping[str, Any]
    files: tuple[tuple[str, bytes], ...]


def compose(notice: Notice) -> Message:
    """The message for a notice, whatever text the notice holds."""
    charts = tuple(_affordable(notice.charts))
    body = first_fit((_body(notice, layout(notice, room), charts) for room in ROOMS), _fits)
    return Message(body, tuple((_file(number), chart.data) for number, chart in enumerate(charts)))


def characters(embed: Mapping[str, Any]) -> int:
    """What Discord counts of an embed towards the 6,000."""
    fields = (size(field["name"]) + size(field["value"]) for field in embed.get("fields", ()))
    texts = (embed.get("title", ""), embed.get("description", ""), embed.get("footer", {}).get("text", ""))
    return sum(fields) + sum(map(size, texts))


def _affordable(charts: tuple[Chart, ...]) -> Iterator[Chart]:
    spent = 0
    for chart in charts[:MOST_CHARTS]:
        spent += len(chart.data)
        if spent <= FILES_LIMIT:
            yield chart


def _fits(body: Mapping[str, Any]) -> bool:
    embeds = body["embeds"]
    return sum(map(characters, embeds)) <= EMBEDS_LIMIT and size(embeds[0]["description"]) <= DESCRIPTION_LIMIT


def _body(notice: Notice, shown: Layout, charts: tuple[Chart, ...]) -> dict[str, Any]:
    first: dict[str, Any] = {
        "title": within(shown.urgency, TITLE_LIMIT),
        "description": "\n\n".join(_paragraphs(shown)),
        "color": _COLOURS[notice.severity],
        "fields": _fields(shown),
        # Footers show as they are written.
        "footer": {"text": shorten(shown.signed, FOOTER_LIMIT)},
        "timestamp": notice.made_at.isoformat(),
    }
    embeds = [first]
    for number, chart in enumerate(charts):
        picture = {"image": {"url": f"attachment://{_file(number)}"}}
        if number == 0:
            first |= picture
        else:
            embeds.append({"description": within(one_line(chart.alt), 200), **picture})
    unseen = notice.charts[len(charts) :]
    first["fields"] += [
        _field("–", say("chart", notice.language, one_line(chart.alt)))
        for chart in unseen[: MOST_FIELDS - len(first["fields"])]
    ]
    return {
        # What a phone shows of the message; the embed alone would show as "an embed".
        "content": within(shown.urgency, CONTENT_LIMIT, lambda text: f"**{escaped(text)}**"),
        "embeds": embeds,
        "allowed_mentions": {"parse": []},
        # With an update these take the place of what was there.
        "attachments": [
            {"id": number, "filename": _file(number), "description": shorten(one_line(chart.alt), 1_000)}
            for number, chart in enumerate(charts)
        ],
    }


def _paragraphs(shown: Layout) -> Iterator[str]:
    yield escaped(shown.why)
    for quoted in shown.quotes:
        yield "\n".join(_quoted(quoted, shown.open_mention))
    if shown.more_quotes:
        yield escaped(shown.more_quotes)
    if shown.links:
        yield "  ·  ".join(link(label, url) for label, url in shown.links)


def _quoted(quoted: Quotation, label: str) -> Iterator[str]:
    yield quotation(quoted.text)
    if quoted.origin:
        yield escaped(quoted.origin)
    if quoted.url:
        yield link(label, quoted.url)


def _fields(shown: Layout) -> list[dict[str, Any]]:
    facts = [_field(name, value, inline=True) for name, value in shown.facts]
    sections = [_field(one.heading, "\n".join(one.lines) or "–") for one in shown.sections]
    return (facts + sections)[:MOST_FIELDS]


def _field(name: str, value: str, *, inline: bool = False) -> dict[str, Any]:
    return {"name": within(one_line(name), NAME_LIMIT), "value": within(value, VALUE_LIMIT), "inline": inline}


def _file(number: int) -> str:
    """Names are ours: one out of a notice could be anything."""
    return f"chart-{number + 1}.png"
