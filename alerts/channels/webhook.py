"""A webhook of one's own: documented JSON, signed as Standard Webhooks asks, for whatever reads it."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from alerts.channel import ChannelSetupError, Mode, Receipt
from alerts.notice import Notice
from alerts.web.address import Address, checked
from alerts.web.answers import failure_in, in_short
from alerts.web.ids import plain_id
from alerts.web.post import LONGEST_TIMEOUT, Sender
from alerts.webhook.payload import compose
from alerts.webhook.signature import key_of, signed

EXAMPLE = "https://example.com/hooks/escucha"

ADVICE = "look at what receives there, then switch the channel on again"

GONE = frozenset({401, 410})
"""410: Standard Webhooks' word for "never again". 401: our credentials are wrong, whatever we send. Other refusals are
about one message: a firewall in front of the receiver may answer 403 to what a stranger wrote, and nobody but the
receiver's owner is to be able to switch the channel off."""

_WHAT = "the address of a webhook"
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OURS = re.compile(r"webhook-.*|content-.*|host|accept-encoding|transfer-encoding|connection", re.IGNORECASE)


class WebhookOptions(BaseModel):
    """`url` may hold secrets. `secret` (and `old_secret` while it is being changed) signs what is sent. `headers` are
    sent along. `plain_http`: http:// is taken beyond one's own network too. `timeout` is in seconds; `proxy` is an
    http:// address."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr
    secret: SecretStr | None = None
    old_secret: SecretStr | None = None
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    plain_http: bool = False
    timeout: float = Field(default=15.0, gt=0, le=LONGEST_TIMEOUT)
    proxy: str | None = None

    @field_validator("secret", "old_secret")
    @classmethod
    def _check_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            key_of(secret.get_secret_value())
        return secret

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        _sound({name: value.get_secret_value() for name, value in headers.items()})
        return headers


class Webhook:
    """One address. Safe to use from several threads: nothing is kept between two sends.

    `clock`: each try is signed with the time at which it is made, or receivers would take a later one for a replay.
    """

    kind: ClassVar[str] = "webhook"
    edits: ClassVar[bool] = False

    def __init__(
        self,
        name: str,
        address: Address,
        clock: Callable[[], datetime],
        *,
        secrets: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        timeout: float = 15.0,
        proxy: str | None = None,
    ) -> None:
        """`secrets`: what it is signed with, the present one first; unsigned without. Raises ChannelSetupError."""
        self.name = name
        self._clock = clock
        self._keys = tuple(key_of(secret) for secret in secrets)
        self._headers = _sound(dict(headers or {}))
        self._sender = Sender(address, timeout, proxy, hidden=tuple(self._headers.values()))

    @classmethod
    def from_options(cls, name: str, options: WebhookOptions, clock: Callable[[], datetime]) -> Self:
        """Build from a configuration."""
        return cls(
            name,
            checked(options.url.get_secret_value(), _WHAT, EXAMPLE, plain_http=options.plain_http),
            clock,
            secrets=tuple(one.get_secret_value() for one in (options.secret, options.old_secret) if one is not None),
            headers={name: value.get_secret_value() for name, value in options.headers.items()},
            timeout=options.timeout,
            proxy=options.proxy,
        )

    def __repr__(self) -> str:
        """Without the address, which may be a secret."""
        return f"Webhook({self.name!r}, {self._sender.address.host!r})"

    def send(self, notice: Notice, mode: Mode = Mode.POST, ref: str | None = None) -> Receipt:  # noqa: ARG002
        """Post the notice once; any 2xx takes it. Raises TryLater or Undeliverable."""
        body = compose(notice, mode)
        message, timestamp = plain_id(notice.key), int(self._clock().timestamp())
        headers = {
            **self._headers, "Content-Type": "application/json", "webhook-id": message,
            "webhook-timestamp": str(timestamp),
        }  # fmt: skip
        if self._keys:
            headers["webhook-signature"] = signed(self._keys, message, timestamp, body)
        answer = self._sender.send(body, headers)
        host = self._sender.address.host
        if (failed := failure_in(answer, host, ADVICE, gone=GONE, pages=True)) is not None:
            raise failed
        return Receipt(f"answered {answer.status} {in_short(answer)}".strip())


def _sound(headers: dict[str, str]) -> dict[str, str]:
    """The headers themselves. Raises ChannelSetupError, without a value in it."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or _OURS.fullmatch(name):
            raise ChannelSetupError("headers: one of the names is no header's, or one that Escucha writes itself")
        if not value or not value.isascii() or not value.isprintable() or value != value.strip():
            raise ChannelSetupError(f"headers: what {name} holds is empty or has characters that no header has")
    return headers
