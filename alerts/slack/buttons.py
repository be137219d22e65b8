"""The buttons under a message, and what they carry back: which incident, which version of it, in which language.

A button's value comes back signed by Slack with whoever pressed it (docs.slack.dev/reference/interaction-payloads).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import get_args

from slack_sdk.models.blocks import ActionsBlock, ButtonElement, InteractiveElement, Option, PlainTextObject
from slack_sdk.models.blocks.block_elements import StaticSelectElement

from alerts.notice import Action, Language, Notice
from alerts.slack.words import WORDS, Words
from alerts.text import one_line, shorten

PREFIX = "escucha:"
"""Before an action's name in `action_id`: another app's actions, or those of a later version, are told apart by it."""

_LABEL_LIMIT = 75


class Snooze(StrEnum):
    """How long somebody wants to be left alone. Names travel through Slack: never rename one."""

    AN_HOUR = "1h"
    FOUR_HOURS = "4h"
    TOMORROW = "tomorrow"


@dataclass(frozen=True, slots=True)
class Target:
    """What a button is about. `version` is the incident's when the message was written."""

    alert_id: int
    version: int
    language: Language
    snooze: Snooze | None = None

    def __str__(self) -> str:
        """As it travels: at most 75 characters, the least that Slack allows a choice."""
        end = f":{self.snooze}" if self.snooze else ""
        return f"{self.alert_id}:{self.version}:{self.language}{end}"

    @classmethod
    def parse(cls, value: str) -> "Target | None":
        """What such a value says; None where it is none of ours."""
        found = _VALUE.fullmatch(value)
        if found is None:
            return None
        language: Language = "es" if found["language"] == "es" else "en"
        snooze = Snooze(found["snooze"]) if found["snooze"] else None
        return cls(int(found["alert"]), int(found["version"]), language, snooze)


_LANGUAGES = "|".join(get_args(Language))
_VALUE = re.compile(
    rf"(?P<alert>[0-9]{{1,18}}):(?P<version>[0-9]{{1,9}}):(?P<language>{_LANGUAGES})(?::(?P<snooze>1h|4h|tomorrow))?"
)


def row_of(notice: Notice) -> ActionsBlock | None:
    """The notice's buttons; None where it has none, or is about no incident that they could change."""
    if notice.about is None or not notice.buttons:
        return None
    target = Target(notice.about.id, notice.about.version, notice.language)
    words = WORDS[notice.language]
    elements: list[InteractiveElement] = []
    for button in notice.buttons:
        # Slack refuses a message with a button that says nothing.
        said = shorten(one_line(button.label), _LABEL_LIMIT) or button.action.value
        label = PlainTextObject(text=said, emoji=False)
        if button.action is Action.SNOOZE:
            elements.append(_choice(label, target, words))
        else:
            style = "primary" if button.action is Action.ACKNOWLEDGE else None
            action_id = PREFIX + button.action
            elements.append(ButtonElement(text=label, action_id=action_id, value=str(target), style=style))
    return ActionsBlock(elements=elements)


def _choice(label: PlainTextObject, target: Target, words: Words) -> StaticSelectElement:
    lengths: Sequence[tuple[Snooze, str]] = (
        (Snooze.AN_HOUR, words.hours[1]),
        (Snooze.FOUR_HOURS, words.hours[4]),
        (Snooze.TOMORROW, words.until_tomorrow),
    )
    options = [
        Option(
            text=PlainTextObject(text=text, emoji=False),
            value=str(Target(target.alert_id, target.version, target.language, snooze)),
        )
        for snooze, text in lengths
    ]
    return StaticSelectElement(placeholder=label, action_id=PREFIX + Action.SNOOZE, options=options)
