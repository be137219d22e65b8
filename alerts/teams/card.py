"""A notice as an Adaptive Card, in the envelope that a Teams workflow takes.

TextBlock and FactSet read Markdown (learn.microsoft.com/microsoftteams/platform, "Format cards in Teams"), and clients
differ in what a backslash does there. A RichTextBlock's TextRun shows its text as it is
(adaptivecards.io/explorer/TextRun.html), so every word stands in one and nothing need be escaped. Mentions need an
entry in `msteams.entities`, which is never written. Version 1.4 is what phones show too. A workflow takes 28 KB
(learn.microsoft.com, "Create incoming webhooks with Workflows"): pictures do not fit, so there are their descriptions.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from alerts.layout import ROOMS, Layout, first_fit, layout, say
from alerts.notice import Notice
from alerts.severity import Severity
from alerts.text import one_line, shorten, size

MESSAGE_LIMIT = 27_000
"""Bytes; a little under 28 KB, counted in UTF-8 and in UTF-16, whichever is more: nobody says which is meant."""

MOST_ACTIONS = 6
"""More than six, Teams hides."""

_COLOURS = {Severity.INFO: "accent", Severity.WARNING: "warning", Severity.CRITICAL: "attention"}

# Cards replace {{DATE(...)}} and {{TIME(...)}} by a time, and templates ${...}; a word joiner keeps them from it.
_FUNCTIONS = (("{{", "{\u2060{"), ("${", "$\u2060{"))


def compose(notice: Notice) -> bytes:
    """The message for a notice, whatever text the notice holds, as JSON."""
    made = (_message(notice, layout(notice, room)) for room in ROOMS)
    return first_fit(made, _fits).encode("utf-8")


def _fits(text: str) -> bool:
    return max(2 * size(text), len(text.encode("utf-8"))) <= MESSAGE_LIMIT


def _message(notice: Notice, shown: Layout) -> str:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": _plain(shown.urgency),
        "msteams": {"width": "Full"},
        "body": list(_body(notice, shown)),
        "actions": list(_actions(shown)),
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return json.dumps({"type": "message", "attachments": [attachment]}, ensure_ascii=False, separators=(",", ":"))


def _body(notice: Notice, shown: Layout) -> Iterator[dict[str, Any]]:
    head = _text(_run(shown.title, size="Large", weight="Bolder"))
    urgency = [_run(shown.severity + " · ", weight="Bolder", color=_COLOURS[notice.severity])] if shown.severity else []
    yield {"type": "Container", "style": _COLOURS[notice.severity], "bleed": True, "items": [head]}
    yield _text(*urgency, _run(shown.why))
    for quoted in shown.quotes:
        # A frame of its own keeps a post from passing for a part of our message.
        items = [_text(_run(line)) for line in quoted.text.split("\n") if line.strip()]
        origin = [_text(_run(quoted.origin, isSubtle=True, size="Small"))] if quoted.origin else []
        yield {"type": "Container", "style": "emphasis", "items": items + origin}
    if shown.more_quotes:
        yield _text(_run(shown.more_quotes, isSubtle=True))
    for name, value in shown.facts:
        yield _text(_run(f"{name}: ", weight="Bolder"), _run(value), spacing="Small")
    for section in shown.sections:
        yield _text(_run(section.heading, weight="Bolder"), separator=True)
        yield from (_text(_run(f"• {line}"), spacing="Small") for line in section.lines)
    for chart in notice.charts[:6]:
        alt = shorten(one_line(chart.alt), 300)
        yield _text(_run(say("chart", notice.language, alt), isSubtle=True))
    yield _text(_run(shown.signed, isSubtle=True, size="Small"))


def _actions(shown: Layout) -> Iterator[dict[str, Any]]:
    links = list(shown.links)
    links += [
        (f"{shown.open_mention} {number}" if len(shown.quotes) > 1 else shown.open_mention, quoted.url)
        for number, quoted in enumerate(shown.quotes, start=1)
        if quoted.url
    ]
    for label, url in links[:MOST_ACTIONS]:
        yield {"type": "Action.OpenUrl", "title": _plain(label), "url": url}


def _text(*runs: Mapping[str, Any], **how: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(runs), **how}


def _run(text: str, **how: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": _plain(text), **how}


def _plain(text: str) -> str:
    for function, harmless in _FUNCTIONS:
        text = text.replace(function, harmless)
    return text
