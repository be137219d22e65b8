"""A notice as a Slack message: Block Kit, within Slack's limits, with a fallback text.

Limits (docs.slack.dev/reference/block-kit): header 150 characters, section text 3,000, a field 2,000 and 10 of them,
50 blocks, and a message under about 12,000 characters. Slack does not say of what: here they are UTF-16 units, the
strictest way. Links are written as text, not as buttons: a click on a button is also reported to the app, and a webhook
has nobody to answer that, so Slack would show a warning beside it (slackapi/node-slack-sdk 869).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.models.blocks import Block, ContextBlock, HeaderBlock, MarkdownTextObject, PlainTextObject, SectionBlock
from slack_sdk.models.metadata import Metadata

from alerts.layout import origin, say
from alerts.links import web_link
from alerts.notice import Language, Link, Notice, NoticeKind, QuotedMention, Section
from alerts.phrases import SEVERITIES, named, number
from alerts.slack.buttons import row_of
from alerts.slack.mrkdwn import cut, inline, link, quotation
from alerts.text import size

MESSAGE_LIMIT = 12_000
"""Characters (UTF-16 units) of the whole message as JSON."""

EVENT_TYPE = "escucha_notice"
"""Of the metadata that a bot's messages carry, by which they are found again."""

_HEADER_LIMIT = 150
_LINE_LIMIT = 600
_NAME_LIMIT = 200
_SECTION_LIMIT = 3_000
_FALLBACK_QUOTE_LIMIT = 160
_MOST_QUOTES = 3
_MOST_FACTS = 10
_MOST_LINKS = 5
_MOST_CHARTS = 3
_MOST_SECTIONS = 12


@dataclass(frozen=True, slots=True)
class _Room:
    """Characters that a part may take: a quotation, a fact's value, a section's text, a link, a part of a line."""

    quote: int
    fact: int
    section: int
    link: int
    part: int = _NAME_LIMIT


_ROOMS = (
    _Room(3_000, 2_000, 3_000, 1_450),
    _Room(2_000, 500, 2_000, 1_450),
    _Room(1_000, 200, 1_000, 700),
    _Room(300, 200, 500, 400, 100),
    _Room(120, 60, 150, 200, 40),
    _Room(60, 30, 60, 100, 20),
)
"""Tried in turn: quotation marks and line ends take two characters in JSON, and long links take their room too."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: `text` is the fallback, for notifications and readers that show no blocks."""

    text: str
    blocks: tuple[Block, ...]
    metadata: Metadata | None = field(default=None)

    def to_dict(self) -> dict[str, Any]:
        """As Slack takes it; the previews of linked pages are switched off, since a stranger chose the page."""
        body: dict[str, Any] = {
            "text": self.text,
            "blocks": [block.to_dict() for block in self.blocks],
            "unfurl_links": False,
            "unfurl_media": False,
        }
        return body if self.metadata is None else body | {"metadata": self.metadata.to_dict()}


def compose(notice: Notice, *, bot: bool = False, buttons: bool = False) -> Message:
    """The message for a notice, whatever text the notice holds.

    `bot`: with metadata, which a webhook does not take. `buttons`: with those of the notice, where somebody hears when
    one is pressed.
    """
    for room in _ROOMS:
        message = _layout(notice, room, bot=bot, buttons=buttons)
        if size(json.dumps(message.to_dict(), ensure_ascii=False)) < MESSAGE_LIMIT:
            break
    return message


