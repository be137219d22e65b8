"""What every table is made of: types both databases keep alike, names for constraints, short ways to write columns."""

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import JSON as SQL_JSON
from sqlalchemy import BigInteger, DateTime, Dialect, ForeignKey, Integer, Table, TypeDecorator, text
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment, kept in UTC. SQLite has no zones: there it is stored without one and given back with it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; the store takes aware times only")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite only counts up an INTEGER primary key by itself.
ID = BigInteger().with_variant(Integer(), "sqlite")
JSON = SQL_JSON(none_as_null=True)


def ref(target: str, **options: Any) -> Any:
    """A foreign key column. ``target``: "table.column"; ``options`` go to ``Field``."""
    nullable = options.pop("nullable", False)
    return Field(
        sa_type=ID,
        sa_column_args=[ForeignKey(target)],
        nullable=nullable,
        **options,
    )


def where(condition: str) -> dict[str, Any]:
    """Index options for the rows that meet ``condition`` only: what is still to do stays small however much is kept."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def table(model: type[SQLModel]) -> Table:
    """The Core table behind a model, for bulk statements."""
    return cast(Table, model.__table__)  # type: ignore[attr-defined]
