"""PostgreSQL: text is compared byte by byte, as in SQLite, whatever the database's language: pages go by it."""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_TABLES = (
    *("audit", "balance", "dead_letters", "documents", "events", "evidence", "gaps", "incident_log", "incident_tasks"),
    *("incidents", "leases", "memory_peaks", "moments", "queue_samples", "queues", "recordings", "requests"),
    *("revisions", "sightings", "sources", "tallies", "task_counts", "tasks", "workers"),
)
_TEXTS = sa.text(
    "SELECT table_name, column_name, data_type FROM information_schema.columns"
    " WHERE table_schema = current_schema() AND table_name IN :tables AND data_type IN ('character varying', 'text')"
).bindparams(sa.bindparam("tables", _TABLES, expanding=True))


def upgrade() -> None:
    """Change every text column of PostgreSQL."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    changes = defaultdict(list)
    for table, column, kind in connection.execute(_TEXTS):
        changes[table].append(f'ALTER COLUMN "{column}" TYPE {kind} COLLATE "C"')
    for table, columns in changes.items():
        op.execute(f"ALTER TABLE {table} {', '.join(columns)}")