def _layout(notice: Notice, room: _Room, *, bot: bool, buttons: bool) -> Message:
    language = notice.language
    title = inline(notice.title, _HEADER_LIMIT)
    why = inline(notice.why, _LINE_LIMIT)
    if notice.kind is not NoticeKind.TEST:
        # In words: a colour alone says nothing to whoever cannot see it, or hears the message read.
        why = f"*{named(SEVERITIES, notice.severity, language).capitalize()}* · {why}"
    blocks: list[Block] = [
        HeaderBlock(text=PlainTextObject(text=title or "–", emoji=False)),
        SectionBlock(text=_mrkdwn(why)),
    ]
    for quoted in notice.quotes[:_MOST_QUOTES]:
        blocks.append(SectionBlock(text=_mrkdwn(quotation(quoted.text, room.quote))))
        if notice.kind is not NoticeKind.TEST:
            blocks.append(ContextBlock(elements=[_mrkdwn(_origin(quoted, notice, room))]))
    if (hidden := len(notice.quotes) - _MOST_QUOTES) > 0:
        blocks.append(ContextBlock(elements=[_mrkdwn(say("more_quotes", language, number(hidden, language)))]))
    if notice.facts:
        blocks.append(SectionBlock(fields=_fields(notice, room)))
    blocks.extend(_sections(notice.sections, room, language))
    blocks.extend(
        # An incoming webhook takes no picture, so its description stands for it.
        ContextBlock(elements=[_mrkdwn(inline(say("chart", language, chart.alt), room.section))])
        for chart in notice.charts[:_MOST_CHARTS]
    )
    if links := _links(notice.links, room):
        blocks.append(SectionBlock(text=_mrkdwn(links)))
    if buttons and (row := row_of(notice)):
        blocks.append(row)
    key = inline(say("key", language, notice.key), _NAME_LIMIT)
    blocks.append(ContextBlock(elements=[_mrkdwn(key)]))
    first = inline(notice.quotes[0].text, _FALLBACK_QUOTE_LIMIT) if notice.quotes else ""
    return Message(
        f"{title}: {why.replace('*', '')}" + (f" “{first}”" if first else ""),
        tuple(blocks),
        _metadata(notice) if bot else None,
    )


def _fields(notice: Notice, room: _Room) -> list[MarkdownTextObject]:
    return [
        # The name's share and the two stars come on top of the value's.
        _mrkdwn(cut(f"*{inline(name, room.part)}*\n{inline(value, room.fact)}", 2_000))
        for name, value in notice.facts[:_MOST_FACTS]
    ]


def _origin(quoted: QuotedMention, notice: Notice, room: _Room) -> str:
    written = [inline(part, room.part) for part in origin(quoted, notice)]
    return " · ".join([*written, *_link(Link(say("open", notice.language), quoted.url or ""), room)])


def _sections(sections: tuple[Section, ...], room: _Room, language: Language) -> Iterator[SectionBlock]:
    shown = sections if len(sections) <= _MOST_SECTIONS else sections[: _MOST_SECTIONS - 1]
    for section in shown:
        yield SectionBlock(text=_mrkdwn(_section(section, room.section, language)))
    if len(shown) < len(sections):
        yield SectionBlock(text=_mrkdwn(_more(len(sections) - len(shown), language)))


def _section(section: Section, limit: int, language: Language) -> str:
    """The heading and as many whole lines as there is room for, and how many there are beside them."""
    written = f"*{inline(section.heading, min(_NAME_LIMIT, limit))}*"
    room = limit - size(_more(len(section.lines), language)) - 1
    for done, line in enumerate(section.lines):
        longer = f"{written}\n• {inline(line, _LINE_LIMIT)}"
        if size(longer) > room:
            return cut(f"{written}\n{_more(len(section.lines) - done, language)}", _SECTION_LIMIT)
        written = longer
    return cut(written, _SECTION_LIMIT)


def _more(count: int, language: Language) -> str:
    return say("more", language, number(count, language))


def _links(links: tuple[Link, ...], room: _Room) -> str:
    written = ""
    for part in (part for one in links[:_MOST_LINKS] for part in _link(one, room)):
        longer = f"{written}  ·  {part}" if written else part
        if size(longer) <= _SECTION_LIMIT:
            written = longer
    return written


def _link(one: Link, room: _Room) -> list[str]:
    """The link, or nothing: it cannot be cut, so one that is too long is left out."""
    url = web_link(one.url)
    written = link(url, inline(one.label, _NAME_LIMIT)) if url else ""
    return [written] if 0 < size(written) <= room.link else []


def _metadata(notice: Notice) -> Metadata:
    about = notice.about
    payload: dict[str, str | int] = {"key": notice.key}
    if about is not None:
        payload |= {"alert_id": about.id, "version": about.version}
    return Metadata(event_type=EVENT_TYPE, event_payload=payload)


def _mrkdwn(text: str) -> MarkdownTextObject:
    # Slack refuses a message with an empty text object.
    return MarkdownTextObject(text=text or "–", verbatim=True)
