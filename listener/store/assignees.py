"""Who can be given an incident."""

from sqlalchemy import or_, select
from sqlmodel import Session

from listener.access import PERMISSIONS, Permission
from listener.store.tables import UserAccount, UserRole, table


def names(session: Session, brand_id: int | None) -> list[str]:
    """The names of those who may act on a brand's incidents (None: on those of no single brand), in their order."""
    user, role = table(UserAccount).c, table(UserRole).c
    acting = [one.value for one, held in PERMISSIONS.items() if Permission.ACT in held]
    everywhere = role.brand_id.is_(None)
    where = everywhere if brand_id is None else or_(everywhere, role.brand_id == brand_id)
    query = (
        select(user.name)
        .join_from(table(UserAccount), table(UserRole), role.user_id == user.id)
        .where(user.active, role.role.in_(acting), where)
        .distinct()
    )
    return sorted(session.connection().scalars(query), key=str.casefold)
