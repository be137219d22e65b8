"""slack_sdk's webhook client over our own connection."""

from typing import Any
from urllib.request import Request

from slack_sdk.webhook import WebhookClient, WebhookResponse

from alerts.slack.connection import carried, sdk_log
from alerts.web.address import Address
from alerts.web.post import Answer, Sender


class Wire(WebhookClient):
    """Posts to one address, once per call (see `alerts.web.post.Sender` for how, and what it raises)."""

    def __init__(self, address: Address, timeout: float, proxy: str | None = None) -> None:
        """Nothing is connected yet. Raises ChannelSetupError for a timeout or proxy that cannot be."""
        super().__init__(address.url, logger=sdk_log, retry_handlers=[])
        self._sender = Sender(address, timeout, proxy)

    def post(self, message: dict[str, object]) -> Answer:
        """The answer, whatever its status, without the address where it repeats that."""
        answer = self.send_dict(message)
        return Answer(answer.status_code, answer.headers, answer.body)

    def _perform_http_request_internal(self, url: str, req: Request) -> WebhookResponse:
        """The SDK's hook around urllib."""
        answer = carried(self._sender, req)
        # Of names in any case, which a dictionary would not be.
        headers: Any = answer.headers
        return WebhookResponse(url=url, status_code=answer.status, body=answer.body, headers=headers)
