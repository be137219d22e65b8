"""A notice as an e-mail: text, the same in HTML, and charts inside it; threaded with what else is said of its incident.

Standards: RFC 5322 (Message-ID, In-Reply-To, References), 2387 (multipart/related), 2392 (cid:), 3834
(Auto-Submitted), 2919 (List-Id). All of it is ASCII on the wire, so that it asks nothing of the servers on its way.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from alerts.layout import ROOMS, Layout, Room, first_fit, layout, say
from alerts.notice import About, Chart, Notice, NoticeKind, digest
from alerts.severity import Severity
from alerts.text import one_line, shorten
from alerts.web.ids import plain_id

HTML_LIMIT = 100_000
"""Bytes: Gmail hides what comes after 102 KB of HTML."""

CHARTS_LIMIT = 5_000_000
"""Bytes of all charts together. Many servers take ten million, and base64 adds a third."""

_ROOMS = (Room(quotes=10, quote=3_000, lines=60, sections=20, links=10), *ROOMS)

_POLICY = SMTP.clone(cte_type="7bit", raise_on_defect=True)

_COLOURS = {Severity.INFO: "#2563eb", Severity.WARNING: "#d97706", Severity.CRITICAL: "#dc2626"}

_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=False
)

_NOT_A_LABEL = re.compile(r"[^a-z0-9]+")


def message_id(notice: Notice, domain: str) -> str:
    """Made of the notice's stable id alone: a message that is sent twice is the same one to every mailbox."""
    return f"<{plain_id(notice.key)}@{domain}>"


def thread_id(about: About, domain: str) -> str:
    """What all mail about an incident refers to, so that mailboxes keep it together even where the first is missing."""
    moment = about.opened_at.astimezone(UTC).isoformat()
    return f"<incident-{about.id}-{digest('incident', str(about.id), about.rule, moment)}@{domain}>"


def compose(
    notice: Notice, *, channel: str, sender: Address, to: Sequence[Address], reply_to: str | None = None
) -> EmailMessage:
    """The message for a notice, whatever text the notice holds. `reply_to`: the Message-ID of the one it goes under."""
    charts = tuple(_affordable(notice.charts))
    made = ((shown, _page(notice, shown, charts, sender.domain)) for shown in (layout(notice, one) for one in _ROOMS))
    shown, page = first_fit(made, lambda one: len(one[1].encode("utf-8")) <= HTML_LIMIT)
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender
    message["To"] = tuple(to)
    message["Subject"] = shorten(shown.urgency, 200)
    message["Date"] = notice.made_at
    message["Message-ID"] = message_id(notice, sender.domain)
    _thread(message, notice, sender.domain, reply_to)
    message["X-Escucha-Key"] = shorten(one_line(notice.key), 200)
    message["Auto-Submitted"] = "auto-generated"
    # Exchange's own word for "no out-of-office replies to this".
    message["X-Auto-Response-Suppress"] = "All"
    message["List-Id"] = f"<{_label(channel)}.escucha.{sender.domain}>"
    if notice.severity is Severity.CRITICAL and notice.kind is not NoticeKind.TEST:
        message["Importance"] = "high"
    message.set_content(_text(notice, shown), charset="utf-8", cte="quoted-printable")
    message.add_alternative(page, subtype="html", charset="utf-8", cte="quoted-printable")
    html = message.get_payload()[1]  # type: ignore[index]
    for number, chart in enumerate(charts):
        html.add_related(  # type: ignore[union-attr]
            chart.data, "image", "png", cid=f"<{_cid(notice, number, sender.domain)}>", disposition="inline",
            filename=f"chart-{number + 1}.png",
        )  # fmt: skip
    return message


def _thread(message: EmailMessage, notice: Notice, domain: str, reply_to: str | None) -> None:
    root = [] if notice.about is None else [thread_id(notice.about, domain)]
    above = root if reply_to is None else [*root, reply_to]
    if above:
        message["References"] = " ".join(above)
    if reply_to is not None:
        message["In-Reply-To"] = reply_to


def _page(notice: Notice, shown: Layout, charts: Sequence[Chart], domain: str) -> str:
    pictures = [(_alt(chart), _cid(notice, number, domain)) for number, chart in enumerate(charts)]
    return _PAGES.get_template("notice.html").render(
        language=notice.language, shown=shown, colour=_COLOURS[notice.severity], charts=pictures
    )


def _text(notice: Notice, shown: Layout) -> str:
    lines = [shown.urgency, "", shown.why, ""]
    for quoted in shown.quotes:
        # The mark on every line keeps a post from passing for a part of our message.
        lines += [f"> {line}" for line in quoted.text.split("\n")]
        lines += [one for one in (quoted.origin, quoted.url) if one]
        lines.append("")
    lines += [shown.more_quotes, ""] if shown.more_quotes else []
    lines += [f"{name}: {value}" for name, value in shown.facts]
    lines += [say("chart", notice.language, _alt(chart)) for chart in notice.charts]
    for section in shown.sections:
        lines += ["", section.heading, *(f"- {line}" for line in section.lines)]
    lines += ["", *(f"{label}: {url}" for label, url in shown.links), "", "-- ", shown.signed]
    return "\n".join(lines) + "\n"


def _affordable(charts: Sequence[Chart]) -> Sequence[Chart]:
    found, spent = [], 0
    for chart in charts:
        spent += len(chart.data)
        if spent <= CHARTS_LIMIT:
            found.append(chart)
    return found


def _alt(chart: Chart) -> str:
    return shorten(one_line(chart.alt), 1_000)


def _cid(notice: Notice, number: int, domain: str) -> str:
    return f"chart-{number + 1}.{plain_id(notice.key)}@{domain}"


def _label(channel: str) -> str:
    return _NOT_A_LABEL.sub("-", channel.lower()).strip("-")[:60] or "channel"


def page_of(message: EmailMessage) -> str:
    """Its HTML part with the pictures inside it, as a browser wants them."""
    body = message.get_body(("html",))
    assert body is not None
    page: str = body.get_content()
    for part in message.walk():
        if part.get_content_type() == "image/png":
            address = str(part["Content-ID"]).strip("<>")
            picture = b64encode(part.get_content()).decode("ascii")
            page = page.replace(f"cid:{address}", f"data:image/png;base64,{picture}")
    return page
