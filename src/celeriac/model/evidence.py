"""A fact about a host: a process, a control group, a kernel line, a container.

A *level* (`process`, `cgroup`, `container`) keeps one id and is replaced by its newest look; an *edge*
(`process-gone`, `oom-kill`, `container-died`, `log-line`) happened once and keeps its own id for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from celeriac.model.event import NOTHING

LEVELS = frozenset({"process", "cgroup", "container"})
EDGES = frozenset({"process-gone", "child-gone", "oom-kill", "oom-count", "container-died", "log-line"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact. `source` is process | cgroup | kernel | docker | log; `what` is in LEVELS or EDGES.

    `fact` is one sentence, `how` the command that shows it. `pid` is the host's pid, `nodes` the node names the
    process may go by, `data` what each `what` carries:

    process       state (R S D T Z), wchan, parent, started (Unix s), namespace_pid, cgroup, container, command,
                  children (host pids), rss (bytes), pool, stops ("terminated", when a stop signal is pending), stdout,
                  peers (the "address:port" it has TCP connections to, None when unseen)
    process-gone  as `process`, of its last look; `between` [last seen, first missed]
    child-gone    pid of the child, parent (main's host pid), started, rss (bytes, of the last look)
    cgroup        path, version (1|2), kills (count or None), limit (bytes or None), peak, current, group_kill
    oom-count     path, version, kills (new count), added, limit, peak, group_kills (new count of whole groups that
                  were killed), group_added
    oom-kill      (kernel) pid, command, cgroup, constraint (memcg | none | …), rss (bytes)
    container     id, name, status, exit_code, oom_killed (of a run that ended), flag (OOMKilled as the engine shows
                  it), restarts, limit (bytes), started, finished, command, worker (bool)
    log-line      signature, line
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
