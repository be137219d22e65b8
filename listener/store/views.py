"""What people keep of a page's filters, each for themselves, to ask it again."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import RowMapping, Select, delete, func, select
from sqlmodel import Session

from listener.store import audit
from listener.store.engine import insert_new
from listener.store.tables import SavedView, table

MOST = 100
"""Views of a user for a page."""

_VIEW = table(SavedView).c


class TooManyError(Exception):
    """The user has as many views of this page as may be."""


def listed(session: Session, user_id: int, page: str | None = None) -> Sequence[RowMapping]:
    """A user's views by page and name."""
    query = _of(user_id).order_by(_VIEW.page, _VIEW.name)
    if page is not None:
        query = query.where(_VIEW.page == page)
    return session.connection().execute(query).mappings().all()


def one(session: Session, user_id: int, view_id: int) -> RowMapping | None:
    """A view of this user; None where there is none."""
    return session.connection().execute(_of(user_id).where(_VIEW.id == view_id)).mappings().one_or_none()


def add(
    session: Session,
    user_id: int,
    page: str,
    name: str,
    asked: Mapping[str, Sequence[str]],
    actor: str,
    now: datetime,
) -> int | None:
    """Keep what was asked of a page under a name; its id, or None where the user has one of that name there. Raises
    TooManyError."""
    mine = select(func.count()).where(_VIEW.user_id == user_id, _VIEW.page == page)
    if (session.connection().scalar(mine) or 0) >= MOST:
        raise TooManyError
    row = {"user_id": user_id, "page": page, "name": name, "asked": dict(asked), "created_at": now}
    made = insert_new(session, table(SavedView), [row], returning=("id",))
    if not made:
        return None
    audit.note(session, actor, "view.saved", f"view {made[0].id}", {"page": page, "name": name}, now)
    return int(made[0].id)


def remove(session: Session, user_id: int, view_id: int, actor: str, now: datetime) -> bool:
    """Forget a view of this user; False: there is none."""
    gone = session.connection().execute(delete(table(SavedView)).where(_VIEW.user_id == user_id, _VIEW.id == view_id))
    if gone.rowcount:
        audit.note(session, actor, "view.removed", f"view {view_id}", {}, now)
    return bool(gone.rowcount)


def _of(user_id: int) -> Select[tuple[object, ...]]:
    return select(_VIEW.id, _VIEW.page, _VIEW.name, _VIEW.asked, _VIEW.created_at).where(_VIEW.user_id == user_id)
