"""slack_sdk's webhook client over a connection that tells "never sent" from "perhaps sent".

The SDK sends through urllib as it comes, which is wrong for us in three ways: it follows redirects (a POST then
becomes a GET, and any page's 200 would pass for a delivered message), it takes proxies from the environment, and a
time-out while connecting looks like one while waiting for the answer, though only the latter may have sent something.
So the SDK builds the request and this module carries it.
"""

import http.client
import logging
import ssl
import urllib.request
from typing import Any
from urllib.error import URLError

from slack_sdk.webhook import WebhookClient, WebhookResponse

_ANSWER_LIMIT = 4_096
"""Bytes read of an answer. Slack's are a word long; what matters of anything longer stands at its start."""

_sdk_log = logging.getLogger("alerts.slack.wire.sdk")
# The SDK logs whole addresses and messages, and we report each failure ourselves.
_sdk_log.setLevel(logging.CRITICAL)


class NotConnectedError(OSError):
    """No connection came about (refused, no such host, timed out, TLS failed): nothing was sent for certain."""


class _PlainConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        """As usual, but failures are told apart from later ones."""
        try:
            super().connect()
        except OSError as error:
            raise NotConnectedError(*error.args) from error


class _SecureConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        """As usual, but failures are told apart from later ones."""
        try:
            super().connect()
        except OSError as error:
            raise NotConnectedError(*error.args) from error


class _PlainHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Open with our connection."""
        return self.do_open(_PlainConnection, req)


class _SecureHandler(urllib.request.HTTPSHandler):
    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._trust = context

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Open with our connection."""
        return self.do_open(_SecureConnection, req, context=self._trust)


class Wire(WebhookClient):
    """Posts to one webhook address, once per call, without retries, redirects or proxies nobody asked for.

    `timeout` is in seconds and bounds connecting and each wait for data. `proxy` is an http:// address. `send_dict`
    answers for every status; it raises NotConnectedError when nothing was sent, and TimeoutError, another OSError or
    http.client.HTTPException when something may have been.
    """

    def __init__(self, url: str, timeout: float, proxy: str | None = None) -> None:
        """Nothing is connected yet."""
        super().__init__(url, logger=_sdk_log, retry_handlers=[])
        self._seconds = timeout
        self._opener = urllib.request.OpenerDirector()
        proxies = {"http": proxy, "https": proxy} if proxy else {}
        handlers: tuple[urllib.request.BaseHandler, ...] = (
            urllib.request.ProxyHandler(proxies),
            _PlainHandler(),
            _SecureHandler(ssl.create_default_context()),
        )
        for handler in handlers:
            self._opener.add_handler(handler)

    def _perform_http_request_internal(self, url: str, req: urllib.request.Request) -> WebhookResponse:
        """The SDK's hook around urllib. Without its error and redirect handlers every status is simply an answer."""
        try:
            answer: Any = self._opener.open(req, timeout=self._seconds)
        except URLError as error:
            # urllib wraps what happens until the request is out; the cause says whether it got that far.
            raise error.reason if isinstance(error.reason, OSError) else error  # noqa: B904 - the cause itself
        with answer:
            body = answer.read(_ANSWER_LIMIT).decode("utf-8", "replace")
            return WebhookResponse(url=url, status_code=answer.status, body=body, headers=answer.headers)
