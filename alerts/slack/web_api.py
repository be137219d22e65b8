"""slack_sdk's Web API client over our own connection: one request for each call, and every answer a JSON object."""

import json
from typing import Any
from urllib.request import Request

from slack_sdk import WebClient

from alerts.channel import TryLater
from alerts.reasons import Reason
from alerts.slack.connection import carried, sdk_log
from alerts.web.address import Address
from alerts.web.post import Sender

_ANSWER_LIMIT = 16 * 2**20
"""Bytes read of an answer: a page of a channel's history holds a hundred messages."""

NOT_SLACK = "not_slack"
"""The error that stands for an answer that Slack never gives, such as a proxy's page."""


class WebApi(WebClient):
    """Calls Slack's methods, each once (see `alerts.web.post.Sender` for how, and what it raises).

    A method raises slack_sdk's SlackApiError for every answer that is not ok.
    """

    def __init__(self, token: str, base_url: str, timeout: float, proxy: str | None = None) -> None:
        """`timeout` is in seconds. Raises ChannelSetupError for a timeout or proxy that cannot be."""
        super().__init__(token, base_url, logger=sdk_log, retry_handlers=[])
        self._sender = Sender(Address(base_url), timeout, proxy, hidden=(token,), most=_ANSWER_LIMIT)

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:  # noqa: ARG002
        """The SDK's hook around urllib."""
        answer = carried(self._sender, req)
        body = answer.body
        if not _is_object(body):
            if answer.status == 200 and body.lstrip()[:1] in ("", "{"):
                # It began as one of Slack's and broke off.
                said = f"the answer of {self._sender.address.host} broke off, and it may have taken the message"
                raise TryLater(Reason.CONNECTION_LOST, said, after=None, ambiguous=True)
            body = json.dumps({"ok": False, "error": NOT_SLACK})
        # The SDK makes a plain dictionary of them, in which case matters.
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return {"status": answer.status, "headers": headers, "body": body}


def _is_object(body: str) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False
