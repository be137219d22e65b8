"""What Slack says when somebody presses a button (docs.slack.dev/reference/interaction-payloads/block_actions-payload).

Of all that it says only this much is kept: the message under the button quotes strangers, and what they said must be
gone when they delete it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qs

from alerts.notice import Action
from alerts.slack.buttons import PREFIX, Target
from alerts.text import one_line

_NAME_LIMIT = 80
_VALUE_LIMIT = 200
_ADDRESS_LIMIT = 2_000


class MalformedError(Exception):
    """The body is no interaction; the message says why, without what stands in it."""


@dataclass(frozen=True, slots=True)
class Press:
    """Who pressed what. `kind` is Slack's word for what happened; "block_actions" is a button or choice.

    `team` is the presser's workspace. `response_url`: where that person can be answered for half an hour; "" = nowhere.
    `told`: what they are told, once that is known.
    """

    kind: str
    action_id: str
    value: str
    user_id: str
    user_name: str
    team: str
    response_url: str
    told: str = ""

    @property
    def actor(self) -> str:
        """The person, as timelines name them: names change and ids say nothing, so both."""
        return f"{self.user_name} ({self.user_id})" if self.user_name else self.user_id

    @property
    def action(self) -> Action | None:
        """What was pressed; None where it is none of our buttons."""
        name = self.action_id.removeprefix(PREFIX)
        known = self.kind == "block_actions" and self.action_id.startswith(PREFIX) and name in tuple(Action)
        return Action(name) if known else None

    @property
    def target(self) -> Target | None:
        """What it is about; None where that cannot be read."""
        return Target.parse(self.value)

    def to_json(self) -> str:
        """The stored form."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, stored: str) -> "Press":
        """Read the stored form. Raises MalformedError, for what another version stored too."""
        try:
            press = cls(**json.loads(stored))
        except (ValueError, TypeError, RecursionError) as error:
            raise MalformedError("what was stored is no press that this version knows") from error
        if not all(isinstance(value, str) for value in asdict(press).values()):
            raise MalformedError("what was stored holds something else than text")
        return press


def unreadable(written: str, why: str) -> str:
    """What is kept instead of a press that nobody can read: enough to tell whether it comes again.

    Not what it says, which nobody has looked at: an address to answer to may stand in it, or what a stranger said.
    """
    seen = hashlib.sha256(written.encode("utf-8", "replace")).hexdigest()
    return json.dumps({"malformed": why, "length": len(written), "sha256": seen})


def read_form(body: bytes) -> Mapping[str, str]:
    """The fields of a form, each once. Raises MalformedError."""
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError as error:
        raise MalformedError("the body is not a form") from error
    return {name: values[0] for name, values in fields.items()}


def read_press(payload: str) -> Press:
    """What a form's `payload` says. Raises MalformedError."""
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise MalformedError("the payload is not JSON") from error
    if not isinstance(said, dict):
        raise MalformedError("the payload is not a JSON object")
    user = _within(said, "user")
    actions = said.get("actions")
    first = actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], dict) else {}
    press = Press(
        kind=_text(said, "type", _NAME_LIMIT),
        action_id=_text(first, "action_id", _VALUE_LIMIT),
        value=_text(first, "value", _VALUE_LIMIT) or _text(_within(first, "selected_option"), "value", _VALUE_LIMIT),
        user_id=_text(user, "id", _NAME_LIMIT),
        user_name=_text(user, "name", _NAME_LIMIT) or _text(user, "username", _NAME_LIMIT),
        # Of a shared channel's guests it is their own workspace.
        team=_text(user, "team_id", _NAME_LIMIT) or _text(_within(said, "team"), "id", _NAME_LIMIT),
        response_url=_text(said, "response_url", _ADDRESS_LIMIT),
    )
    if not press.kind or not press.user_id:
        raise MalformedError("the payload does not say what happened, or who did it")
    return press


def _within(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = said.get(name)
    return inner if isinstance(inner, dict) else {}


def _text(said: Mapping[str, Any], name: str, limit: int) -> str:
    value = said.get(name)
    return one_line(value)[:limit] if isinstance(value, str) else ""
