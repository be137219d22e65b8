"""A notice as a Slack message: Block Kit, within Slack's limits, with a fallback text.

Limits (docs.slack.dev/reference/block-kit): header 150 characters, section text 3,000, a field 2,000 and 10 of them,
50 blocks, and a message under about 12,000 characters. Links are written as text, not as buttons: a click on a button
is also reported to the app, and a webhook has nobody to answer that, so Slack would show a warning beside it
(slackapi/node-slack-sdk 869).
"""

import json
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import Block, ContextBlock, HeaderBlock, MarkdownTextObject, PlainTextObject, SectionBlock

from alerts.links import web_link
from alerts.notice import Notice
from alerts.slack.mrkdwn import inline, link, quotation
from alerts.wording import counted, moment, percent

MESSAGE_LIMIT = 12_000
"""Characters of the whole message as JSON."""

_HEADER_LIMIT = 150
_LINE_LIMIT = 600
_FIELD_LIMIT = 200
_LINK_LIMIT = 1_450
_FALLBACK_QUOTE_LIMIT = 160
_QUOTE_LIMITS = (3_000, 2_000, 1_000, 300)
"""Tried in turn: quotation marks and line ends take two characters in JSON, and long links take their room too."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: `text` is the fallback, for notifications and readers that show no blocks."""

    text: str
    blocks: tuple[Block, ...]

    def to_dict(self) -> dict[str, Any]:
        """As Slack takes it; the previews of linked pages are switched off, since a stranger chose the page."""
        return {
            "text": self.text,
            "blocks": [block.to_dict() for block in self.blocks],
            "unfurl_links": False,
            "unfurl_media": False,
        }


def compose(notice: Notice) -> Message:
    """The message for a notice, whatever text the notice holds."""
    for limit in _QUOTE_LIMITS:
        message = _layout(notice, limit)
        if len(json.dumps(message.to_dict(), ensure_ascii=False)) < MESSAGE_LIMIT:
            break
    return message


def _layout(notice: Notice, quote_limit: int) -> Message:
    title = inline(_title(notice), _HEADER_LIMIT)
    why = inline(notice.why, _LINE_LIMIT)
    blocks: list[Block] = [
        HeaderBlock(text=PlainTextObject(text=title, emoji=False)),
        SectionBlock(text=_mrkdwn(why)),
        SectionBlock(text=_mrkdwn(quotation(notice.mention.text, quote_limit))),
    ]
    if notice.kind != "test":
        blocks.append(SectionBlock(fields=_fields(notice)))
        blocks.append(ContextBlock(elements=[_mrkdwn(_origin(notice))]))
    links = _links(notice)
    if links:
        blocks.append(SectionBlock(text=_mrkdwn(links)))
    blocks.append(ContextBlock(elements=[_mrkdwn(f"Escucha notice {inline(notice.key, _FIELD_LIMIT)}")]))
    quote = inline(notice.mention.text, _FALLBACK_QUOTE_LIMIT)
    return Message(f"{title}: {why} “{quote}”", tuple(blocks))


def _title(notice: Notice) -> str:
    if notice.kind == "test":
        return "Test message from Escucha"
    if notice.kind == "grew":
        return f"{notice.brand}: {notice.rule} incident is growing"
    return f"{notice.brand}: new {notice.rule} incident"


def _fields(notice: Notice) -> list[MarkdownTextObject]:
    mention = notice.mention
    incident = counted(notice.count, "mention")
    if notice.reach:
        incident += f", known reach {notice.reach:,}"
    rows = [
        ("Author", mention.author or "unknown"),
        ("Written", moment(mention.created_at)),
        ("Incident", incident),
        ("Since", moment(notice.opened_at)),
    ]
    return [_mrkdwn(f"*{name}*\n{inline(value, _FIELD_LIMIT)}") for name, value in rows]


def _origin(notice: Notice) -> str:
    """Where it comes from and how far to trust it: an inferred stance is named as such."""
    mention = notice.mention
    reach = "unknown" if mention.reach is None else f"{mention.reach:,}"
    parts = [
        mention.source,
        f"reach {reach}",
        f"inferred stance: {mention.label or 'none'}",
        f"{percent(mention.probability)} likely a detractor",
        f"model {mention.model} {mention.revision}",
    ]
    if mention.lang:
        parts.insert(1, mention.lang)
    return " · ".join(inline(part, _FIELD_LIMIT) for part in parts)


def _links(notice: Notice) -> str:
    wanted = ((notice.mention.url, "Open the mention"), (notice.incident_url, "Open the incident"))
    links = [link(url, label) for address, label in wanted if (url := web_link(address))]
    # A link cannot be cut, so one that is too long is left out.
    return "  ·  ".join(written for written in links if len(written) <= _LINK_LIMIT)


def _mrkdwn(text: str) -> MarkdownTextObject:
    # Slack refuses a message with an empty text object.
    return MarkdownTextObject(text=text or "–", verbatim=True)
