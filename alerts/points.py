"""One to three points for a person to write an answer from. Never an answer: nothing here is sent to anybody.

Each point says what an answer should deal with, and names what in the mention led to it. The same mention gives the
same points: they come from its words, from the model's probabilities and from what is known of its author.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from alerts.durations import in_words
from alerts.notice import Language
from alerts.topics import Found, Topic, topics
from alerts.wording import percent

MOST = 3

SURE = 0.5
"""From which probability on a reading of the model's leads to a point."""

LONG = timedelta(hours=4)
"""Who has waited for so long has noticed."""


@dataclass(frozen=True, slots=True)
class Situation:
    """A mention and what is known around it.

    `label` is the inferred stance; `complaint`, `irony` and `emotions` are probabilities, None (or nothing) where the
    model has no such head. `waiting`: for how long it has been without an answer of the brand; None = it was answered.
    `earlier`: mentions of the brand by the same author before it, of which `earlier_detractors` spoke against it.
    """

    text: str
    lang: str | None
    label: str | None
    complaint: float | None = None
    irony: float | None = None
    emotions: Mapping[str, float] = field(default_factory=dict)
    waiting: timedelta | None = None
    earlier: int = 0
    earlier_detractors: int = 0


@dataclass(frozen=True, slots=True)
class Point:
    """What to deal with, in the mention's language, and what led to it: words of the mention, or a figure in English.

    `name` is stable, for tests and figures; `quoted` says that the evidence is a stranger's words.
    """

    name: str
    advice: str
    evidence: str
    quoted: bool = False


_TOPICS: Mapping[Topic, Mapping[Language, str]] = {
    Topic.SAFETY: {
        "en": "Ask first whether everybody is well, and give a way to reach a person at once; call in whoever is "
        "responsible for safety before you write anything else",
        "es": "Pregunta primero si todos están bien y da una vía para hablar ya con una persona; avisa a quien lleva "
        "la seguridad antes de escribir nada más",
    },
    Topic.DATA: {
        "en": "Ask for no personal data in public; move to a private channel, and call in whoever is responsible for "
        "data protection",
        "es": "No pidas datos personales en público; pasa a un canal privado y avisa a quien lleva la protección de "
        "datos",
    },
    Topic.OUTAGE: {
        "en": "Say whether the fault is known, whom it concerns and when there will be news; link the status page",
        "es": "Di si la avería es conocida, a quién afecta y cuándo habrá novedades; enlaza la página de estado",
    },
    Topic.BILLING: {
        "en": "Ask for the invoice or booking number in private, and say how long checking or a refund takes",
        "es": "Pide en privado el número de factura o de reserva y di cuánto tarda la revisión o el reembolso",
    },
    Topic.LOST: {
        "en": "Ask in private for the reference of what is missing, and say who looks for it and when they will report",
        "es": "Pide en privado la referencia de lo que falta y di quién lo busca y cuándo dará noticias",
    },
    Topic.DELAY: {
        "en": "Say that the wait is too long, why it came to that as far as you know, and what happens next and when",
        "es": "Reconoce la espera, di por qué ha pasado hasta donde se sabe y qué viene ahora y cuándo",
    },
    Topic.CANCELLED: {
        "en": "Say what the customer may choose from now (another date, a refund), and where",
        "es": "Di entre qué puede elegir ahora (otra fecha, reembolso) y dónde",
    },
    Topic.NO_REPLY: {
        "en": "Own that nobody answered; name who takes care of it from now on",
        "es": "Reconoce que nadie contestó; di quién se ocupa a partir de ahora",
    },
    Topic.STAFF: {
        "en": "Thank for telling you, do not judge in public; ask in private where and when it was",
        "es": "Agradece el aviso y no juzgues en público; pregunta en privado dónde y cuándo fue",
    },
    Topic.FAULT: {
        "en": "Ask for the one detail needed to find the fault (version, device), and give the step that helps most "
        "often",
        "es": "Pide el dato que hace falta para dar con el fallo (versión, dispositivo) y da el paso que más suele "
        "ayudar",
    },
    Topic.LEAVING: {
        "en": "Respect the decision and do not argue; offer the way to a person who can still put it right",
        "es": "Respeta la decisión y no discutas; ofrece hablar con alguien que aún pueda arreglarlo",
    },
    Topic.PRAISE: {
        "en": "Thank in a word or two of your own, and pass it on to whoever is meant",
        "es": "Da las gracias con tus palabras y hazlo llegar a quien corresponde",
    },
}  # fmt: skip

