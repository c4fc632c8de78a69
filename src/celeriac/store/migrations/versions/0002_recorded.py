"""What recorders inside the processes tell: their accounts, and the memory of tasks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add two tables and a column."""
    op.create_table(
        "recordings",
        sa.Column("boot", sa.String(), nullable=False),
        sa.Column("heard_at", sa.Double(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("boot"),
    )
    op.create_index("recordings_heard", "recordings", ["heard_at"], unique=False)
    op.create_table(
        "memory_peaks",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("tasks", sa.BigInteger(), nullable=False),
        sa.Column("peak", sa.BigInteger(), nullable=False),
        sa.Column("worker", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("name", "day", "bucket"),
    )
    op.create_index("memory_peaks_day", "memory_peaks", ["day"], unique=False)
    op.add_column("tasks", sa.Column("peak_rss", sa.BigInteger(), nullable=True))
