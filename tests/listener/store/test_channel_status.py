from datetime import timedelta

from sqlmodel import Session

from listener.store.channel_status import ChannelStatus, statuses
from listener.store.engine import Store
from listener.store.tables import ChannelState, Delivery, DeliveryAttempt
from tests.conftest import NOON


def delivered(session: Session, number: int, *, channel: str = "team", state: str = "sent", mode: str = "post",
              minutes_ago: float = 5, counts: bool = True) -> None:  # fmt: skip
    at = NOON - timedelta(minutes=minutes_ago)
    arrived = at if state == "sent" else None
    row = Delivery(
        key=f"k{number}", channel=channel, kind="opened", mode=mode, severity="warning", reason="incident_opened",
        notice="{}", state=state, not_before=at, created_at=at, sent_at=arrived, maybe_at=arrived,
    )  # fmt: skip
    session.add(row)
    session.flush()
    if state == "sent":
        session.add(DeliveryAttempt(delivery_id=row.id, number=1, at=at, outcome="sent", detail="", counts=counts))


def test_what_waits_what_died_and_how_much_of_the_hour_is_used(store: Store) -> None:
    with store.transaction() as session:
        for number, how in enumerate([
            {}, {"minutes_ago": 59}, {"minutes_ago": 61}, {"mode": "update"}, {"mode": "thread"}, {"counts": False},
            {"state": "pending"}, {"state": "sending"}, {"state": "dead"}, {"state": "dropped"}, {"channel": "other"},
        ]):  # fmt: skip
            delivered(session, number, **how)  # type: ignore[arg-type]
    with store.reading() as session:
        team, other, new = statuses(session, ["team", "other", "new"], NOON)

    assert (team.open, team.dead, team.used) == (2, 1, 3)
    assert team.last_sent_at == NOON - timedelta(minutes=5)
    assert (other.used, other.open, other.dead) == (1, 0, 0)
    assert new == ChannelStatus("new")


def test_a_channel_that_is_off_or_waits_says_so(store: Store) -> None:
    with store.transaction() as session:
        session.add(ChannelState(name="off", not_before=NOON, disabled_at=NOON, disabled_reason="answered 404"))
        session.add(ChannelState(name="waits", not_before=NOON + timedelta(minutes=1)))
        session.add(ChannelState(name="on", not_before=NOON))
    with store.reading() as session:
        off, waits, on = statuses(session, ["off", "waits", "on"], NOON)

    assert (off.off, off.off_since, off.waits_until) == ("answered 404", NOON, None)
    assert (waits.off, waits.waits_until) == (None, NOON + timedelta(minutes=1))
    assert on == ChannelStatus("on")
