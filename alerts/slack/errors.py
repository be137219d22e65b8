"""What the errors of Slack's Web API mean for a delivery.

Slack answers 200 with `ok: false` and a word, 429 with Retry-After, or a server's error. The words are those that
docs.slack.dev/reference/methods lists for chat.postMessage, chat.update and conversations.history.
"""

import re
from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError

from alerts.channel import DeliveryError, TryLater, Undeliverable
from alerts.reasons import Reason
from alerts.retry_after import seconds_to_wait
from alerts.slack.web_api import NOT_SLACK
from alerts.web.answers import FILTERED
from alerts.wording import counted

_NEW_TOKEN = "install the app anew in Slack and give Escucha its new bot token"  # noqa: S105 - words, no token
_SCOPES = "add the scope to the app, install it anew and give Escucha its new bot token"

CHANNEL_IS_GONE: Mapping[str, str] = {
    "not_authed": _NEW_TOKEN,
    "invalid_auth": f"the bot token is wrong, or does not work from here: {_NEW_TOKEN}",
    "account_inactive": f"the app was removed from the workspace: {_NEW_TOKEN}",
    "token_revoked": f"the bot token was revoked: {_NEW_TOKEN}",
    "token_expired": f"the bot token has expired; switch token rotation off, {_NEW_TOKEN}",
    "no_permission": f"the app may not do this: {_SCOPES}",
    "missing_scope": f"the app lacks a scope: {_SCOPES}",
    "not_allowed_token_type": f"this is another kind of token than a bot's: {_NEW_TOKEN}",
    "access_denied": "an administrator of the Slack workspace forbids it: ask them",
    "accesslimited": "the workspace does not let this app in: ask an administrator of it",
    "org_login_required": "the workspace is being moved to another organisation: wait for that, then switch on again",
    "ekm_access_denied": "an administrator of the Slack workspace has suspended posting: ask them",
    "enterprise_is_restricted": "the app may not be used in this organisation: ask an administrator of it",
    "team_access_not_granted": "the app was not given this workspace: ask an administrator of the organisation",
    "team_not_found": f"the workspace is gone: {_NEW_TOKEN}",
    "channel_not_found": "there is no such channel, or it is private and the app is not in it: write its id, and "
    "invite the app with /invite",
    "not_in_channel": "the app is not in the channel: invite it there with /invite",
    "is_archived": "the channel was archived: unarchive it, or write another one's id",
    "channel_type_not_supported": "this kind of channel takes no messages from apps: write another one's id",
    "restricted_action": "a setting of the workspace keeps the app from posting there: ask an administrator",
    "restricted_action_read_only_channel": "the channel is read-only: let the app post there, or write another's id",
    "restricted_action_thread_only_channel": "the channel takes replies only: let the app post there, or write "
    "another one's id",
    "messages_tab_disabled": "the app's messages tab is off: switch it on, or write a channel's id",
    "user_not_found": "the person it is to write to is gone: write a channel's id",
}
_MESSAGE_IS_GONE = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "cant_broadcast_message"}
)
_THREAD_IS_GONE = frozenset(
    {"thread_not_found", "cannot_reply_to_message", "restricted_action_thread_locked"}
    | {"restricted_action_non_threadable_channel", "message_not_found"}
)
_SLOW_DOWN = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_FAILED = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_TOO_LONG = frozenset({"msg_too_long", "msg_blocks_too_long", "metadata_too_large", "too_many_attachments"})

_WORD = re.compile(r"[a-z0-9_]{1,60}")
_SCOPE_NAMES = re.compile(r"[a-z0-9_:., ]{1,120}")

_REFUSING = frozenset({401, 404, 405, 407, 410})
"""Statuses that Slack never answers with: somebody else does, and will do so the next time.

With a 403 it may not: that may be about what the message says."""


def word_of(error: SlackApiError) -> str:
    """Slack's word for what went wrong; "" where it said something else, which may hold anything."""
    word = str(error.response.get("error") or "")
    return word if _WORD.fullmatch(word) else ""


def thread_is_gone(error: SlackApiError) -> bool:
    """Whether there can be no replies (any more) to the message that was to be replied to."""
    return error.response.status_code == 200 and word_of(error) in _THREAD_IS_GONE


def failure_of_call(error: SlackApiError, host: str) -> DeliveryError:
    """The failure that an answer stands for."""
    status, word = int(error.response.status_code), word_of(error)
    headers: Mapping[str, Any] = error.response.headers
    wait = seconds_to_wait(headers.get("retry-after"), headers.get("date"))
    said = f"{host} answered {word if word and word != NOT_SLACK else status}"
    if status == 429 or word in _SLOW_DOWN:
        asked = f"in {counted(round(wait), 'second')}" if wait is not None else "later"
        words = f"{host} asked us to come back {asked} ({status})"
        return TryLater(Reason.RATE_LIMITED, words, after=wait, ambiguous=False, whole_channel=True)
    if status == 408:
        return TryLater(Reason.TIMED_OUT, f"{said}: it waited too long for our request", after=wait, ambiguous=True)
    if status >= 500 or word in _FAILED:
        words = f"{said}: it failed, and may have taken the message"
        return TryLater(Reason.SERVER_ERROR, words, after=wait, ambiguous=True)
    if word in _MESSAGE_IS_GONE:
        return Undeliverable(Reason.MESSAGE_GONE, f"{said}: the message is not there any more, or can't be changed")
    if word in CHANNEL_IS_GONE:
        needed = str(error.response.get("needed") or "")
        scope = f" ({needed})" if _SCOPE_NAMES.fullmatch(needed) else ""
        return _off(f"{said}{scope}: {CHANNEL_IS_GONE[word]}")
    if word in _TOO_LONG:
        return Undeliverable(Reason.REJECTED, f"{said}: the message is too long for it; read it in Escucha instead")
    if 300 <= status < 400:
        return _off(f"{said}, a redirect, which is not followed: check ESCUCHA_SLACK_URL and the proxy")
    if status in _REFUSING or (status < 300 and word == NOT_SLACK):
        return _off(f"{said}, which is not how Slack answers: check ESCUCHA_SLACK_URL and the proxy")
    if status == 403:
        return Undeliverable(Reason.REJECTED, f"{said}: {FILTERED}")
    words = f"{said}: it does not accept this message; read it in Escucha instead, and please report this"
    return Undeliverable(Reason.REJECTED, words)


def _off(words: str) -> Undeliverable:
    return Undeliverable(Reason.CHANNEL_REFUSED, words, disables_channel=True)
