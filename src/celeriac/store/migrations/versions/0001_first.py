"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "documents",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("seen", sa.Double(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("pid", sa.BigInteger(), nullable=True),
        sa.Column("task_id", sa.String(), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index(
        "events_cancelled",
        "events",
        ["task_id"],
        unique=False,
        sqlite_where=sa.text("kind = 'task-cancelled'"),
        postgresql_where=sa.text("kind = 'task-cancelled'"),
    )
    op.create_index("events_id", "events", ["at", "id"], unique=True)
    op.create_index(
        "events_starts",
        "events",
        ["worker", "pid", "at"],
        unique=False,
        sqlite_where=sa.text("kind = 'task-started'"),
        postgresql_where=sa.text("kind = 'task-started'"),
    )
    op.create_table(
        "evidence",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("level", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("evidence_at", "evidence", ["level", "at"], unique=False)
    op.create_table(
        "gaps",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("found_at", sa.Double(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("gaps_found", "gaps", ["found_at"], unique=False)
    op.create_table(
        "incident_log",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("incident", sa.String(), nullable=False),
        sa.Column("from_state", sa.String(), nullable=True),
        sa.Column("to_state", sa.String(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("incident_log_incident", "incident_log", ["incident"], unique=False)
    op.create_table(
        "incident_tasks",
        sa.Column("incident", sa.String(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("incident", "task_id", "role"),
    )
    op.create_index("incident_tasks_task", "incident_tasks", ["task_id"], unique=False)
    op.create_table(
        "incidents",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("resolved_at", sa.Double(), nullable=True),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("incidents_id", "incidents", ["id"], unique=True)
    op.create_index("incidents_state", "incidents", ["state", "resolved_at"], unique=False)
    op.create_table(
        "moments",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "queue_samples",
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("ready", sa.BigInteger(), nullable=False),
        sa.Column("unacked", sa.BigInteger(), nullable=True),
        sa.Column("oldest_id", sa.String(), nullable=True),
        sa.Column("newest_id", sa.String(), nullable=True),
        sa.Column("oldest_name", sa.String(), nullable=True),
        sa.Column("oldest_since", sa.Double(), nullable=True),
        sa.Column("coarse", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "at"),
    )
    op.create_index("queue_samples_at", "queue_samples", ["at"], unique=False)
    op.create_index("queue_samples_newest", "queue_samples", ["newest_id"], unique=False)
    op.create_table(
        "queues",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("coarse_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("settled_at", sa.Double(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("requests_open", "requests", ["kind", "settled_at", "at"], unique=False)
    op.create_table(
        "revisions",
        sa.Column("section", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("section"),
    )
    op.create_table(
        "sources",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("mark", sa.Double(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("failing_since", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "tallies",
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("worker", "pid"),
    )
    op.create_table(
        "task_counts",
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tasks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("state"),
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("queue", sa.String(), nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("pid", sa.BigInteger(), nullable=True),
        sa.Column("published_at", sa.Double(), nullable=True),
        sa.Column("received_at", sa.Double(), nullable=True),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("runtime", sa.Double(), nullable=True),
        sa.Column("retries", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("args", sa.Text(), nullable=True),
        sa.Column("kwargs", sa.Text(), nullable=True),
        sa.Column("rest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("tasks_name", "tasks", ["name", "state", "updated_at", "id"], unique=False)
    op.create_index("tasks_state", "tasks", ["state", "updated_at", "id"], unique=False)
    op.create_index("tasks_updated", "tasks", ["updated_at", "id"], unique=False)
    op.create_table(
        "workers",
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("heard", sa.Double(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("node", "pid"),
    )
    op.create_index("workers_heard", "workers", ["heard"], unique=False)
