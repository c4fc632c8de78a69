"""The tables. Every change here needs a revision in `migrations/versions`; a test compares the two.

Indexed scalars are columns; what is only ever read as a whole is one JSON text. Times are Unix seconds. Text is
compared byte by byte in every database (revision 0004): a new column of text is `COLLATE "C"` in PostgreSQL.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData()
VERSION_TABLE = "celeriac_version"
"""Where Alembic notes the revision; also the sign that a file is ours."""

_SERIAL = BigInteger().with_variant(Integer, "sqlite")
"""SQLite fills a primary key by itself only when its type reads INTEGER (sqlite.org/autoinc.html)."""

events = Table(
    "events",
    metadata,
    Column("seq", _SERIAL, primary_key=True),
    Column("id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("seen", Double, nullable=False),
    Column("source", String, nullable=False),
    Column("worker", String),
    Column("pid", BigInteger),
    Column("task_id", String),
    Column("data", Text, nullable=False),
    Index("events_id", "at", "id", unique=True),
)


def _some(name: str, *columns: Column[Any], where: str) -> Index:
    """An index over the rows that `where` picks: small where a whole one would cost each event a page."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


_some("events_starts", events.c.worker, events.c.pid, events.c.at, where="kind = 'task-started'")
_some("events_cancelled", events.c.task_id, where="kind = 'task-cancelled'")
_some("events_called_off", events.c.task_id, where="kind = 'task-called-off'")

tasks = Table(
    "tasks",
    metadata,
    Column("id", String, nullable=False),
    Column("name", String),
    Column("state", String, nullable=False),
    Column("queue", String),
    Column("worker", String),
    Column("pid", BigInteger),
    Column("published_at", Double),
    Column("received_at", Double),
    Column("started_at", Double),
    Column("ended_at", Double),
    Column("updated_at", Double, nullable=False),
    Column("runtime", Double),
    Column("retries", BigInteger),
    Column("reason", Text),
    Column("args", Text),
    Column("kwargs", Text),
    Column("rest", Text, nullable=False),
    Column("peak_rss", BigInteger),
    Column("term", String),
    Column("because", Text),
    Column("eta_at", Double),
    Column("error", String),
    Column("key", String),
    Column("group_id", String),
    Column("doubled", Boolean, nullable=False, server_default="0"),
    Column("redelivered", Boolean, nullable=False, server_default="0"),
    PrimaryKeyConstraint("id"),
    Index("tasks_updated", "updated_at", "id"),
    Index("tasks_state", "state", "updated_at", "id"),
    Index("tasks_name", "name", "state", "updated_at", "id"),
)
_FEW = ("waiting", "scheduled", "reserved", "running", "held", "retrying", "lost", "unknown")
OPEN_TERMS = f"({' OR '.join(f'term = {term!r}' for term in _FEW)})"
"""The terms that are few: what stands in them is looked through again and again. Not `IN`: SQLite would build the set
anew for each row that is written, which costs 5 µs."""
_some("tasks_open", tasks.c.term, tasks.c.queue, tasks.c.published_at, tasks.c.group_id, where=OPEN_TERMS)
_some("tasks_error", tasks.c.error, tasks.c.updated_at, tasks.c.id, where="error IS NOT NULL")
_some("tasks_key", tasks.c.key, tasks.c.updated_at, tasks.c.id, where="key IS NOT NULL")
_some("tasks_scheduled", tasks.c.eta_at, where="eta_at IS NOT NULL")
_some("tasks_group", tasks.c.group_id, where="group_id IS NOT NULL")
_some("tasks_doubled", tasks.c.updated_at, tasks.c.id, where="doubled")

task_counts = Table(
    "task_counts",
    metadata,
    Column("state", String, primary_key=True),
    Column("tasks", BigInteger, nullable=False),
)

balance = Table(
    "balance",
    metadata,
    Column("name", String, nullable=False),
    Column("queue", String, nullable=False),
    Column("account", String, nullable=False),
    Column("tasks", BigInteger, nullable=False),
    PrimaryKeyConstraint("name", "queue", "account"),
)

