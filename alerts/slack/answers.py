"""What Slack's answers to a webhook mean for the delivery.

Slack answers 200 "ok", or an HTTP status with a word in the body (docs.slack.dev, "Handling errors" of incoming
webhooks; changelog of 2016-05-17). The word is the finer of the two: it decides first.
"""

from collections.abc import Mapping

from alerts.channel import DeliveryError, Undeliverable
from alerts.reasons import Reason
from alerts.web import answers as web
from alerts.web.answers import in_short
from alerts.web.post import Answer

_NEW_WEBHOOK = "create a new webhook in Slack and put its address into the configuration"

ADVICE = f"the webhook does not accept us: check its address and the proxy, or {_NEW_WEBHOOK}"

_CHANNEL_IS_GONE: Mapping[str, str] = {
    "no_service": f"the webhook was removed or switched off: {_NEW_WEBHOOK}",
    "no_service_id": f"the webhook's address is incomplete: {_NEW_WEBHOOK}",
    "no_active_hooks": f"the webhook was switched off: switch it on in Slack, or {_NEW_WEBHOOK}",
    "no_team": f"the Slack workspace does not exist: {_NEW_WEBHOOK}",
    "team_disabled": f"the Slack workspace was closed: {_NEW_WEBHOOK}",
    "invalid_token": f"the webhook's address is wrong or was revoked: {_NEW_WEBHOOK}",
    "token_revoked": f"the webhook was revoked: {_NEW_WEBHOOK}",
    "user_not_found": f"the person the webhook writes to is gone: {_NEW_WEBHOOK}",
    "channel_not_found": f"the Slack channel was deleted: {_NEW_WEBHOOK} for another channel",
    "channel_is_archived": "the Slack channel was archived: unarchive it, or create a webhook for another channel",
    "action_prohibited": "an administrator of the Slack workspace forbids it: ask them, or choose another channel",
    "posting_to_general_channel_denied": (
        "an administrator restricts who writes to #general: create a webhook for another channel"
    ),
}
_TOO_LARGE = frozenset({"too_many_attachments", "msg_too_long", "msg_blocks_too_long", "request_too_large"})


def failure_in(answer: Answer, host: str) -> DeliveryError | None:
    """The failure that an answer stands for; None when the message was taken."""
    word = in_short(answer)
    said = f"{host} answered {answer.status} ({word})"
    if 400 <= answer.status < 500 and word in _CHANNEL_IS_GONE:
        return Undeliverable(Reason.CHANNEL_REFUSED, f"{said}: {_CHANNEL_IS_GONE[word]}", disables_channel=True)
    if 400 <= answer.status < 500 and word in _TOO_LARGE:
        return Undeliverable(Reason.REJECTED, f"{said}: the message is too long for it; read it in Escucha instead")
    return web.failure_in(answer, host, ADVICE)
