"""A fact about a host: a process, a control group, a kernel line, a container, a pool's memory; or about the result
backend.

A *level* (`process`, `cgroup`, `container`, `pool-memory`, `result-backend`, `chord`) keeps one id and is replaced by
its newest look; an *edge* (`process-gone`, `oom-kill`, `container-died`, `log-line`) happened once and keeps its own id
for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from celeriac.model.event import NOTHING

LEVELS = frozenset({"process", "cgroup", "container", "machine", "pool-memory", "result-backend", "chord"})
BROKER_EDGES = (
    "broker-restarted",
    "broker-flushed",
    "broker-evicted",
    "broker-refused",
    "broker-connection-lost",
    "broker-queue-deleted",
)
EDGES = frozenset(
    {
        "process-gone",
        "child-gone",
        "oom-kill",
        "oom-count",
        "container-died",
        "rollout",
        "log-line",
        "poison",
        "message-refused",
        *BROKER_EDGES,
    }
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact. `source` is process | cgroup | kernel | docker | kubernetes | log, or worker: the recorder inside one.
    `what` is in LEVELS or EDGES.

    `fact` is one sentence, `how` the command that shows it. `pid` is the host's pid, `nodes` the node names the
    process may go by, `data` what each `what` carries:

    process       state (R S D T Z), wchan, parent, started (Unix s), namespace_pid, cgroup, container, command,
                  children (host pids), rss (bytes), pool, stops ("terminated", when a stop signal is pending), stdout,
                  peers (the "address:port" it has TCP connections to, None when unseen)
    process-gone  as `process`, of its last look; `between` [last seen, first missed]. From what a killed recorder left
                  behind (source worker): also boot, last, the number of the newest item it noted, and left: true when
                  it ended by itself and could not hand over its record
    child-gone    pid of the child, parent (main's host pid), started, rss (bytes, of the last look; None when no look
                  found it alive). From inside (source worker; pids as the main sees them): also exit_code, signal,
                  cause (recycled | oom | segfault | signal | hard-time-limit | up-timeout | operator | shutdown | exit
                  | unknown), task_id, task_name, task_started, never_ready, ended (tasks it had ended), untold (deaths
                  before it that came too fast to be told), peak, curve [[Unix s, rss], …] of its last minute,
                  kills_added, limit, usage (shortly before), group, max_tasks, max_memory (bytes; after which its pool
                  replaces a child)
    pool-memory   (worker) parent, pool, main_rss, children [[pid, rss, cpu share, task id, task name], …], group,
                  limit, usage, kills, trend [[Unix s, rss of all, greatest of a child, tasks ended, usage], …],
                  baseline (rss of a child just after fork), peaks {task name: [tasks, p50, p95, max, Unix s of
                  the last run near the max]}, ends {cause: children that ended of it}
    cgroup        path, version (1|2), kills (count or None), limit (bytes or None), peak, current, group_kill
    oom-count     path, version, kills (new count), added, limit, peak, group_kills (new count of whole groups that
                  were killed), group_added
    oom-kill      (kernel) pid, command, cgroup, constraint (memcg | none | …), rss (bytes)
    container     id, name, status, exit_code, oom_killed (of a run that ended), flag (OOMKilled as the engine shows
                  it), restarts, limit (bytes), started, finished, command, worker (bool)
                  of a pod (kubernetes) also: box (the container's own name), uid, namespace, workload
                  ("deployment/worker"), reason ("OOMKilled", "CrashLoopBackOff"), evicted (why its pod was, or None)
    machine       (kubernetes) ready ("True" | "False" | "Unknown"), pressure (["MemoryPressure", …])
    rollout       (kubernetes) namespace, workload, revision, images
    log-line      signature, line
    message-refused (worker) task_id, content_type: a message that a worker cannot read, and threw away
    broker-*      what two looks at the broker differ by (`between`, their times): restarted (broker, persistence),
                  flushed (count), evicted (count, policy), refused for want of memory (count), connection-lost
                  (count; of workers), queue-deleted (queue)
    poison        (worker) task_id, name, queue, count (deaths so far), limit, policy (report | park), late (late ack),
                  delivery_count (how often a quorum queue has given it back, None elsewhere), parked, and deaths, each
                  an encoded Fatality (model/fatality.py), the oldest first
    result-backend (results) cause (unreachable | full | read-only, None while it takes results), since (Unix s of its
                  first failing look), interval (seconds between looks)
    chord         (results) group_id, size, done, claimed, expires_at (Unix s), since (its first member's publish, or
                  when it was first seen), known (members on record), body and body_name (the task that follows),
                  missing [[task id, name, term, because, worker, Unix s of the last word], …] of those not counted,
                  counted (whether the backend names the members it has), done_at (Unix s; the count is gone), interval
    """

    id: str
    at: float
    source: str
    what: str
    host: str
    fact: str
    how: str
    pid: int | None = None
    nodes: tuple[str, ...] = ()
    container: str | None = None
    data: Mapping[str, object] = field(default_factory=lambda: NOTHING)

    def text(self, key: str) -> str | None:
        """The field as text, None when absent or null."""
        value = self.data.get(key)
        return None if value is None else str(value)

    def number(self, key: str) -> float | None:
        """The field as a number, None when absent or not one."""
        value = self.data.get(key)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
