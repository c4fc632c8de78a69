"""Did memory kill it: a main process or a pool child, by the kernel's, the cgroup's or the container engine's word."""

from __future__ import annotations

import re
from dataclasses import dataclass

from celeriac.detectors.endings import DAY, Ending
from celeriac.detectors.liveness import Life, began
from celeriac.detectors.traces import cgroup_of, ended_at, is_current, is_ended, is_from_box, same_group, seen
from celeriac.model.evidence import Evidence
from celeriac.model.finding import Confidence, Fact
from celeriac.model.task import Task
from celeriac.model.view import View

BEFORE, AFTER = 2.0, 5.0
"""How far from the interval in which a process went its kill may be dated: the kernel's clock drifts from ours."""
CHILD_STANDS = 300.0
"""Seconds for which a child's kill is told; the worker lives on."""
MAIN_FOLLOWS = 1.5
"""Seconds after a child's kill within which its main may turn out dead of the same: then it is no child's story."""
CHILD_TOLD = 10.0
"""Seconds the parent may take to notice (billiard's maintain_pool every 5 s, FAILURE-MODES 2.2)."""
DELIVERED_WITHIN = 3600.0
KILLED = 137
UNSAID = 0
"""The pid of what a log tells of a worker."""
WORKER_COMMAND = re.compile(r"^\[?(celery|python)", re.IGNORECASE)
SIGNAL_9 = re.compile(r"signal 9\b")


@dataclass(frozen=True, slots=True)
class Kill:
    """A kill for memory. `cause` is a `worker-oom-killed` cause slug; `limit` bytes, None when unknown or host-wide.

    `story` is how the dead came to its limit, where its memory was watched.
    """

    cause: str
    at: float
    confidence: Confidence
    facts: tuple[Fact, ...]
    limit: float | None = None
    pid: int | None = None
    times: int = 1
    story: str = ""


def fact(evidence: Evidence) -> Fact:
    """The evidence as a dated fact; a container that ended is dated by its end."""
    at = ended_at(evidence) if is_ended(evidence) else evidence.at
    return Fact(at, evidence.source, evidence.fact, evidence.how)


def kill_of(view: View, ending: Ending) -> Kill | None:
    """The kill that was this end, None when memory was not it or nothing tells."""
    lines = [one for one in seen(view, "oom-kill") if _within(ending, one.at)]
    counts = [one for one in seen(view, "oom-count") if _within(ending, one.at) and _of_group(ending, one, "path")]
    ours = [one for one in lines if _names_main(ending, one)]
    container = ending.trace.container
    flagged = container is not None and _flagged(ending, container)
    others = [one for one in lines if _of_group(ending, one, "cgroup")]
    grouped = any((one.number("group_added") or 0) > 0 for one in counts)
    sure = bool(ours) or flagged or grouped
    boxed = _rose_since_its_box(ending)
    if not sure and (others or not (counts or boxed)):
        return None  # no record, or one that names a child: then the main process died of something else
    told = ours[:1] or (others[-1:] if flagged else [])  # an ended container has no pid that a line could name
    everywhere = bool(told) and host_wide(told[0])
    parts = (*told, *counts[-1:], *((container,) if flagged and container else ()), *boxed)
    return Kill(
        cause="host" if everywhere else "container",
        at=min((one.at for one in (*told, *counts[-1:])), default=ending.at),
        confidence="certain" if sure else "likely",
        facts=tuple(fact(one) for one in parts),
        limit=None if everywhere else _limit(view, ending, counts),
        pid=ending.pid,
    )


def kills_of_children(view: View, life: Life) -> Kill | None:
    """The kills of this living worker's children in the last minutes, as one."""
    main = life.trace.process
    lines, counts = _records(view, life, until=view.at - MAIN_FOLLOWS)
    if main is None or not (lines or counts):
        return None
    everywhere = bool(lines) and host_wide(lines[-1])
    group = cgroup_of(view, main)
    limit = (counts[-1].number("limit") if counts else None) or (group.number("limit") if group else None)
    added = sum(int(one.number("added") or 1) for one in counts)
    return Kill(
        cause="host" if everywhere else "child",
        at=min(one.at for one in (*lines, *counts)),
        confidence="certain" if lines else "likely",
        facts=tuple(fact(one) for one in (*lines[-2:], *counts[-1:])),
        limit=None if everywhere else limit,
        pid=lines[-1].pid if lines else None,
        times=max(len(lines), added, 1),
    )


def times_of_kills(view: View, life: Life) -> tuple[float, ...]:
    """When the kernel is on record to have killed children of this living worker."""
    lines, counts = _records(view, life, until=view.at)
    return tuple(one.at for one in (*lines, *counts))


def sees_kills(view: View, life: Life) -> bool:
    """True when the kill counter of its memory group is read: then no record of a kill means that there was none."""
    group = cgroup_of(view, life.trace.process)
    return group is not None and group.number("kills") is not None


def _records(view: View, life: Life, until: float) -> tuple[list[Evidence], list[Evidence]]:
    """The kernel's lines and the counted kills that are about this worker's children, oldest first."""
    main = life.trace.process
    if main is None:
        return [], []
    start = max(view.at - CHILD_STANDS, began(life) or life.worker.first_seen - 1.0)
    lines = [one for one in seen(view, "oom-kill") if start <= one.at <= until and _names_child(view, main, one)]
    counts = [
        one
        for one in seen(view, "oom-count")
        if start <= one.at <= until
        and same_group(one.text("path"), main.text("cgroup"))
        and _child_died(view, life, one.at)
    ]
    return lines, counts


