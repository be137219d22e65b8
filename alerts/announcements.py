"""Notices about notices: what a channel's budget held back, and that a channel was switched off. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from alerts.notice import Language, Link, Notice, NoticeKind, Section, digest
from alerts.phrases import SEVERITIES, because, named, number
from alerts.reasons import Reason
from alerts.severity import Severity, worst
from alerts.text import one_line, shorten

SHOWN = 20
"""Incidents that a summary names; of the others it says how many there are."""

_LINE_LIMIT = 160

_WORDS: dict[str, dict[Language, str]] = {
    "title": {"en": "Many incidents at once: {many} held back", "es": "Muchas incidencias a la vez: {many} retenidas"},
    "why": {
        "en": "{channel} has had its messages for this hour, so this one tells of {many} incidents, with {mentions} "
        "mentions in all; the worst is {worst}.",
        "es": "{channel} ha recibido ya sus mensajes de esta hora, así que este habla de {many} incidencias, con "
        "{mentions} menciones en total; la más grave es {worst}.",
    },
    "more": {"en": "and {many} more", "es": "y {many} más"},
    "open": {"en": "Open all incidents", "es": "Abrir todas las incidencias"},
    "incidents": {"en": "Incidents", "es": "Incidencias"},
    "mentions": {"en": "Mentions", "es": "Menciones"},
    "worst": {"en": "Worst severity", "es": "Gravedad máxima"},
    "reason": {"en": "Why this message", "es": "Por qué este mensaje"},
    "off_title": {"en": "Channel {channel} is off", "es": "El canal {channel} está desactivado"},
    "off_why": {
        "en": "{channel} refuses our messages: {said}. Nothing is sent there until somebody has mended it and run: "
        "escucha channels enable {channel}",
        "es": "{channel} rechaza nuestros mensajes: {said}. No se envía nada allí hasta que alguien lo arregle y "
        "ejecute: escucha channels enable {channel}",
    },
    "waiting": {"en": "Messages waiting there", "es": "Mensajes que esperan allí"},
    "page": {"en": "Open Escucha", "es": "Abrir Escucha"},
}


def summary(channel: str, held: Sequence[Notice], public_url: str, now: datetime) -> Notice:
    """One notice that tells of all these, the worst first, in the language that most of them are in.

    Its key follows from theirs. Raises ValueError for none.
    """
    if not held:
        raise ValueError("a summary is of something; nothing was held back")
    language = Counter(one.language for one in held).most_common(1)[0][0]
    ordered = sorted(held, key=lambda one: (-one.severity.rank, one.made_at, one.key))
    mentions = sum(one.about.count for one in held if one.about is not None)
    severity = worst(*(one.severity for one in held))
    many, in_all = number(len(held), language), number(mentions, language)
    return Notice(
        key=f"summary-{digest(channel, *sorted(one.key for one in held))}",
        kind=NoticeKind.SUMMARY,
        title=_word("title", language, many=many),
        why=_word(
            "why", language, channel=_line(channel), many=many, mentions=in_all,
            worst=named(SEVERITIES, severity.value, language),
        ),
        made_at=now,
        severity=severity,
        language=language,
        facts=(
            (_word("incidents", language), many),
            (_word("mentions", language), in_all),
            (_word("worst", language), named(SEVERITIES, severity.value, language)),
            (_word("reason", language), because(Reason.SUMMARISED, language)),
        ),
        sections=tuple(_sections(ordered, language)),
        links=(Link(_word("open", language), f"{public_url}/alerts"),),
    )  # fmt: skip


def channel_off(
    channel: str, said: str, waiting: int, public_url: str, now: datetime, language: Language = "en"
) -> Notice:
    """That a channel was switched off, for people elsewhere. ``said``: why, in words without secrets."""
    name = _line(channel)
    return Notice(
        key=f"channel_off-{digest(channel, now.isoformat())}",
        kind=NoticeKind.CHANNEL_OFF,
        title=_word("off_title", language, channel=name),
        why=_word("off_why", language, channel=name, said=shorten(one_line(said), 300).rstrip(".")),
        made_at=now,
        severity=Severity.CRITICAL,
        language=language,
        facts=(
            (_word("waiting", language), number(waiting, language)),
            (_word("reason", language), because(Reason.CHANNEL_SWITCHED_OFF, language)),
        ),
        links=(Link(_word("page", language), f"{public_url}/"),),
    )


def _sections(ordered: Sequence[Notice], language: Language) -> list[Section]:
    """The incidents by severity; after the first twenty only how many there are."""
    sections = []
    for severity in sorted({one.severity for one in ordered}, key=lambda one: -one.rank):
        lines = tuple(_line(one.title) for one in ordered[:SHOWN] if one.severity is severity)
        left = sum(one.severity is severity for one in ordered[SHOWN:])
        if left:
            lines += (_word("more", language, many=number(left, language)),)
        sections.append(Section(named(SEVERITIES, severity.value, language).capitalize(), lines))
    return sections


def _line(text: str) -> str:
    return shorten(one_line(text), _LINE_LIMIT)


def _word(name: str, language: Language, **filled: str) -> str:
    # What is filled in may hold braces: only our own words are a format.
    return _WORDS[name][language].format(**filled)
