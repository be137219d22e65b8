"""What becomes of a button that was pressed, and what the person who pressed it is told, in the message's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from alerts.incident import Incident
from alerts.notice import Action, Language
from alerts.phrases import lasted, mentions, moment
from alerts.slack.mrkdwn import inline

_NAME_LIMIT = 120
_DETAIL_LIMIT = 400


class Outcome(StrEnum):
    """Names are stored: never rename one."""

    DONE = "done"
    DONE_ON_NEWER = "done_on_newer"
    """Done, though the incident had changed since the message was written."""
    ALREADY = "already"
    """It was so already: pressed twice, or another was faster."""
    TAKEN = "taken"
    """Another has it."""
    RESOLVED = "resolved"
    """The incident was resolved before, so this makes no sense."""
    GONE = "gone"
    """There is no such incident."""
    NOT_POSSIBLE = "not_possible"
    OTHER_WORKSPACE = "other_workspace"
    UNKNOWN_ACTION = "unknown_action"
    MALFORMED = "malformed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Told:
    """What the words are about, and when they are said.

    `incident` is as it is afterwards; `detail` says why something is not possible.
    """

    language: Language
    at: datetime
    zone: ZoneInfo
    action: Action | None = None
    incident: Incident | None = None
    detail: str = ""


_DONE: Mapping[Action, Mapping[Language, str]] = {
    Action.ACKNOWLEDGE: {
        "en": "Acknowledged: nobody is reminded of it any more.",
        "es": "Entendido: ya no se le recordará a nadie.",
    },
    Action.ASSIGN: {"en": "It is yours now.", "es": "Ahora es tuya."},
    Action.SNOOZE: {"en": "Snoozed until {until}.", "es": "Pospuesta hasta el {until}."},
    Action.USEFUL: {"en": "Noted as useful; thank you.", "es": "Anotado como útil; gracias."},
    Action.NOT_USEFUL: {"en": "Noted as not useful; thank you.", "es": "Anotado como no útil; gracias."},
}

_ALREADY: Mapping[Action, Mapping[Language, str]] = {
    Action.ACKNOWLEDGE: {
        "en": "{acknowledged_by} acknowledged it {acknowledged_ago} ago already.",
        "es": "{acknowledged_by} ya se dio por enterado hace {acknowledged_ago}.",
    },
    Action.ASSIGN: {"en": "It is yours already.", "es": "Ya es tuya."},
    Action.SNOOZE: {"en": "It is snoozed until {until} already.", "es": "Ya está pospuesta hasta el {until}."},
    Action.USEFUL: {"en": "You have said so already.", "es": "Ya lo habías dicho."},
    Action.NOT_USEFUL: {"en": "You have said so already.", "es": "Ya lo habías dicho."},
}

_OTHERS: Mapping[Outcome, Mapping[Language, str]] = {
    Outcome.TAKEN: {"en": "{assigned_to} has it already.", "es": "{assigned_to} ya la tiene."},
    Outcome.RESOLVED: {
        "en": "The incident was resolved {resolved_ago} ago, so there is nothing to do; reopen it in Escucha if there"
        " is.",
        "es": "La incidencia se resolvió hace {resolved_ago}, así que no hay nada que hacer; si lo hay, reábrela en"
        " Escucha.",
    },
    Outcome.GONE: {"en": "The incident is not there any more.", "es": "La incidencia ya no existe."},
    Outcome.NOT_POSSIBLE: {"en": "That is not possible: {detail}.", "es": "No es posible: {detail}."},
    Outcome.OTHER_WORKSPACE: {
        "en": "Only members of the workspace that Escucha is set up for can do that.",
        "es": "Solo pueden hacerlo los miembros del espacio de trabajo para el que Escucha está configurado.",
    },
    Outcome.UNKNOWN_ACTION: {
        "en": "This Escucha does not know that button: the message is of another version. Nothing was done.",
        "es": "Este Escucha no conoce ese botón: el mensaje es de otra versión. No se ha hecho nada.",
    },
    Outcome.MALFORMED: {
        "en": "Escucha could not read what that button stands for. Nothing was done.",
        "es": "Escucha no ha podido leer qué significa ese botón. No se ha hecho nada.",
    },
    Outcome.FAILED: {
        "en": "Escucha could not do that; try again in a while, or do it in Escucha.",
        "es": "Escucha no ha podido hacerlo; inténtalo más tarde, o hazlo en Escucha.",
    },
}

_NEWER: Mapping[Language, str] = {
    "en": " The incident has changed since that message was written: {mentions} by now.",
    "es": " La incidencia ha cambiado desde que se escribió ese mensaje: ya son {mentions}.",
}


def in_words(outcome: Outcome, about: Told) -> str:
    """What the person is told, as mrkdwn that does nothing else."""
    return _template(outcome, about).format_map(_values(about))


def _template(outcome: Outcome, about: Told) -> str:
    language = about.language
    if outcome in _OTHERS or about.action is None:
        return _OTHERS[outcome][language]
    if outcome is Outcome.ALREADY:
        return _ALREADY[about.action][language]
    return _DONE[about.action][language] + (_NEWER[language] if outcome is Outcome.DONE_ON_NEWER else "")


def _values(about: Told) -> dict[str, str]:
    values = {"detail": inline(about.detail, _DETAIL_LIMIT).rstrip(".")}
    incident = about.incident
    if incident is None:
        return values
    return values | {
        "acknowledged_by": inline(incident.acknowledged_by or "Escucha", _NAME_LIMIT),
        "acknowledged_ago": _ago(incident.acknowledged_at, about.at),
        "assigned_to": inline(incident.assigned_to or "Escucha", _NAME_LIMIT),
        "resolved_ago": _ago(incident.resolved_at, about.at),
        "until": moment(incident.snoozed_until or about.at, about.zone),
        "mentions": mentions(incident.count, about.language),
    }


def _ago(when: datetime | None, now: datetime) -> str:
    return lasted(max(now - when, now - now)) if when is not None else "?"
