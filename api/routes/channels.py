"""Channels: where notices go. Which there are stands in escucha.yml; here they are seen, tested and switched on."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, HTTPException, Path
from pydantic import BaseModel, Field

from alerts import notice
from alerts.channel import DeliveryError, TryLater
from alerts.policy import DEFAULT_BUDGET
from api.access import needs
from api.routes.dependencies import Installed, Reading
from api.wiring import Installation
from listener import clock
from listener.access import Caller, Permission
from listener.store import channels
from listener.store.audit import note
from listener.store.channel_status import ChannelStatus, statuses
from listener.store.channels import disabled

router = APIRouter(prefix="/api/v1/channels", tags=["channels"])

Name = Annotated[str, Path(max_length=500, description="As in escucha.yml.")]
Operator = Annotated[Caller, needs(Permission.OPERATE)]

NOT_HERE = (
    "this process has no channels, because it only serves (`escucha serve`): on the machine of the workers run "
    "`escucha channels test {name}`"
)

_THERE: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such channel."}}


class Channel(BaseModel):
    """How a channel stands."""

    name: str
    on: bool
    off_why: str | None = Field(description="Why it was switched off.")
    off_since: datetime | None
    waits_until: datetime | None = Field(description="Its platform asked for a pause until then.")
    pending: int = Field(description="Messages that wait to be sent.")
    dead: int = Field(description="Messages that were given up.")
    used: int = Field(description="Messages in the last hour.")
    budget: int = Field(description="The most of them in any hour; what is more is told in one summary.")
    fallback: str | None = Field(description="The channel that is told when this one is off; null = every other one.")
    last_sent_at: datetime | None

    @classmethod
    def of(cls, found: ChannelStatus, installed: Installation) -> Self:
        """The same as it is stored."""
        return cls(
            name=found.name, on=found.off is None, off_why=found.off, off_since=found.off_since,
            waits_until=found.waits_until, pending=found.open, dead=found.dead, used=found.used,
            budget=installed.budgets.get(found.name, DEFAULT_BUDGET), fallback=installed.fallbacks.get(found.name),
            last_sent_at=found.last_sent_at,
        )  # fmt: skip


class Channels(BaseModel):
    """All channels, as escucha.yml has them."""

    items: list[Channel]


class Sent(BaseModel):
    """What came of a test."""

    detail: str = Field(description="What the channel answered.")
    on: bool = Field(description="Whether the channel is switched on: a test goes out in any case.")


class Enabled(BaseModel):
    """What came of switching on."""

    revived: int = Field(description="Messages that it refused since it was off and that are tried again now.")


class TestFailed(Exception):
    """A test was not sent; the message says why and what to do."""


@router.get("", summary="List channels", responses={403: {"description": "It takes setup:read for all brands."}})
def list_channels(
    session: Reading, installed: Installed, asking: Annotated[Caller, needs(Permission.READ_SETUP)]
) -> Channels:
    """Every channel: on or off and why, what waits for it, and how much of the hour's budget is used."""
    if not asking.may(Permission.READ_SETUP):
        raise HTTPException(403, "channels carry what concerns all brands: only who may see all of them may see these")
    found = statuses(session, installed.channel_names, clock.now())
    return Channels(items=[Channel.of(one, installed) for one in found])


@router.post(
    "/{name}/test",
    summary="Send a test",
    responses=_THERE
    | {
        409: {"description": "This process only serves, or the channel did not take it; `detail` says what to do."},
    },
)
def test_channel(installed: Installed, asking: Operator, name: Name) -> Sent:
    """Send one message that is clearly a test. It goes past the outbox, whether the channel is on or off, and counts
    against no budget."""
    _known(installed, name)
    try:
        return Sent(detail=send_test(installed, asking, name), on=not _off(installed, name))
    except TestFailed as error:
        raise HTTPException(409, str(error)) from error


@router.post("/{name}/enable", summary="Switch a channel on", responses=_THERE)
def enable_channel(installed: Installed, asking: Operator, name: Name) -> Enabled:
    """Switch it on again after mending it; what it refused since it was switched off is sent now."""
    _known(installed, name)
    return Enabled(revived=enable(installed, asking, name))


def send_test(installed: Installation, asking: Caller, name: str) -> str:
    """Send it; what the channel answered. Raises TestFailed."""
    channel = installed.channels.get(name)
    if channel is None:
        raise TestFailed(NOT_HERE.format(name=name))
    now = clock.now()
    try:
        receipt = channel.send(notice.for_test(name, now))
    except DeliveryError as error:
        doubt = "; look there, it may have arrived" if isinstance(error, TryLater) and error.ambiguous else ""
        raise TestFailed(f"{name}: not sent ({error.reason.value}): {error.message}{doubt}") from error
    with installed.store.transaction() as session:
        note(session, asking.actor, "channel.tested", name, {}, now)
    return receipt.detail


def enable(installed: Installation, asking: Caller, name: str) -> int:
    """Switch it on; how many messages are tried again."""
    now = clock.now()
    with installed.store.transaction() as session:
        revived = channels.enable(session, name, now)
        note(session, asking.actor, "channel.enabled", name, {"revived": revived}, now)
    return revived


def _off(installed: Installation, name: str) -> bool:
    with installed.store.reading() as session:
        return name in disabled(session, [name])


def _known(installed: Installation, name: str) -> None:
    if name not in installed.channel_names:
        raise HTTPException(404, f"there is no channel {name!r}")
