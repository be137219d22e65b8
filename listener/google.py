"""What Google's APIs say when they refuse: one JSON shape for all of them.

{"error": {"code", "message", "status", "errors": [{"reason", "domain"}], "details": [{"reason"}]}}; older methods fill
``errors``, newer ones ``status`` and ``details`` (https://cloud.google.com/apis/design/errors#http_mapping).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from listener.http import Reply
from listener.markup import plain_text


@dataclass(frozen=True, slots=True)
class Explained:
    """A refusal in Google's words: ``reasons`` for machines ("quotaExceeded", "API_KEY_INVALID",
    "PERMISSION_DENIED"), ``message`` for people. Both are empty where the body is none of Google's."""

    reasons: frozenset[str] = frozenset()
    message: str = ""

    @property
    def of_the_project(self) -> bool:
        """Whether it is about the key or its project (not enabled, blocked, wrong), not about what was asked for."""
        return any(reason.isupper() and reason.startswith(_PROJECT) for reason in self.reasons) or bool(
            self.reasons & _PROJECT_REASONS
        )


_PROJECT = ("API_KEY_", "SERVICE_", "CONSUMER_", "ACCESS_TOKEN_", "BILLING_", "USER_PROJECT_")
_PROJECT_REASONS = frozenset({"accessNotConfigured", "keyInvalid", "keyExpired", "ipRefererBlocked"})


def explained(reply: Reply) -> Explained:
    """What a bad answer's body says of itself. Never raises: a proxy's page says nothing."""
    try:
        error = json.loads(reply.body)["error"]
        if not isinstance(error, dict):
            return Explained()
    except (ValueError, KeyError, TypeError, RecursionError):
        return Explained()
    reasons = {str(error["status"])} if error.get("status") else set()
    for name in ("errors", "details"):
        entries = error.get(name)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, Mapping) and entry.get("reason"):
                reasons.add(str(entry["reason"]))
    return Explained(frozenset(reasons), " ".join(plain_text(_text(error.get("message"))).split())[:300])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
