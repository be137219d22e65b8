"""E-mail through a mail server (SMTP): text, HTML and charts, threaded by incident."""

import ssl
from email.headerregistry import Address
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from alerts.channel import ChannelSetupError, Mode, Receipt
from alerts.mail.addresses import read_address
from alerts.mail.message import compose
from alerts.mail.smtp import Server, Tls, send
from alerts.notice import Notice
from alerts.web.address import is_local

LONGEST_TIMEOUT = 10.0
"""Seconds, for each of the server's answers; `alerts.mail.smtp` bounds all of them together."""

_PORTS: dict[Tls, int] = {"starttls": 587, "implicit": 465, "none": 25}
_MOST_RECIPIENTS = 20
"""Servers that slow strangers down make them wait a second or two for each, and there is a bound on all of it."""


class EmailOptions(BaseModel):
    """Where mail is handed in, by whom and for whom.

    `tls`: "starttls" (mostly port 587), "implicit" (465) or "none", which goes with a host on one's own network alone
    where somebody logs in. `ca_file`: certificates to trust instead of the system's. `sender`: an address, or
    "Name <address>". `to`: addresses; each sees the others. `timeout` is in seconds, for each of the server's answers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_.:\-]+$")
    port: int | None = Field(default=None, ge=1, le=65_535)
    tls: Tls = "starttls"
    ca_file: Path | None = None
    user: str | None = Field(default=None, min_length=1)
    password: SecretStr | None = None
    sender: str
    to: tuple[str, ...] = Field(min_length=1, max_length=_MOST_RECIPIENTS)
    timeout: float = Field(default=10.0, gt=0, le=LONGEST_TIMEOUT)

    @field_validator("to", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("sender")
    @classmethod
    def _check_sender(cls, value: str) -> str:
        read_address(value)
        return value

    @field_validator("to")
    @classmethod
    def _check_to(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        addresses = [read_address(one).addr_spec.casefold() for one in value]
        for address in addresses:
            if addresses.count(address) > 1:
                raise ValueError(f"{address} stands there twice")
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password_from go together")
        if self.password is not None and self.tls == "none" and not is_local(self.host):
            raise ValueError(f"tls: none would send the password to {self.host} for everybody to read: use starttls")
        return self


class EmailChannel:
    """One list of recipients. Safe to use from several threads: nothing is kept between two sends."""

    kind: ClassVar[str] = "email"
    edits: ClassVar[bool] = False

    def __init__(self, name: str, server: Server, sender: Address, to: tuple[Address, ...]) -> None:
        """Nothing is connected yet."""
        self.name = name
        self._server = server
        self._sender = sender
        self._to = to

    @classmethod
    def from_options(cls, name: str, options: EmailOptions) -> Self:
        """Build from a configuration. Raises ChannelSetupError for certificates that cannot be read."""
        sender = read_address(options.sender)
        server = Server(
            host=options.host,
            port=options.port or _PORTS[options.tls],
            tls=options.tls,
            trust=None if options.tls == "none" else _trust(options.ca_file),
            # Ours, asked of the system, may take seconds to find out, and tells who runs this.
            hello=sender.domain,
            timeout=options.timeout,
            user=options.user,
            password=None if options.password is None else options.password.get_secret_value(),
        )
        return cls(name, server, sender, tuple(read_address(one) for one in options.to))

    def __repr__(self) -> str:
        """Without password and addresses."""
        return f"EmailChannel({self.name!r}, {self._server!r})"

    def send(self, notice: Notice, mode: Mode = Mode.POST, ref: str | None = None) -> Receipt:
        """Hand the message in once. Raises TryLater or Undeliverable.

        The receipt's `ref` is the Message-ID of the incident's first message; mailboxes show one in Mode.THREAD under
        that one.
        """
        reply_to = ref if mode is Mode.THREAD else None
        message = compose(notice, channel=self.name, sender=self._sender, to=self._to, reply_to=reply_to)
        addresses = [one.addr_spec for one in self._to]
        said = send(self._server, self._sender.addr_spec, addresses, message.as_bytes())
        return Receipt(said, ref=reply_to or str(message["Message-ID"]))


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file.expanduser()))
    except OSError as error:
        words = error.strerror or "it holds no certificate"
        raise ChannelSetupError(f"ca_file: {ca_file} cannot be read as certificates (PEM): {words}") from None