sightings = Table(
    "sightings",
    metadata,
    Column("task_id", String, primary_key=True),
    Column("looked_at", Double, nullable=False),
    Column("body", Text, nullable=False),
    Index("sightings_looked", "looked_at"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("until", Double, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", _SERIAL, primary_key=True),
    Column("at", Double, nullable=False),
    Column("by", String, nullable=False),
    Column("act", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("outcome", Text, nullable=False),
    Index("audit_subject", "subject"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", String, primary_key=True),
    Column("task_id", String),
    Column("name", String),
    Column("queue", String),
    Column("cause", String, nullable=False),
    Column("state", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("body", Text, nullable=False),
    Index("dead_letters_task", "task_id"),
    Index("dead_letters_state", "state", "at"),
)

workers = Table(
    "workers",
    metadata,
    Column("node", String, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("heard", Double, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("node", "pid"),
    Index("workers_heard", "heard"),
)

queue_samples = Table(
    "queue_samples",
    metadata,
    Column("queue", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("ready", BigInteger, nullable=False),
    Column("unacked", BigInteger),
    Column("oldest_id", String),
    Column("newest_id", String),
    Column("oldest_name", String),
    Column("oldest_since", Double),
    Column("consumers", BigInteger),
    Column("role", String),
    Column("coarse", Boolean, nullable=False),
    PrimaryKeyConstraint("queue", "at"),
    Index("queue_samples_at", "at"),
    Index("queue_samples_newest", "newest_id"),
)

queues = Table(
    "queues",
    metadata,
    Column("name", String, primary_key=True),
    Column("at", Double, nullable=False),
    Column("coarse_at", Double, nullable=False),
)

evidence = Table(
    "evidence",
    metadata,
    Column("id", String, primary_key=True),
    Column("at", Double, nullable=False),
    Column("level", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    Index("evidence_at", "level", "at"),
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", String, primary_key=True),
    Column("found_at", Double, nullable=False),
    Column("body", Text, nullable=False),
    Index("gaps_found", "found_at"),
)

tallies = Table(
    "tallies",
    metadata,
    Column("worker", String, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("worker", "pid"),
)

recordings = Table(
    "recordings",
    metadata,
    Column("boot", String, primary_key=True),
    Column("heard_at", Double, nullable=False),
    Column("body", Text, nullable=False),
    Index("recordings_heard", "heard_at"),
)

memory_peaks = Table(
    "memory_peaks",
    metadata,
    Column("name", String, nullable=False),
    Column("day", Integer, nullable=False),
    Column("bucket", Integer, nullable=False),
    Column("tasks", BigInteger, nullable=False),
    Column("peak", BigInteger, nullable=False),
    Column("worker", String),
    PrimaryKeyConstraint("name", "day", "bucket"),
    Index("memory_peaks_day", "day"),
)

sources = Table(
    "sources",
    metadata,
    Column("name", String, primary_key=True),
    Column("mark", Double, nullable=False),
    Column("error", Text),
    Column("cause", String),
    Column("failing_since", Double),
)

moments = Table(
    "moments",
    metadata,
    Column("name", String, primary_key=True),
    Column("at", Double, nullable=False),
)

documents = Table(
    "documents",
    metadata,
    Column("name", String, primary_key=True),
    Column("at", Double, nullable=False),
    Column("body", Text, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("seq", _SERIAL, primary_key=True),
    Column("id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("resolved_at", Double),
    Column("playbook", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("incidents_id", "id", unique=True),
    Index("incidents_state", "state", "resolved_at"),
)

incident_tasks = Table(
    "incident_tasks",
    metadata,
    Column("incident", String, nullable=False),
    Column("task_id", String, nullable=False),
    Column("role", String, nullable=False),
    PrimaryKeyConstraint("incident", "task_id", "role"),
    Index("incident_tasks_task", "task_id"),
)

incident_log = Table(
    "incident_log",
    metadata,
    Column("seq", _SERIAL, primary_key=True),
    Column("at", Double, nullable=False),
    Column("incident", String, nullable=False),
    Column("from_state", String),
    Column("to_state", String, nullable=False),
    Column("summary", Text, nullable=False),
    Index("incident_log_incident", "incident"),
)

requests = Table(
    "requests",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("settled_at", Double),
    Column("outcome", Text),
    Index("requests_open", "kind", "settled_at", "at"),
)

revisions = Table(
    "revisions",
    metadata,
    Column("section", String, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
