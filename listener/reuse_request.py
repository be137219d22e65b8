"""Words to ask an author with whether a brand may use theirs: for a person to read, change and send. Pure.

Nothing of this is ever sent by Escucha: platforms forbid answers that nobody asked for and nobody wrote.
"""

from collections.abc import Mapping
from typing import Any, Literal

from alerts.links import web_link
from alerts.text import one_line, shorten

Language = Literal["en", "es"]

LANGUAGES: tuple[Language, ...] = ("en", "es")

_NAME = 80

_WORDS: Mapping[Language, str] = {
    "en": (
        "Hello{author}! Thank you for what you wrote about {brand}{place}. We would like to quote it, with your name, "
        "on our website and in our channels. Is that all right with you? Please tell us if you would rather not, or if "
        "you want us to use it only in some places or only for a time. Whatever you answer, thank you."
    ),
    "es": (
        "¡Hola{author}! Muchas gracias por lo que ha escrito sobre {brand}{place}. Nos gustaría citarlo, con su "
        "nombre, en nuestra web y en nuestros canales. ¿Le parece bien? Si prefiere que no lo hagamos, o que lo usemos "
        "solo en algunos sitios o durante un tiempo, díganoslo. Sea cual sea la respuesta, gracias."
    ),
}


def request_words(language: Language, row: Mapping[str, Any]) -> str:
    """The words for a mention (``author``, ``brand`` and ``url`` of ``read.mention_columns``)."""
    author, link = row["author"], web_link(row["url"])
    return _WORDS[language].format(
        author=f" {shorten(one_line(author), _NAME)}" if author and one_line(author) else "",
        brand=shorten(one_line(row["brand"]), _NAME),
        place=f" ({link})" if link else "",
    )


def likely_language(lang: str | None) -> Language:
    """In which of the languages there are an author is asked first, by that of what they wrote."""
    return "es" if (lang or "").lower().split("-")[0] == "es" else "en"
