"""A digest's own words and numbers, in the languages that teams read."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts import phrases
from alerts.digest_period import Every
from alerts.expectation import Share
from alerts.notice import Language

TITLES: Mapping[Every, Mapping[Language, str]] = {
    Every.DAILY: {"en": "Daily digest", "es": "Resumen diario"},
    Every.WEEKLY: {"en": "Weekly digest", "es": "Resumen semanal"},
}

WORDS: Mapping[str, Mapping[Language, str]] = {
    "stretch": {"en": "{since} to {until}", "es": "{since} a {until}"},
    "nothing": {
        "en": "Nothing happened in this period: no mentions, no incidents.",
        "es": "No pasó nada en este periodo: ni menciones ni incidencias.",
    },
    "all_read": {"en": "All sources were read.", "es": "Se leyeron todas las fuentes."},
    "not_all_read": {
        "en": "But not everything was read, so there may have been some.",
        "es": "Pero no se leyó todo, así que pudo haberlas.",
    },
    "mentions": {"en": "Mentions", "es": "Menciones"},
    "copies": {"en": "and {copies} that only repeat them", "es": "y {copies} que solo las repiten"},
    "net": {"en": "Net inferred stance", "es": "Postura inferida neta"},
    "reach": {"en": "Reach", "es": "Alcance"},
    "people": {"en": "{reach} people at most", "es": "{reach} personas como mucho"},
    "promoters": {"en": "Promoters", "es": "Promotores"},
    "passives": {"en": "Passives", "es": "Pasivos"},
    "detractors": {"en": "Detractors", "es": "Detractores"},
    "unlabelled": {"en": "Without a stance", "es": "Sin postura"},
    "points": {"en": "{points} points", "es": "{points} puntos"},
    "as_before": {"en": "as before", "es": "igual que antes"},
    "new": {"en": "none before", "es": "ninguna antes"},
    "voice": {"en": "Share of voice", "es": "Cuota de voz"},
    "of_all": {"en": "of {whole} in the sources they share", "es": "de {whole} en las fuentes comunes"},
    "incidents": {"en": "Incidents", "es": "Incidencias"},
    "opened": {"en": "Opened", "es": "Abiertas"},
    "acknowledged": {
        "en": "Acknowledged: {number}, half of them within {median}, the slowest after {slowest}",
        "es": "Atendidas: {number}, la mitad en {median} o menos, la más lenta tras {slowest}",
    },
    "in_time": {"en": "Within the service level: {share}", "es": "Dentro del nivel de servicio: {share}"},
    "untold": {
        "en": "Nobody was told of {number} more: too small, or held back",
        "es": "De {number} más no se avisó a nadie: demasiado pequeñas, o retenidas",
    },
    "unseen": {"en": "Not acknowledged yet: {number}", "es": "Sin atender todavía: {number}"},
    "open": {"en": "Open now", "es": "Abiertas ahora"},
    "open_line": {
        "en": "#{id} {about}: {rule}, {mentions}, {severity}, {state}, since {since}",
        "es": "n.º {id} {about}: {rule}, {mentions}, {severity}, {state}, desde {since}",
    },
    "sources": {"en": "sources", "es": "fuentes"},
    "more": {"en": "and {number} more", "es": "y {number} más"},
    "unread": {"en": "Not read", "es": "Sin leer"},
    "unread_line": {
        "en": "{source}: {missing} of {wanted} missing",
        "es": "{source}: faltan {missing} de {wanted}",
    },
    "unread_note": {
        "en": "The figures are too low where something was not read.",
        "es": "Las cifras se quedan cortas donde no se leyó todo.",
    },
    "unread_before": {
        "en": "Not everything was read in the period before, so some changes may come of that.",
        "es": "En el periodo anterior no se leyó todo, así que algún cambio puede deberse a eso.",
    },
    "declared": {"en": "Declared by people themselves", "es": "Declarado por las propias personas"},
    "declared_nps": {
        "en": "Net Promoter Score: {value} ({answers} answers)",
        "es": "Net Promoter Score: {value} ({answers} respuestas)",
    },
    "declared_csat": {
        "en": "CSAT: {value} satisfied ({answers} answers)",
        "es": "CSAT: {value} satisfechas ({answers} respuestas)",
    },
    "declared_other": {
        "en": "{question}: {value} on average, from {lowest} to {highest} ({answers} answers)",
        "es": "{question}: {value} de media, de {lowest} a {highest} ({answers} respuestas)",
    },
    "apart": {
        "en": "Answers that people gave are never added to what was inferred.",
        "es": "Lo que las personas respondieron nunca se suma a lo inferido.",
    },
    "how": {"en": "How to read this", "es": "Cómo leer esto"},
    "raw": {
        "en": "Stances are inferred from texts. Shares are raw: as counted, not corrected for the model's errors. In "
        "brackets their 95% intervals, for chance alone.",
        "es": "Las posturas se infieren de los textos. Las proporciones son brutas: tal como se cuentan, sin corregir "
        "los errores del modelo. Entre corchetes, sus intervalos del 95 %, solo por azar.",
    },
    "against": {
        "en": "Changes are against the period before, {since} to {until}.",
        "es": "Los cambios son frente al periodo anterior, {since} a {until}.",
    },
    "open_page": {"en": "Open Escucha", "es": "Abrir Escucha"},
    "hours_chart": {"en": "{brand}: mentions by hour", "es": "{brand}: menciones por hora"},
    "days_chart": {"en": "{brand}: mentions by day", "es": "{brand}: menciones por día"},
    "chart_alt": {
        "en": "{title}: {mentions}, promoters {promoters}, detractors {detractors}; the most at {busiest}",
        "es": "{title}: {mentions}, promotores {promoters}, detractores {detractors}; el máximo, {busiest}",
    },
}  # fmt: skip


class Words:
    """Words, numbers and moments for one team."""

    def __init__(self, language: Language, zone: ZoneInfo) -> None:
        """Both as the team has them."""
        self.language: Language = language
        self.zone = zone

    def say(self, name: str, **filled: str) -> str:
        """One of our own sentences. What is filled in may hold braces: only our own words are a format."""
        return WORDS[name][self.language].format(**filled)

    def number(self, value: int) -> str:
        """1,234."""
        return phrases.number(value, self.language)

    def decimal(self, value: float, places: int = 1, *, signed: bool = False) -> str:
        """With the language's decimal sign, and a real minus."""
        text = f"{value:+.{places}f}" if signed else f"{value:.{places}f}"
        if not any(digit in text for digit in "123456789"):
            text = text.lstrip("+-")
        text = text.replace("-", "\N{MINUS SIGN}")
        return text if self.language == "en" else text.replace(".", ",")

    def percent(self, share: float, *, signed: bool = False) -> str:
        """12%, and 1.2% with a decimal below ten."""
        places = 1 if 0.0005 <= abs(share) < 0.0995 else 0
        sign = "%" if self.language == "en" else "\u00a0%"
        return self.decimal(share * 100, places, signed=signed) + sign

    def share(self, share: Share) -> str:
        """42% [38% to 46%]."""
        return f"{self.percent(share.value)} [{self.between(share.low, share.high)}]"

    def between(self, low: float, high: float, *, signed: bool = False) -> str:
        """The ends of an interval."""
        joint = {"en": "to", "es": "a"}[self.language]
        return f"{self.percent(low, signed=signed)} {joint} {self.percent(high, signed=signed)}"

    def change(self, now: int, before: int | None) -> str:
        """How a count has changed, in brackets after a space; empty where there is nothing to compare it with."""
        if before is None or now == before == 0:
            return ""
        if not before:
            return f" ({self.say('new')})"
        if now == before:
            return f" ({self.say('as_before')})"
        factor = now / before
        # From ten times on nobody reads a per cent figure.
        return f" (×{self.number(round(factor))})" if factor >= 10 else f" ({self.percent(factor - 1, signed=True)})"

    def points(self, now: float, before: float | None) -> str:
        """How a share has changed, in percentage points."""
        if before is None:
            return ""
        difference = round((now - before) * 100, 1)
        if not difference:
            return f" ({self.say('as_before')})"
        return f" ({self.say('points', points=self.decimal(difference, 1, signed=True))})"

    def moment(self, when: datetime) -> str:
        """By the team's own clock."""
        return phrases.moment(when, self.zone)

    def lasted(self, length: timedelta) -> str:
        """3h20m."""
        return phrases.lasted(length)
