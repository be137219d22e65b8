"""Slack through an incoming webhook: an address that posts into one channel, without a bot and without replies."""

from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from alerts.channel import Mode, Receipt
from alerts.notice import Notice
from alerts.slack.address import checked_address
from alerts.slack.answers import failure_in
from alerts.slack.message import compose
from alerts.slack.wire import Wire
from alerts.web.answers import in_short
from alerts.web.post import LONGEST_TIMEOUT as LONGEST_TIMEOUT


class SlackOptions(BaseModel):
    """`url` is the webhook's address, a secret; `timeout` is in seconds; `proxy` is an http:// address."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr
    timeout: float = Field(default=10.0, gt=0, le=LONGEST_TIMEOUT)
    proxy: str | None = None

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: SecretStr) -> SecretStr:
        return SecretStr(checked_address(url.get_secret_value()).url)


class SlackWebhook:
    """One incoming webhook. Safe to use from several threads: nothing is kept between two sends."""

    kind: ClassVar[str] = "slack"
    edits: ClassVar[bool] = False

    def __init__(self, name: str, url: str, *, timeout: float = 10.0, proxy: str | None = None) -> None:
        """`timeout` is in seconds. Raises ChannelSetupError for an address that cannot be a webhook's."""
        self.name = name
        self._address = checked_address(url)
        self._wire = Wire(self._address, timeout, proxy)

    @classmethod
    def from_options(cls, name: str, options: SlackOptions) -> Self:
        """Build from a configuration."""
        return cls(name, options.url.get_secret_value(), timeout=options.timeout, proxy=options.proxy)

    def __repr__(self) -> str:
        """Without the address, which is a secret."""
        return f"SlackWebhook({self.name!r}, {self._address.host!r})"

    def send(self, notice: Notice, mode: Mode = Mode.POST, ref: str | None = None) -> Receipt:  # noqa: ARG002
        """Post the notice once. Raises TryLater or Undeliverable."""
        answer = self._wire.post(compose(notice).to_dict())
        if (failed := failure_in(answer, self._address.host)) is not None:
            raise failed
        return Receipt(in_short(answer) or "ok")
