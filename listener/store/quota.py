"""Accounts on platforms: what is left of their quotas, and the ledger of what they cost."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import delete, func, select
from sqlmodel import Session
from sqlmodel import select as select_rows

from listener.spending import LOOK_BACK, Forecast, forecast
from listener.store.engine import insert_new, upsert
from listener.store.tables import QuotaAccount, QuotaUse, Spend, SpendHeld, table


@dataclass(frozen=True, slots=True)
class Spending:
    """What an account has cost lately, and what that comes to. ``days``: the last days with any spend, in dollars."""

    account: str
    kind: str
    cap: Decimal | None
    days: Mapping[date, Decimal]
    requests_today: int
    forecast: Forecast


def spending(session: Session, now: datetime) -> list[Spending]:
    """Every account that has cost anything in the last week or has a cap, by name."""
    today = now.date()
    spent = table(Spend).c
    rows = (
        session.connection()
        .execute(select(table(Spend)).where(spent.day >= today - LOOK_BACK, spent.day <= today).order_by(spent.day))
        .all()
    )
    account = table(QuotaAccount).c
    capped = select(account.name, account.day_cap).where(account.day_cap.is_not(None))
    caps: dict[str, Decimal] = {row.name: row.day_cap for row in session.connection().execute(capped)}
    found = []
    for name in sorted({row.account for row in rows} | caps.keys()):
        days = {row.day: row.amount for row in rows if row.account == name}
        requests = sum(row.requests for row in rows if row.account == name and row.day == today)
        cap = caps.get(name)
        found.append(Spending(name, platform_of(name), cap, days, requests, forecast(days, cap, now)))
    return found


def blocked(session: Session, now: datetime) -> list[QuotaAccount]:
    """The accounts that nobody may use just now, and why."""
    account = table(QuotaAccount).c
    return list(session.exec(select_rows(QuotaAccount).where(account.blocked_until > now).order_by(account.name)).all())


def platform_of(account: str) -> str:
    """The platform that an account's name begins with."""
    return account.partition(":")[0]


def hold_account(session: Session, name: str) -> QuotaAccount:
    """An account's row, held until the transaction ends: whoever asks for the same account waits."""
    statement = select_rows(QuotaAccount).where(QuotaAccount.name == name).with_for_update()
    found = session.exec(statement).first()
    if found is None:
        insert_new(session, table(QuotaAccount), [{"name": name}], returning=("name",))
        found = session.exec(statement).one()
    return found


def used(session: Session, account: str, since_ms: Iterable[int]) -> list[int]:
    """The weight used since each of these moments, in the same order."""
    use = table(QuotaUse).c
    counts = [
        func.coalesce(func.sum(use.weight).filter(use.at_ms >= since), 0).label(f"since_{number}")
        for number, since in enumerate(since_ms)
    ]
    row = session.connection().execute(select(*counts).where(use.account == account)).one()
    return [int(count) for count in row]


def used_at(session: Session, account: str, offset: int) -> int | None:
    """When the unit of weight was used that stands ``offset`` places before the latest one (0 = the latest)."""
    use = table(QuotaUse).c
    running = func.sum(use.weight).over(order_by=(use.at_ms.desc(), use.id.desc())).label("running")
    ranked = select(use.at_ms, running).where(use.account == account).subquery()
    return session.connection().scalar(
        select(ranked.c.at_ms).where(ranked.c.running > offset).order_by(ranked.c.running).limit(1)
    )


def use(session: Session, account: str, at_ms: int, weight: int) -> None:
    """Write down a request."""
    insert_new(session, table(QuotaUse), [{"account": account, "at_ms": at_ms, "weight": weight}], returning=("id",))


def forget_uses(session: Session, account: str, before_ms: int) -> int:
    """Drop what no limit counts any more; how many requests that were."""
    use = table(QuotaUse).c
    gone = session.connection().execute(delete(table(QuotaUse)).where(use.account == account, use.at_ms < before_ms))
    return gone.rowcount


def forget_all_uses(session: Session, account: str) -> None:
    """Begin to count anew."""
    session.connection().execute(delete(table(QuotaUse)).where(table(QuotaUse).c.account == account))


def block(session: Session, account: str, until: datetime, why: str) -> None:
    """Let nobody use the account before ``until``; an earlier block that lasts longer stands."""
    row = hold_account(session, account)
    if row.blocked_until is None or row.blocked_until < until:
        row.blocked_until, row.why = until, why
        session.add(row)


def spent_on(session: Session, account: str, day: date, now: datetime) -> Decimal:
    """What the account has cost on that day, and what requests under way may still cost, in US dollars."""
    spend, held = table(Spend).c, table(SpendHeld).c
    paid = session.connection().scalar(select(spend.amount).where(spend.account == account, spend.day == day))
    under_way = session.connection().scalar(
        select(func.sum(held.amount, type_=held.amount.type)).where(held.account == account, held.until > now)
    )
    return (paid or Decimal(0)) + (under_way or Decimal(0))


@dataclass(frozen=True, slots=True)
class Held:
    """What was set aside for a request. The number alone would not do: once its row is gone, SQLite gives it anew."""

    number: int
    account: str
    until: datetime


def hold_money(session: Session, account: str, amount: Decimal, now: datetime, lasting: timedelta) -> Held:
    """Set money aside for a request, to be given back. Drops what was never given back."""
    held = table(SpendHeld)
    session.connection().execute(delete(held).where(held.c.account == account, held.c.until <= now))
    until = now + lasting
    (row,) = insert_new(session, held, [{"account": account, "amount": amount, "until": until}], returning=("id",))
    return Held(int(row.id), account, until)


def give_money_back(session: Session, held: Held) -> None:
    """The request that it was set aside for has been paid, or was never made."""
    row = table(SpendHeld).c
    session.connection().execute(
        delete(table(SpendHeld)).where(row.id == held.number, row.account == held.account, row.until == held.until)
    )


def pay(session: Session, account: str, cost: Decimal, day: date) -> None:
    """Add a request's cost to the ledger."""
    row = {"account": account, "day": day, "kind": platform_of(account), "amount": cost, "requests": 1}
    upsert(session, table(Spend), [row], key=("account", "day"), add=("amount", "requests"))
