"""What invented people say of invented brands, in English and Spanish: put together from lists of words of our own.

A few words are in most texts and some in hardly any, as in real ones, so that a search can be asked for either.
"""

from dataclasses import dataclass
from random import Random

RARE = {"en": ("zither", "gargoyle", "marzipan"), "es": ("zanfona", "gárgola", "mazapán")}
"""Each in about one text of thirty thousand."""

_SLOTS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "thing": (
            "connection", "bill", "contract", "app", "router", "phone line", "data plan", "shop", "hotline", "tariff",
            "installation", "refund", "roaming", "delivery", "invoice", "speed", "coverage", "television",
        ),
        "place": (
            "in the north", "at home", "in the village", "at the office", "on the train", "in the old town",
            "by the harbour", "near the airport", "on the coast", "in our street",
        ),
        "time": (
            "since Monday", "for three days", "this morning", "all weekend", "last night", "again today",
            "since the storm", "after the update", "for a week", "every evening",
        ),
        "person": ("my mother", "my neighbour", "a colleague", "my flatmate", "our accountant", "my sister", "I", "we"),
        "extra": (
            "The technician {never} came.", "I have the mails to show for it.", "Anyone else?", "It costs {number}.",
            "The queue at the counter was {number} people long.", "My neighbours say the same.", "Ticket {number}.",
            "It rained the whole time, by the way.", "For a friend.", "The chat answered after {number} minutes.",
        ),
        "never": ("never", "finally", "quickly", "twice"),
    },
    "es": {
        "thing": (
            "conexión", "factura", "contrato", "aplicación", "router", "línea", "tarifa de datos", "tienda",
            "centralita", "instalación", "devolución", "itinerancia", "entrega", "cobertura", "velocidad", "televisión",
            "permanencia",
        ),
        "place": (
            "en el norte", "en casa", "en el pueblo", "en la oficina", "en el tren", "en el casco viejo",
            "junto al puerto", "cerca del aeropuerto", "en la costa", "en nuestra calle",
        ),
        "time": (
            "desde el lunes", "desde hace tres días", "esta mañana", "todo el fin de semana", "anoche", "hoy otra vez",
            "desde la tormenta", "tras la actualización", "desde hace una semana", "todas las tardes",
        ),
        "person": ("mi madre", "mi vecina", "un compañero", "mi hermano", "el gestor", "mi prima", "yo", "mi cuñado"),
        "extra": (
            "El técnico {never} vino.", "Guardo los correos.", "¿A alguien más?", "Precio: {number} euros.",
            "Había {number} personas en la cola.", "Los vecinos dicen lo mismo.", "Incidencia {number}.",
            "Llovía, por cierto.", "Pregunto por un amigo.", "El chat respondió a los {number} minutos.",
        ),
        "never": ("nunca", "por fin", "enseguida", "dos veces"),
    },
}  # fmt: skip

_SAID: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "detractor": (
            "{brand} is down {place} {time} and nobody answers.",
            "Worst {thing} ever, {brand}. {person} will cancel {time}.",
            "{brand} charged {person} twice for the {thing}, {number} euros, no refund {time}.",
            "Do not believe {brand}: the {thing} does not work {place} {time}.",
            "I am leaving {brand}. The {thing} failed {number} times {time}.",
        ),
        "promoter": (
            "Thank you {brand}, the {thing} works {place} better than ever {time}.",
            "{person} loves {brand}: the {thing} was solved in {number} minutes.",
            "Honestly the best {thing} {place}, well done {brand}.",
            "{brand} called back {time} and the {thing} is perfect now, I recommend it.",
        ),
        "passive": (
            "Does anybody know whether {brand} changes the {thing} {place}?",
            "{brand} announces a new {thing} for {number} euros {time}.",
            "{person} has the {thing} of {brand} {place} {time}.",
            "The {thing} of {brand} compared with the others, part {number}.",
        ),
    },
    "es": {
        "detractor": (
            "{brand} no funciona {place} {time} y nadie contesta.",
            "La peor {thing} de todas, {brand}. {person} se da de baja {time}.",
            "{brand} cobra dos veces la {thing} a {person}, {number} euros, sin devolución {time}.",
            "No se crean lo de {brand}: la {thing} falla {place} {time}.",
            "Dejo {brand}. La {thing} ha fallado {number} veces {time}.",
        ),
        "promoter": (
            "Gracias {brand}, la {thing} va {place} mejor que nunca {time}.",
            "A {person} le encanta {brand}: la {thing} quedó resuelta en {number} minutos.",
            "De verdad, la mejor {thing} {place}, bien hecho {brand}.",
            "{brand} llamó {time} y la {thing} ya va perfecta, la recomiendo.",
        ),
        "passive": (
            "¿Alguien sabe si {brand} cambia la {thing} {place}?",
            "{brand} anuncia una nueva {thing} por {number} euros {time}.",
            "{person} tiene la {thing} de {brand} {place} {time}.",
            "La {thing} de {brand} comparada con las demás, parte {number}.",
        ),
    },
}


@dataclass(frozen=True, slots=True)
class Said:
    """A text, and the (start, end) places of the brand in it."""

    text: str
    spans: list[list[int]]


def say(random: Random, lang: str, label: str, brand: str) -> Said:
    """Something about a brand, one to four sentences."""
    slots = _SLOTS[lang]
    # One pick each is enough for a text, and far quicker than one for each place.
    given = {name: _one(random, words) for name, words in slots.items() if name != "extra"}
    given |= {"brand": brand, "number": str(int(random.random() * 90_000) + 10)}
    sentences = [_one(random, _SAID[lang][label])]
    sentences += [_one(random, slots["extra"]) for _ in range(int(random.random() * 4))]
    text = " ".join(sentences).format_map(given)
    if random.random() < 1 / 10_000:
        text += f" {_one(random, RARE[lang]).capitalize()}!"
    return Said(text, places(text, brand))


def places(text: str, name: str) -> list[list[int]]:
    """Where a name stands in a text."""
    found, start = [], text.find(name)
    while start >= 0:
        found.append([start, start + len(name)])
        start = text.find(name, start + len(name))
    return found


def _one(random: Random, words: tuple[str, ...]) -> str:
    return words[int(random.random() * len(words))]