def failed_by_signal(view: View, life: Life, since: float, until: float) -> tuple[Task, ...]:
    """Tasks of this life whose child was killed by signal 9 between the two times."""
    node, pid = life.worker.node, life.worker.pid
    return tuple(
        task
        for task in view.tasks
        if task.ending is not None
        and task.ending.what == "failed"
        and since - BEFORE <= task.ending.at <= until
        and SIGNAL_9.search(task.ending.text + task.ending.traceback)
        and any((mark.worker, mark.pid) == (node, pid) for mark in task.marks)
    )


def lone_kills(view: View) -> tuple[Evidence, ...]:
    """Kernel lines of the last day that read like a Celery worker's end, for when nothing else is left of it. Where a
    worker lives in the group, it lost a child; and if nobody is connected, it is another broker's."""
    inhabited = [one.text("cgroup") for one in seen(view, "process") if is_current(view, one)]
    groups = [one.text("cgroup") for one in seen(view, "process-gone")]
    groups += [one.text("path") for one in seen(view, "cgroup")]
    boxes = [one.text("id") or "" for one in seen(view, "container") if one.data.get("worker")]
    return tuple(
        one
        for one in seen(view, "oom-kill")
        if view.at - one.at <= DAY
        and _reads_like_a_worker(one)
        and not any(same_group(one.text("cgroup"), group) for group in inhabited)
        and (_is_remembered(one, groups, boxes) or _stopped_deliveries(view, one))
    )


def _reads_like_a_worker(line: Evidence) -> bool:
    return WORKER_COMMAND.match(line.text("command") or "") is not None


def _is_remembered(line: Evidence, groups: list[str | None], boxes: list[str]) -> bool:
    group = line.text("cgroup")
    if (line.text("command") or "").lstrip("[").startswith("celery"):
        return True
    return any(same_group(group, one) for one in groups) or any(box and box in (group or "") for box in boxes)


def _stopped_deliveries(view: View, line: Evidence) -> bool:
    """True when the last message the broker delivered went out shortly before the kill, and none after it. Workers run
    as `python -m celery` have no name of their own in the kernel's log."""
    times = [one.since for one in (view.broker.held or () if view.broker else ()) if one.since is not None]
    return bool(times) and not host_wide(line) and line.at - DELIVERED_WITHIN <= max(times) <= line.at + BEFORE


def _within(ending: Ending, at: float) -> bool:
    return ending.last_seen - BEFORE <= at <= ending.at + AFTER


def _rose_since_its_box(ending: Ending) -> tuple[Evidence, ...]:
    """Its black box, when the kernel killed in its memory group after the box was last touched."""
    gone = ending.trace.gone
    return (gone,) if gone is not None and is_from_box(gone) and (gone.number("kills_added") or 0) > 0 else ()


def _names_main(ending: Ending, line: Evidence) -> bool:
    """The kernel names the dead by the host's pid; of a container that is its first process."""
    gone, container = ending.trace.gone, ending.trace.container
    mains = {one.pid for one in (gone, container) if one is not None} - {None}
    return line.pid in mains


def _of_group(ending: Ending, evidence: Evidence, key: str) -> bool:
    gone, container = ending.trace.gone, ending.trace.container
    path = evidence.text(key)
    if gone is not None and same_group(path, gone.text("cgroup")):
        return True
    box = container.text("id") if container is not None else None
    return bool(box and path and box in path)


def _flagged(ending: Ending, container: Evidence) -> bool:
    """Docker's flag stays after a restart and is set when a child died: only with this end's 137 does it speak of the
    main process."""
    killed = bool(container.data.get("oom_killed")) and container.number("exit_code") == KILLED
    return killed and is_ended(container) and abs(ended_at(container) - ending.at) <= CHILD_TOLD


def _names_child(view: View, main: Evidence, line: Evidence) -> bool:
    if line.pid == main.pid:
        return False
    gone = {one.pid for one in seen(view, "child-gone") if one.number("parent") == main.pid}
    children = main.data.get("children")
    listed = children if isinstance(children, (list, tuple)) else ()
    if line.pid in gone or line.pid in listed:
        return True
    return same_group(line.text("cgroup"), main.text("cgroup")) and _reads_like_a_worker(line)


def _child_died(view: View, life: Life, at: float) -> bool:
    main = life.trace.process
    gone = (one for one in seen(view, "child-gone") if main is not None and one.number("parent") == main.pid)
    if any(abs(one.at - at) <= CHILD_TOLD for one in gone):
        return True
    return bool(failed_by_signal(view, life, at, at + CHILD_TOLD))


def host_wide(line: Evidence) -> bool:
    """True when the whole host was out of memory, not the group of the dead."""
    return "memcg" not in (line.text("constraint") or "memcg").lower()


def _limit(view: View, ending: Ending, counts: list[Evidence]) -> float | None:
    group = cgroup_of(view, ending.trace.gone) or ending.trace.cgroup
    given = (*(one.number("limit") for one in counts[-1:]), group.number("limit") if group else None)
    container = ending.trace.container
    return next((limit for limit in (*given, container.number("limit") if container else None) if limit), None)
