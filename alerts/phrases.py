"""Our own words in the languages that teams read. What rules and strangers say stays as it was said."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.durations import in_words
from alerts.notice import Language
from alerts.reasons import Reason

RULES: Mapping[str, Mapping[Language, str]] = {
    "detractor": {"en": "detractors", "es": "detractores"},
    "spike": {"en": "spike in mentions", "es": "pico de menciones"},
    "reach": {"en": "far-reaching mention", "es": "mención de gran alcance"},
    "crisis": {"en": "crisis", "es": "crisis"},
    "unanswered": {"en": "unanswered", "es": "sin respuesta"},
    "competitor": {"en": "competitor's spike", "es": "pico de un competidor"},
    "promoter": {"en": "promoters", "es": "promotores"},
    "coverage": {"en": "source not read", "es": "fuente sin leer"},
}
"""Rules as titles name them; one that is not here goes by its own name."""

STATES: Mapping[str, Mapping[Language, str]] = {
    "open": {"en": "Open", "es": "Abierta"},
    "acknowledged": {"en": "Acknowledged", "es": "En curso"},
    "snoozed": {"en": "Snoozed", "es": "Pospuesta"},
    "resolved": {"en": "Resolved", "es": "Resuelta"},
}

SEVERITIES: Mapping[str, Mapping[Language, str]] = {
    "info": {"en": "info", "es": "informativa"},
    "warning": {"en": "warning", "es": "aviso"},
    "critical": {"en": "critical", "es": "crítica"},
}

ACTIONS: Mapping[str, Mapping[Language, str]] = {
    "acknowledge": {"en": "Acknowledge", "es": "Me doy por enterado"},
    "assign": {"en": "Assign to me", "es": "Asignármela"},
    "snooze": {"en": "Snooze", "es": "Posponer"},
    "useful": {"en": "Useful", "es": "Útil"},
    "not_useful": {"en": "Not useful", "es": "No es útil"},
}

_SPANISH: Mapping[Reason, str] = {
    Reason.INCIDENT_OPENED: "Una incidencia nueva: este es el primer mensaje sobre ella.",
    Reason.INCIDENT_GREW: "La incidencia ha alcanzado el siguiente tamaño en el que se vuelve a avisar.",
    Reason.SEVERITY_ROSE: "La incidencia es más grave que cuando se avisó por última vez.",
    Reason.STATE_CHANGED: "Alguien ha actuado sobre la incidencia, así que su mensaje se pone al día.",
    Reason.INCIDENT_CHANGED: "El mensaje sobre la incidencia se pone al día, sin enviar uno nuevo.",
    Reason.INCIDENT_RESOLVED: "La incidencia ha terminado; se dice a quienes fueron avisados.",
    Reason.INCIDENT_REOPENED: "La incidencia estaba resuelta y ha vuelto.",
    Reason.STILL_OPEN: "La incidencia sigue abierta tras el intervalo de repetición, así que se recuerda.",
    Reason.NOT_ACKNOWLEDGED: "Nadie se ha hecho cargo de la incidencia a tiempo, así que se avisa a los siguientes.",
    Reason.CHANNEL_SWITCHED_OFF: "Otro canal ha quedado desactivado, y una persona debe saberlo.",
    Reason.ASKED_FOR: "Una persona lo ha pedido.",
    Reason.DIGEST_DUE: "Ha llegado la hora de un resumen.",
    Reason.SUMMARISED: "El canal ha agotado sus mensajes de esta hora; un resumen habla de este.",
    Reason.OVER_BUDGET: "El canal ha agotado sus mensajes de esta hora; el mensaje espera un hueco.",
    Reason.WINDOW_ENDED: "La ventana ha vuelto a lo habitual, así que la incidencia ha terminado.",
    Reason.WINDOW_QUIET: "La ventana está dentro de lo habitual.",
    Reason.TOO_FEW: "La ventana tiene menos menciones que el mínimo de la regla, por poco habituales que sean.",
    Reason.SOURCE_WELL: "La fuente se lee y no lleva callada más de lo habitual.",
    Reason.NOT_LATE: "Nada espera respuesta desde hace más tiempo del que permite la regla.",
    Reason.ENDED_MEANWHILE: (
        "La incidencia empezó o creció y terminó mientras la retenía un silencio, horas tranquilas o un canal apagado."
    ),
    Reason.ENDED_QUIETLY: "La incidencia ha terminado porque no llegó nada más; nadie necesita un mensaje por eso.",
    Reason.TOLD_ELSEWHERE: "El canal ya conoce todas sus menciones por otra incidencia al menos igual de grave.",
    Reason.QUIET: "Hace tanto que no llega ninguna mención que la regla da la incidencia por terminada.",
    Reason.RULE_OFF: "La regla está desactivada para esta marca.",
    Reason.BRAND_OFF: "Ya no se escucha esta marca.",
    Reason.ANSWERED: "La marca ha respondido.",
    Reason.TOO_OLD_TO_ANSWER: "Nadie respondió antes de que fuera demasiado tarde para responder.",
    Reason.UNREAD_TOO_LONG: "Las fuentes llevan tanto sin leerse que nadie sabe si continúa.",
}

_NO_BREAK = "\u00a0"


def because(reason: Reason, language: Language) -> str:
    """The reason as a sentence; in English where it has not been put into the language."""
    return _SPANISH.get(reason, reason.sentence) if language == "es" else reason.sentence


def named(words: Mapping[str, Mapping[Language, str]], name: str, language: Language) -> str:
    """A name in the language, or as it stands where there is no word for it."""
    return words[name][language] if name in words else name


def number(value: int, language: Language) -> str:
    """1,234 in English; in Spanish with a space that does not break, as ISO 31-0 and the RAE write it."""
    return f"{value:,}" if language == "en" else f"{value:,}".replace(",", _NO_BREAK)


def mentions(count: int, language: Language) -> str:
    """`1 mention`, `1,234 mentions`."""
    one, many = ("mention", "mentions") if language == "en" else ("mención", "menciones")
    return f"{number(count, language)} {one if count == 1 else many}"


def moment(when: datetime, zone: ZoneInfo) -> str:
    """To the minute in the team's own time zone, which is named: 2026-11-21 13:00 CET."""
    local = when.astimezone(zone)
    name = local.tzname() or ""
    # Many zones have no letters of their own; then the place is clearer than "-03".
    return f"{local:%Y-%m-%d %H:%M} {name if name.isalpha() else zone.key}"


def lasted(length: timedelta) -> str:
    """3h20m: to the minute from a minute on, which is the same in both languages."""
    minute = timedelta(minutes=1)
    return in_words(length if length < minute else length - length % minute)
