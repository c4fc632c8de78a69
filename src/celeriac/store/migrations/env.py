"""Alembic's entry: run the revisions on the connection, and in the transaction, that `migrate` brought."""

from __future__ import annotations

from alembic import context

from celeriac.store.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
context.run_migrations()
