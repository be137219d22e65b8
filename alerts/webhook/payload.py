"""A notice as the JSON that the generic webhook posts; docs/webhook.schema.json says what may stand in it.

Names are only ever added: whoever reads it must pass over what they do not know. What would be read otherwise than
before raises `VERSION`.
"""

import json
from collections.abc import Mapping
from typing import Any

from alerts.channel import Mode
from alerts.layout import ROOMS, Room, first_fit, layout
from alerts.links import web_link
from alerts.notice import About, Chart, Notice, QuotedMention
from alerts.text import one_line, shorten, tame

VERSION = 1

MESSAGE_LIMIT = 1_000_000
"""Bytes. Pictures go first, then the ends of long texts: many receivers take a megabyte and no more."""

_ROOMS = (
    Room(quotes=20, quote=4_000, facts=50, fact=500, sections=20, lines=40, line=300, links=20, why=1_000),
    *ROOMS,
)


def compose(notice: Notice, mode: Mode) -> bytes:
    """The body for a notice, in UTF-8."""
    made = ((room, pictures) for room in _ROOMS for pictures in (True, False))
    return first_fit((_body(notice, mode, *one) for one in made), lambda body: len(body) <= MESSAGE_LIMIT)


def _body(notice: Notice, mode: Mode, room: Room, pictures: bool) -> bytes:
    shown = layout(notice, room)
    body = {
        "version": VERSION,
        "key": notice.key,
        "kind": notice.kind.value,
        "mode": mode.value,
        "severity": notice.severity.value,
        "language": notice.language,
        "made_at": notice.made_at.isoformat(),
        "title": shown.title,
        "why": shown.why,
        "incident": None if notice.about is None else _incident(notice.about),
        "facts": [{"name": name, "value": value} for name, value in shown.facts],
        "quotes": [_quote(one, room) for one in notice.quotes[: room.quotes]],
        "sections": [{"heading": one.heading, "lines": list(one.lines)} for one in shown.sections],
        "links": [{"label": label, "url": url} for label, url in shown.links],
        "charts": [_chart(one, pictures) for one in notice.charts[:20]],
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _incident(about: About) -> Mapping[str, Any]:
    return {
        "id": about.id,
        "brand": None if about.brand is None else one_line(about.brand),
        "rule": about.rule,
        "state": about.state,
        "version": about.version,
        "count": about.count,
        "reach": about.reach,
        "opened_at": about.opened_at.isoformat(),
    }


def _quote(quoted: QuotedMention, room: Room) -> Mapping[str, Any]:
    return {
        "text": shorten(tame(quoted.text[: 2 * room.quote]), room.quote),
        "url": web_link(quoted.url, room.url),
        "author": None if quoted.author is None else shorten(one_line(quoted.author[:1_000]), 300),
        "source": shorten(one_line(quoted.source[:1_000]), 300),
        "language": quoted.lang,
        "created_at": quoted.created_at.isoformat(),
        "reach": quoted.reach,
        "stance": quoted.label,
        "detractor_probability": quoted.probability,
        "model": quoted.model,
        "revision": quoted.revision,
    }


def _chart(chart: Chart, pictures: bool) -> Mapping[str, Any]:
    return {
        "name": shorten(one_line(chart.name[:400]), 100),
        "alt": shorten(one_line(chart.alt[:4_000]), 1_000),
        "media_type": "image/png",
        "base64": chart.png if pictures else None,
    }
