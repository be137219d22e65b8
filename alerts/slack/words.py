"""Our own words on a Slack message's buttons, in the languages a notice may be written in."""

from collections.abc import Mapping
from dataclasses import dataclass

from alerts.notice import Language


@dataclass(frozen=True, slots=True)
class Words:
    """What can be chosen for a snooze. `hours`: how many -> in words."""

    until_tomorrow: str
    hours: Mapping[int, str]


WORDS: Mapping[Language, Words] = {
    "en": Words("Until tomorrow", {1: "1 hour", 4: "4 hours"}),
    "es": Words("Hasta mañana", {1: "1 hora", 4: "4 horas"}),
}
