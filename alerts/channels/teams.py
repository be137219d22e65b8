"""Microsoft Teams through a workflow that starts "when a Teams webhook request is received"."""

from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from alerts.channel import Mode, Receipt
from alerts.notice import Notice
from alerts.teams.answers import failure
from alerts.teams.card import compose
from alerts.text import one_line, shorten
from alerts.web.address import Address, checked, wrong
from alerts.web.post import LONGEST_TIMEOUT, Sender

EXAMPLE = "https://prod-00.westeurope.logic.azure.com/workflows/0a1b/triggers/manual/paths/invoke?...&sig=..."

_WHAT = "the address of a Teams workflow"
_RETIRED = (".webhook.office.com", "outlook.office.com", "outlook.office365.com")
_MICROSOFT = (".logic.azure.com", ".api.powerplatform.com")


class TeamsOptions(BaseModel):
    """`url` is the workflow's address, a secret; `timeout` is in seconds; `proxy` is an http:// address."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr
    timeout: float = Field(default=15.0, gt=0, le=LONGEST_TIMEOUT)
    proxy: str | None = None

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: SecretStr) -> SecretStr:
        return SecretStr(_checked(url.get_secret_value()).url)


class TeamsWorkflow:
    """One workflow. Safe to use from several threads: nothing is kept between two sends."""

    kind: ClassVar[str] = "teams"
    edits: ClassVar[bool] = False

    def __init__(self, name: str, url: str, *, timeout: float = 15.0, proxy: str | None = None) -> None:
        """`timeout` is in seconds. Raises ChannelSetupError for an address that cannot be a workflow's."""
        self.name = name
        self._sender = Sender(_checked(url), timeout, proxy)

    @classmethod
    def from_options(cls, name: str, options: TeamsOptions) -> Self:
        """Build from a configuration."""
        return cls(name, options.url.get_secret_value(), timeout=options.timeout, proxy=options.proxy)

    def __repr__(self) -> str:
        """Without the address, which is a secret."""
        return f"TeamsWorkflow({self.name!r}, {self._sender.address.host!r})"

    def send(self, notice: Notice, mode: Mode = Mode.POST, ref: str | None = None) -> Receipt:  # noqa: ARG002
        """Hand the card to the workflow once. Raises TryLater or Undeliverable."""
        answer = self._sender.send(compose(notice), {"Content-Type": "application/json"})
        if (failed := failure(answer, self._sender.address.host)) is not None:
            raise failed
        # By this the card is found in the workflow's history, should it not have reached the channel.
        run = shorten(one_line(answer.headers.get("x-ms-workflow-run-id") or ""), 80)
        return Receipt(f"answered {answer.status}" + (f", run {run}" if run else ""))


def _checked(url: str) -> Address:
    address = checked(url, _WHAT, EXAMPLE)
    host = address.host.rpartition(":")[0] or address.host
    if ("." + host).endswith(_RETIRED):
        raise wrong(_WHAT, EXAMPLE, f"got {host}, a connector of the kind that Microsoft has retired: use a workflow")
    if host.endswith(_MICROSOFT) and "sig=" not in address.url:
        raise wrong(_WHAT, EXAMPLE, f"got one on {host} without sig=, so it is incomplete (a shell may have cut it)")
    return address
