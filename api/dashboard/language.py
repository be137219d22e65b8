"""The pages' languages: which one to use, its words, and how it writes numbers.

Words are marked with ``_("...")`` (and ``{% trans %}`` where they hold numbers) and stand in ``words/<language>/*.po``,
a file for each part of the house; the English ones are their own names. All of a language's files are read together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from babel import Locale
from babel.core import UnknownLocaleError, negotiate_locale
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from fastapi import Request

Language = Literal["en", "es"]

LANGUAGES: Mapping[Language, str] = {"en": "English", "es": "Español"}
"""What there is, each in its own words."""

COOKIE = "escucha_language"
WORDS = Path(__file__).parent / "words"


def N_(words: str) -> str:  # noqa: N802 -- what gettext's users call it everywhere
    """The same: marks words that stand in a constant, so that they are found for translation; ``_`` says them."""
    return words


@dataclass(frozen=True)
class Words:
    """The words and numbers of one language."""

    language: Language
    single: Mapping[str, str]
    plural: Mapping[str, tuple[str, ...]]

    def gettext(self, words: str) -> str:
        """The same in this language."""
        return self.single.get(words, words)

    def ngettext(self, one: str, many: str, count: int) -> str:
        """The same for a number of things; both languages have one form for 1 and another for the rest."""
        forms = self.plural.get(one, (one, many))
        return forms[0 if count == 1 else 1]

    def number(self, value: float, digits: int = 1) -> str:
        """A count or a measure, with this language's separators."""
        whole = f"#,##0.{'#' * digits}" if digits else "#,##0"
        # With the sign for minus, as these pages write it, and not the hyphen that CLDR has.
        return str(format_decimal(value, format=whole, locale=Locale.parse(self.language))).replace("-", "−")

    def percent(self, part: float, whole: float = 1, digits: int = 0) -> str:
        """A share; a dash of nothing."""
        if not whole:
            return "–"
        places = f".{'0' * digits}" if digits else ""
        gap = "\u00a0" if self.language == "es" else ""
        return str(format_percent(part / whole, format=f"#,##0{places}{gap}%", locale=Locale.parse(self.language)))


@cache
def words(language: Language) -> Words:
    """A language's words. They are read once: a changed file is seen by the next process."""
    single: dict[str, str] = {}
    plural: dict[str, tuple[str, ...]] = {}
    for path in sorted((WORDS / language).glob("*.po")):
        with path.open("rb") as file:
            for entry in read_po(file, locale=language):
                said = entry.string
                if isinstance(entry.id, tuple) and isinstance(said, tuple) and all(said):
                    plural[entry.id[0]] = said
                elif isinstance(entry.id, str) and entry.id and isinstance(said, str) and said:
                    single[entry.id] = said
    return Words(language, single, plural)


def known(said: object) -> Language | None:
    """A language there is, or None."""
    return next((one for one in LANGUAGES if one == said), None)


def chosen(request: Request, kept: str | None) -> Language:
    """The language for whoever asks: the one they chose (``kept`` with their account, or in a cookie), else the first
    there is of those their browser prefers (RFC 9110, 12.5.4), else English."""
    said = known(kept) or known(request.cookies.get(COOKIE))
    if said is not None:
        return said
    try:
        preferred = negotiate_locale(_preferred(request.headers.get("accept-language", "")), list(LANGUAGES), sep="-")
    except (UnknownLocaleError, ValueError):
        return "en"
    return known((preferred or "en").split("-")[0].lower()) or "en"


def _preferred(header: str) -> list[str]:
    """What an Accept-Language header names, the most wanted first."""
    wanted: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        if tag and tag != "*" and weight > 0:
            wanted.append((-weight, tag))
    return [tag for _, tag in sorted(wanted, key=lambda one: one[0])]


def globals_of(language: Language) -> dict[str, Any]:
    """What templates call to write numbers."""
    found = words(language)
    return {"number": found.number, "percent": found.percent, "language": language, "languages": LANGUAGES}