_OTHERS: Mapping[str, Mapping[Language, str]] = {
    "irony": {
        "en": "It may be meant ironically: read it twice, and do not answer in a cheerful tone",
        "es": "Puede ser ironía: léelo dos veces y no contestes en tono alegre",
    },
    "waiting": {
        "en": "Begin by saying that the answer comes late",
        "es": "Empieza por decir que la respuesta llega tarde",
    },
    "returning": {
        "en": "The author has complained before: read what was said and promised then, and do not ask for it again",
        "es": "No es su primera queja: lee lo que se dijo y se prometió entonces y no se lo vuelvas a pedir",
    },
    "known": {
        "en": "The author has spoken of the brand before: read that first",
        "es": "Ya ha hablado de la marca antes: léelo primero",
    },
    "anger": {
        "en": "Keep it short and calm, and offer to go on in private or by telephone",
        "es": "Sé breve y sereno, y ofrece seguir en privado o por teléfono",
    },
    "ask": {
        "en": "Ask what happened, and offer a way to reach a person",
        "es": "Pregunta qué ha pasado y ofrece una vía para hablar con una persona",
    },
    "thank": {
        "en": "Thank in a word or two of your own",
        "es": "Da las gracias con tus palabras",
    },
    "look": {
        "en": "Read the whole thread first: it may need no answer",
        "es": "Lee antes el hilo entero: puede que no haga falta contestar",
    },
}

_GROUNDS: Mapping[str, str] = {
    "irony": "irony {} likely",
    "anger": "anger {} likely",
    "waiting": "without an answer for {}",
    "earlier": "{} earlier mentions of the brand, {} against it",
    "stance": "inferred stance: {}",
}
"""What is no quotation is for whoever answers, not for the author: in English, as rules say what they found."""


def suggested(situation: Situation) -> list[Point]:
    """One to three points, what must be dealt with first coming first."""
    language: Language = "es" if spoken(situation.lang) == "es" else "en"
    found = _about(situation, topics(situation.text, language), language)
    around = _around(situation, language)
    # One place is kept for what the words alone do not say.
    points = found[: MOST - 1] + around if around else found
    return points[:MOST] or [_last_resort(situation, language)]


def spoken(lang: str | None) -> str:
    """The language of a tag such as `es-MX`."""
    return (lang or "").replace("_", "-").partition("-")[0].lower()


def _about(situation: Situation, found: list[Found], language: Language) -> list[Point]:
    pleased = situation.label == "promoter" and not _likely(situation.complaint)
    # Words of thanks in a complaint, and of trouble in praise, are not what it is about.
    return [
        Point(one.topic.value, _TOPICS[one.topic][language], one.words, quoted=True)
        for one in found
        if (one.topic is Topic.PRAISE) == pleased
    ]


def _around(situation: Situation, language: Language) -> list[Point]:
    words, found = _GROUNDS, []

    def add(name: str, evidence: str) -> None:
        found.append(Point(name, _OTHERS[name][language], evidence))

    if _likely(situation.irony):
        add("irony", words["irony"].format(percent(situation.irony or 0.0)))
    if situation.label == "promoter":
        return found
    if situation.earlier_detractors:
        add("returning", words["earlier"].format(situation.earlier, situation.earlier_detractors))
    if situation.waiting is not None and situation.waiting >= LONG:
        add("waiting", words["waiting"].format(in_words(_coarse(situation.waiting))))
    if _likely(situation.emotions.get("anger")):
        add("anger", words["anger"].format(percent(situation.emotions["anger"])))
    if situation.earlier and not situation.earlier_detractors:
        add("known", words["earlier"].format(situation.earlier, 0))
    return found


def _last_resort(situation: Situation, language: Language) -> Point:
    unhappy = situation.label == "detractor" or _likely(situation.complaint)
    name = "ask" if unhappy else "thank" if situation.label == "promoter" else "look"
    return Point(name, _OTHERS[name][language], _GROUNDS["stance"].format(situation.label or "none"))


def _likely(probability: float | None) -> bool:
    # So that a broken model's NaN leads to nothing.
    return probability is not None and probability >= SURE


def _coarse(length: timedelta) -> timedelta:
    """To the hour, beyond a day to the day: nobody counts the minutes then."""
    unit = timedelta(days=1) if length >= timedelta(days=1) else timedelta(hours=1)
    return length // unit * unit
