"""Discord through a webhook: posts messages, charts included, and changes them afterwards."""

import json
import re
from typing import ClassVar, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from alerts.channel import Mode, Receipt
from alerts.discord.answers import failure, read
from alerts.discord.message import compose
from alerts.notice import Notice
from alerts.web.address import Address, checked, wrong
from alerts.web.post import LONGEST_TIMEOUT, Sender

EXAMPLE = "https://discord.com/api/webhooks/123456789/abcdef"

_WHAT = "a Discord webhook address"
_PATH = re.compile(r"(?:/[^/]+)*/webhooks/\d+/[\w-]+/?")
_QUERY = re.compile(r"(?:thread_id=\d+)?")
_MESSAGE = re.compile(r"\d{1,20}")


class DiscordOptions(BaseModel):
    """`url` is the webhook's address, a secret; `timeout` is in seconds; `proxy` is an http:// address."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr
    timeout: float = Field(default=10.0, gt=0, le=LONGEST_TIMEOUT)
    proxy: str | None = None

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: SecretStr) -> SecretStr:
        return SecretStr(_checked(url.get_secret_value()).url)


class DiscordWebhook:
    """One webhook. Safe to use from several threads: nothing is kept between two sends."""

    kind: ClassVar[str] = "discord"
    edits: ClassVar[bool] = True

    def __init__(self, name: str, url: str, *, timeout: float = 10.0, proxy: str | None = None) -> None:
        """`timeout` is in seconds. Raises ChannelSetupError for an address that cannot be a webhook's."""
        self.name = name
        self._sender = Sender(_checked(url), timeout, proxy)

    @classmethod
    def from_options(cls, name: str, options: DiscordOptions) -> Self:
        """Build from a configuration."""
        return cls(name, options.url.get_secret_value(), timeout=options.timeout, proxy=options.proxy)

    def __repr__(self) -> str:
        """Without the address, which is a secret."""
        return f"DiscordWebhook({self.name!r}, {self._sender.address.host!r})"

    def send(self, notice: Notice, mode: Mode = Mode.POST, ref: str | None = None) -> Receipt:
        """Post the notice, or change the message `ref` into it. Raises TryLater or Undeliverable.

        A webhook cannot reply, so Mode.THREAD is a new message; its receipt names the incident's own one all the same.
        """
        update = ref if mode is Mode.UPDATE and ref is not None and _MESSAGE.fullmatch(ref) else None
        host = self._sender.address.host
        message = compose(notice)
        body = json.dumps(message.body, ensure_ascii=False)
        url, method = self._place(update), "PATCH" if update else "POST"
        if message.files:
            files = [
                (f"files[{number}]", (name, content, "image/png"))
                for number, (name, content) in enumerate(message.files)
            ]
            answer = self._sender.send(None, {}, url=url, method=method, fields={"payload_json": body}, files=files)
        else:
            kind = {"Content-Type": "application/json"}
            answer = self._sender.send(body.encode("utf-8"), kind, url=url, method=method)
        if (failed := failure(answer, host, update=update is not None)) is not None:
            raise failed
        sent = read(answer).get("id")
        if not isinstance(sent, str) or not _MESSAGE.fullmatch(sent):
            # Taken all the same (by a relay, perhaps): sent again it would be there twice.
            return Receipt(f"answered {answer.status} without the message's id, so it cannot be changed later")
        return Receipt(f"message {sent}", ref=ref if mode is Mode.THREAD and ref else sent)

    def _place(self, message: str | None) -> str:
        """Where to post, or to change a message; asked to wait, Discord answers with what was stored."""
        parts = urlsplit(self._sender.address.url)
        path = parts.path.rstrip("/") + (f"/messages/{message}" if message else "")
        query = "&".join(part for part in (parts.query, "" if message else "wait=true") if part)
        return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


def _checked(url: str) -> Address:
    address = checked(url, _WHAT, EXAMPLE)
    parts = urlsplit(address.url)
    if not _PATH.fullmatch(parts.path):
        raise wrong(_WHAT, EXAMPLE, f"got {address.host} with another path, so it is incomplete or no webhook")
    if not _QUERY.fullmatch(parts.query):
        raise wrong(_WHAT, EXAMPLE, "got one with a ?, after which only thread_id= may stand")
    return address
