"""Messages on their way: what is held back and until when, what died, and what people do about it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field
from sqlmodel import Session

from alerts.channel import Mode
from alerts.reasons import Reason
from alerts.severity import Severity
from api.access import needs
from api.routes.alert_models import Attempt
from api.routes.dependencies import Before, Id, Installed, Limit, Reading
from api.wiring import Installation
from listener import clock
from listener.access import Caller, Permission
from listener.store import letters

router = APIRouter(prefix="/api/v1/deliveries", tags=["deliveries"])

State = Literal["pending", "sending", "sent", "dead", "dropped"]

_SENTENCES = {reason.value: reason.sentence for reason in Reason}
_ACTS: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no such delivery."},
    409: {"description": "It makes no sense for the delivery as it is; the answer says why."},
}


class Delivery(BaseModel):
    """A message for one channel."""

    id: int
    key: str = Field(description="The stable id that the message itself carries.")
    alert_id: int | None = Field(description="The incident; null for digests, summaries and news of channels.")
    brand: str | None
    rule: str | None
    channel: str
    kind: str = Field(description="What it is: opened, grew, updated, summary, digest, ...")
    mode: Mode = Field(description="post = a new message, thread = a reply, update = a message that is changed.")
    severity: Severity
    reason: str = Field(description="Why it was decided to send it.")
    state: State
    outcome: str | None = Field(description="What the last try came to, or why it waits or was dropped.")
    sentence: str = Field(description="What the outcome means; empty where there is none yet.")
    ambiguous: bool = Field(description="Nobody can know whether an earlier try arrived: it may be there twice.")
    attempts: int
    not_before: datetime = Field(description="While it is pending: when it is tried next, at the earliest.")
    created_at: datetime
    sent_at: datetime | None
    merged_into: int | None = Field(description="The delivery that tells of it instead.")

    @classmethod
    def of(cls, row: Mapping[str, Any], **more: Any) -> Self:
        """The same as it is stored."""
        return cls.model_validate({**row, "sentence": _SENTENCES.get(row["outcome"] or "", ""), **more})


class Deliveries(BaseModel):
    """A page of deliveries, the latest first."""

    items: list[Delivery]
    next: int | None = Field(description="`before` of the next page; null = there is none.")


class WholeDelivery(Delivery):
    """A delivery with what each try came to."""

    log: list[Attempt]


Reader = Annotated[Caller, needs(Permission.READ_ALERTS)]
Operator = Annotated[Caller, needs(Permission.OPERATE)]


@router.get("", summary="List deliveries")
def list_deliveries(
    asking: Reader,
    session: Reading,
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
    channel: Annotated[str | None, Query(max_length=500, description="Only on this channel.")] = None,
    before: Before = None,
    limit: Limit = 50,
) -> Deliveries:
    """Messages about incidents of the caller's brands, the latest first; digests and news of channels only for whoever
    may read alerts of all brands."""
    brands = asking.brands(Permission.READ_ALERTS)
    rows = letters.listed(session, state=state, channel=channel, brands=brands, before=before, limit=limit + 1)
    items = [Delivery.of(row) for row in rows[:limit]]
    return Deliveries(items=items, next=items[-1].id if len(rows) > limit else None)


@router.get("/{delivery_id}", summary="One delivery", responses={404: _ACTS[404]})
def one_delivery(asking: Reader, session: Reading, delivery_id: Id) -> WholeDelivery:
    """One message, and what each try came to."""
    return _whole(session, delivery_id, asking.brands(Permission.READ_ALERTS))


@router.post("/{delivery_id}/resend", summary="Send a dead delivery again", responses=_ACTS)
def resend(asking: Operator, installed: Installed, delivery_id: Id) -> WholeDelivery:
    """Try it again as if nobody had tried yet; who asked is kept."""
    return _done(installed, letters.resend, delivery_id, asking)


@router.post("/{delivery_id}/give-up", summary="Send a delivery no more", responses=_ACTS)
def give_up(asking: Operator, installed: Installed, delivery_id: Id) -> WholeDelivery:
    """It is not tried any more; who asked is kept."""
    return _done(installed, letters.give_up, delivery_id, asking)


def _done(
    installed: Installation, act: Callable[[Session, int, str, datetime], None], delivery_id: int, asking: Caller
) -> WholeDelivery:
    try:
        with installed.store.transaction() as session:
            act(session, delivery_id, asking.actor, clock.now())
    except KeyError:
        raise _not_there(delivery_id) from None
    except letters.NotNow as error:
        raise HTTPException(409, str(error)) from error
    with installed.store.reading() as session:
        return _whole(session, delivery_id, None)


def _whole(session: Session, delivery_id: int, brands: frozenset[int] | None) -> WholeDelivery:
    row = letters.one(session, delivery_id, brands)
    if row is None:
        raise _not_there(delivery_id)
    return WholeDelivery.of(row, log=letters.attempts(session, delivery_id))


def _not_there(delivery_id: int) -> HTTPException:
    return HTTPException(404, f"there is no delivery {delivery_id}")
