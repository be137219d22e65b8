"""One request, carried with care: no redirects, no proxies out of the environment, no retries, no secrets in words.

A redirect would turn a POST into a GET, whose 200 passes for a message delivered. Every send makes a connection of its
own: one that was kept may have been closed at the other end, and then nobody knows whether the message arrived.
"""

import logging
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from alerts import outgoing
from alerts.channel import ChannelSetupError, DeliveryError, TryLater, Undeliverable
from alerts.deadline import Deadline
from alerts.reasons import Reason
from alerts.text import one_line, shorten
from alerts.web.address import Address

LONGEST_TIMEOUT = 20.0
"""Seconds. All of a send may take `WAITS` times this, and its lease must be longer."""

WAITS = 3
"""Connecting, shaking hands, the answer."""

_ANSWER_LIMIT = 16_384
"""Bytes read of an answer: what matters of it stands at its start."""

# It logs whole addresses, and we report each failure ourselves.
logging.getLogger("httpx2").setLevel(logging.WARNING)

_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)

_CONNECTING = ("connection.", "proxy.")

Files = Sequence[tuple[str, tuple[str, bytes, str]]]
"""(field, (file name, content, media type)) of a form."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status. Names of `headers` are in any case."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def is_page(self) -> bool:
        """Whether the body is a web page, which no API gives."""
        return self.body.lstrip().startswith("<")


class Sender:
    """Sends to one address. Safe to share by threads: nothing is kept between two sends.

    `timeout` is in seconds and bounds connecting and each wait for data; all of it together takes no longer than three
    times that, however little by little the other end answers. `proxy` is an http:// address.
    """

    def __init__(
        self,
        address: Address,
        timeout: float,
        proxy: str | None = None,
        *,
        hidden: Sequence[str] = (),
        most: int = _ANSWER_LIMIT,
    ) -> None:
        """`hidden`: more secrets that no message may show. `most`: bytes that are read of an answer. Raises
        ChannelSetupError for a timeout or proxy that cannot be."""
        if not 0 < timeout <= LONGEST_TIMEOUT:
            raise ChannelSetupError(f"the timeout is in seconds, above 0 and at most {LONGEST_TIMEOUT:g}")
        if proxy is not None and not proxy.startswith("http://"):
            raise ChannelSetupError("the proxy looks like http://proxy.example:3128")
        self.address = address
        self._timeout = timeout
        self._proxy = proxy
        self._most = most
        # Anything shorter is no secret and may be part of any word.
        self._hidden = tuple(sorted((one for one in hidden if len(one) >= 6), key=len, reverse=True))
        self._trust = ssl.create_default_context()

    def __repr__(self) -> str:
        """Without the address, which is a secret."""
        return f"Sender({self.address.host!r})"

    def send(
        self,
        content: bytes | None,
        headers: Mapping[str, str],
        *,
        url: str | None = None,
        method: str = "POST",
        fields: Mapping[str, str] | None = None,
        files: Files = (),
    ) -> Answer:
        """Send once; the answer, whatever its status. Raises TryLater where none came, and
        Undeliverable where nothing may be sent (`alerts.outgoing`).

        `url` is the address itself unless given, and on the same host. With `files` a form is sent, with `fields`
        beside them, instead of `content`.
        """
        deadline = Deadline(WAITS * self._timeout)
        try:
            with (
                deadline,
                outgoing.guard(
                    httpx2.Client(
                        verify=self._trust, trust_env=False, follow_redirects=False, timeout=self._timeout,
                        proxy=self._proxy,
                    )
                ) as client,
                client.stream(
                    method, url or self.address.url, content=content, data=dict(fields) if fields else None,
                    files=list(files) or None, headers={"Accept-Encoding": "identity", **headers},
                    extensions={"trace": _watching(deadline)},
                ) as response,
            ):  # fmt: skip
                body = bytearray()
                # As it comes: something packed could grow without end.
                for piece in response.iter_raw():
                    body += piece
                    if len(body) >= self._most:
                        break
                text = bytes(body[: self._most]).decode("utf-8", "replace")
                return Answer(response.status_code, response.headers, self._redacted(text))
        except (httpx2.TransportError, OSError) as error:
            # No "from": the library's errors hold the request, whose address and headers are secrets.
            raise self._failure(error, deadline) from None

    def _failure(self, error: Exception, deadline: Deadline) -> DeliveryError:
        host = self.address.host
        if (refused := outgoing.forbidden(error)) is not None:
            return Undeliverable(Reason.CHANNEL_REFUSED, f"nothing was sent: {refused}", disables_channel=True)
        cause = shorten(one_line(self._redacted(str(error))), 120) or type(error).__name__
        if isinstance(error, _NOT_SENT):
            said = f"{host} could not be reached, so nothing was sent ({cause})"
            return TryLater(Reason.CONNECTION_FAILED, said, after=None, ambiguous=False)
        if deadline.passed or isinstance(error, httpx2.TimeoutException):
            within = deadline.seconds if deadline.passed else self._timeout
            said = f"{host} did not answer within {within:g} s and may have taken the message"
            return TryLater(Reason.TIMED_OUT, said, after=None, ambiguous=True)
        said = f"the connection to {host} broke before its answer ({cause})"
        return TryLater(Reason.CONNECTION_LOST, said, after=None, ambiguous=True)

    def _redacted(self, text: str) -> str:
        text = self.address.redacted(text)
        for secret in self._hidden:
            text = text.replace(secret, "[hidden]")
        return text


def _watching(deadline: Deadline) -> Callable[[str, Mapping[str, Any]], None]:
    """Hears of each step that the HTTP library makes; every connection that comes about is to be cut in time."""

    def heard(step: str, about: Mapping[str, Any]) -> None:
        made = getattr(about.get("return_value"), "get_extra_info", None)
        connection = made("socket") if made is not None and step.startswith(_CONNECTING) else None
        if isinstance(connection, socket.socket):
            deadline.watch(connection)
            if deadline.passed:
                raise httpx2.ConnectTimeout("connecting took too long")

    return heard
