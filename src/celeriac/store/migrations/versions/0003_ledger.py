"""The ledger: where every task stands, what searches saw of the missing, who may act, and what was done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_FEW = ("waiting", "scheduled", "reserved", "running", "held", "retrying", "lost", "unknown")
_OPEN = f"({' OR '.join(f'term = {term!r}' for term in _FEW)})"
_TERM = """CASE state WHEN 'published' THEN 'waiting' WHEN 'queued' THEN 'waiting' WHEN 'started' THEN 'running'
WHEN 'retried' THEN 'retrying' ELSE state END"""


def upgrade() -> None:
    """Add tables and columns; what is on record gets its term, and is counted."""
    _tasks()
    _tables()
    op.add_column("queue_samples", sa.Column("consumers", sa.BigInteger(), nullable=True))
    op.add_column("queue_samples", sa.Column("role", sa.String(), nullable=True))
    op.execute(f"UPDATE tasks SET term = {_TERM}")  # noqa: S608 -- nothing in it comes from outside
    for account in ("term", "CASE WHEN published_at IS NULL THEN 'unrecorded' ELSE 'published' END"):
        op.execute(
            "INSERT INTO balance (name, queue, account, tasks) "  # noqa: S608 -- nothing in it comes from outside
            f"SELECT coalesce(name, ''), coalesce(queue, ''), {account}, count(*) FROM tasks GROUP BY 1, 2, 3"
        )


def _tasks() -> None:
    op.add_column("tasks", sa.Column("term", sa.String(), nullable=True))
    op.add_column("tasks", sa.Column("because", sa.Text(), nullable=True))
    op.add_column("tasks", sa.Column("eta_at", sa.Double(), nullable=True))
    op.add_column("tasks", sa.Column("error", sa.String(), nullable=True))
    op.add_column("tasks", sa.Column("key", sa.String(), nullable=True))
    op.add_column("tasks", sa.Column("group_id", sa.String(), nullable=True))
    op.add_column("tasks", sa.Column("doubled", sa.Boolean(), nullable=False, server_default="0"))
    op.add_column("tasks", sa.Column("redelivered", sa.Boolean(), nullable=False, server_default="0"))
    _some("tasks_open", "tasks", ["term", "queue", "published_at", "group_id"], _OPEN)
    _some("tasks_error", "tasks", ["error", "updated_at", "id"], "error IS NOT NULL")
    _some("tasks_key", "tasks", ["key", "updated_at", "id"], "key IS NOT NULL")
    _some("tasks_scheduled", "tasks", ["eta_at"], "eta_at IS NOT NULL")
    _some("tasks_group", "tasks", ["group_id"], "group_id IS NOT NULL")
    _some("events_called_off", "events", ["task_id"], "kind = 'task-called-off'")
    _some("tasks_doubled", "tasks", ["updated_at", "id"], "doubled")


def _some(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, unique=False, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _tables() -> None:
    op.create_table(
        "balance",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("tasks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "queue", "account"),
    )
    op.create_table(
        "sightings",
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("looked_at", sa.Double(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("task_id"),
    )
    op.create_index("sightings_looked", "sightings", ["looked_at"], unique=False)
    op.create_table(
        "leases",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("audit_subject", "audit", ["subject"], unique=False)
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("queue", sa.String(), nullable=True),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("dead_letters_task", "dead_letters", ["task_id"], unique=False)
    op.create_index("dead_letters_state", "dead_letters", ["state", "at"], unique=False)
