"""Slack through an incoming webhook: an address that posts into one channel, without a bot and without replies."""

import http.client
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from alerts.channel import ChannelSetupError, Receipt, TryLater
from alerts.notice import Notice
from alerts.reasons import Reason
from alerts.slack.address import checked_address, redacted, shown
from alerts.slack.answers import failure_in
from alerts.slack.message import compose
from alerts.slack.wire import NotConnectedError, Wire
from alerts.text import one_line, shorten

LONGEST_TIMEOUT = 20.0
"""Seconds. A send may take this three times (to connect, to shake hands, to answer), and its lease must be longer."""


class SlackOptions(BaseModel):
    """`url` is the webhook's address, a secret; `timeout` is in seconds; `proxy` is an http:// address."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr
    timeout: float = Field(default=10.0, gt=0, le=LONGEST_TIMEOUT)
    proxy: str | None = None

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: SecretStr) -> SecretStr:
        return SecretStr(checked_address(url.get_secret_value()))


class SlackWebhook:
    """One incoming webhook. Safe to use from several threads: nothing is kept between two sends."""

    kind: ClassVar[str] = "slack"

    def __init__(self, name: str, url: str, *, timeout: float = 10.0, proxy: str | None = None) -> None:
        """`timeout` is in seconds. Raises ChannelSetupError for an address that cannot be a webhook's."""
        if timeout <= 0:
            raise ChannelSetupError(f"the timeout of a Slack webhook is in seconds and above 0; got {timeout}")
        if proxy is not None and not proxy.startswith("http://"):
            raise ChannelSetupError("the proxy of a Slack webhook looks like http://proxy.example:3128")
        self.name = name
        self._address = checked_address(url)
        self._host = shown(self._address)
        self._timeout = timeout
        self._wire = Wire(self._address, timeout, proxy)

    @classmethod
    def from_options(cls, name: str, options: SlackOptions) -> Self:
        """Build from a configuration."""
        return cls(name, options.url.get_secret_value(), timeout=options.timeout, proxy=options.proxy)

    def __repr__(self) -> str:
        """Without the address, which is a secret."""
        return f"SlackWebhook({self.name!r}, {self._host!r})"

    def send(self, notice: Notice) -> Receipt:
        """Post the notice once. Raises TryLater or Undeliverable."""
        message = compose(notice).to_dict()
        try:
            answer = self._wire.send_dict(message)
        except NotConnectedError as error:
            said = f"{self._host} could not be reached, so nothing was sent ({self._cause(error)})"
            raise TryLater(Reason.CONNECTION_FAILED, said, after=None, ambiguous=False) from error
        except TimeoutError as error:
            said = f"{self._host} did not answer within {self._timeout:g} s and may have taken the message"
            raise TryLater(Reason.TIMED_OUT, said, after=None, ambiguous=True) from error
        except (OSError, http.client.HTTPException) as error:
            said = f"the connection to {self._host} broke before its answer ({self._cause(error)})"
            raise TryLater(Reason.CONNECTION_LOST, said, after=None, ambiguous=True) from error
        failure = failure_in(answer.status_code, redacted(answer.body, self._address), answer.headers, self._host)
        if failure is not None:
            raise failure
        return Receipt(shorten(one_line(redacted(answer.body, self._address)), 80) or "ok")

    def _cause(self, error: Exception) -> str:
        """The system's words for it, such as "Connection refused"; never more than a line, and no secret."""
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return shorten(one_line(redacted(words, self._address)), 120) or type(error).__name__
