"""Alembic's entry: run the migrations on the connection that ``migrate.upgrade`` hands over."""

from alembic import context
from sqlmodel import SQLModel

import listener.store.tables  # noqa: F401  (fills the metadata)

# transaction_per_migration stays off: all steps or none. Batch mode rebuilds tables where SQLite cannot alter them.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
context.run_migrations()
