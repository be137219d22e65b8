"""What Slack's answers to a webhook mean for the delivery.

Slack answers 200 "ok", or an HTTP status with a word in the body (docs.slack.dev, "Handling errors" of incoming
webhooks; changelog of 2016-05-17). The word is the finer of the two: it decides first.
"""

from collections.abc import Mapping

from alerts.channel import DeliveryError, TryLater, Undeliverable
from alerts.reasons import Reason
from alerts.retry_after import seconds_to_wait
from alerts.text import one_line, shorten
from alerts.wording import counted

_NEW_WEBHOOK = "create a new webhook in Slack and put its address into the configuration"

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
_FORBIDDEN_FOR_GOOD = frozenset({401, 403, 404, 410})
_TOO_LARGE = frozenset({"too_many_attachments", "msg_too_long", "msg_blocks_too_long", "request_too_large"})


def failure_in(status: int, body: str, headers: Mapping[str, str], host: str) -> DeliveryError | None:
    """The failure that an answer stands for; None when the message was taken."""
    # A web page, unlike a word, says nothing on one line.
    word = "" if body.lstrip().startswith("<") else shorten(one_line(body), 80)
    said = f"{host} answered {status}" + (f" ({word})" if word else "")
    wait = seconds_to_wait(headers.get("Retry-After"), headers.get("Date"))
    failure: DeliveryError | None
    if 200 <= status < 300:
        failure = _web_page(host) if body.lstrip().startswith("<") else None
    elif status == 429:
        failure = _slow_down(host, wait)
    elif status >= 500:
        message = f"{said}: its server failed, and may have taken the message"
        failure = TryLater(Reason.SERVER_ERROR, message, after=wait, ambiguous=True)
    elif status == 408:
        message = f"{said}: it waited too long for our request"
        failure = TryLater(Reason.TIMED_OUT, message, after=wait, ambiguous=True)
    elif status < 400:
        failure = Undeliverable(
            Reason.CHANNEL_REFUSED,
            f"{host} answered {status}, a redirect, which no webhook does: check the webhook's address and the proxy",
            disables_channel=True,
        )
    elif word in _CHANNEL_IS_GONE or status in _FORBIDDEN_FOR_GOOD:
        advice = _CHANNEL_IS_GONE.get(word, f"the webhook does not accept us: {_NEW_WEBHOOK}")
        failure = Undeliverable(Reason.CHANNEL_REFUSED, f"{said}: {advice}", disables_channel=True)
    elif status == 413 or word in _TOO_LARGE:
        failure = Undeliverable(Reason.REJECTED, f"{said}: the message is too long for it; read it in Escucha instead")
    else:
        message = f"{said}: it does not accept this message; read it in Escucha instead, and please report this"
        failure = Undeliverable(Reason.REJECTED, message)
    return failure


def _slow_down(host: str, wait: float | None) -> TryLater:
    asked = f"in {counted(round(wait), 'second')}" if wait is not None else "later"
    message = f"{host} asked us to come back {asked} (429)"
    return TryLater(Reason.RATE_LIMITED, message, after=wait, ambiguous=False, whole_channel=True)


def _web_page(host: str) -> Undeliverable:
    return Undeliverable(
        Reason.CHANNEL_REFUSED,
        f"{host} answered with a web page instead of a webhook's ok: check the webhook's address and the proxy",
        disables_channel=True,
    )
