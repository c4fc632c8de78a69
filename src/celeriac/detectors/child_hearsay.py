"""Deaths of pool children as they look from outside: by the signal that the host saw, and by how their tasks ended.

The parent knows an exit status and not why (FAILURE-MODES 2.2); its `task-failed` carries that status in the traceback
alone, a hard limit says so itself (celery/worker/request.py, on_timeout), a terminated task was ended by somebody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from celeriac.detectors.child_death import SIGKILL, SIGSEGV, SIGTERM, ChildDeath, status_words
from celeriac.detectors.liveness import Life
from celeriac.detectors.memory import BEFORE, CHILD_STANDS, CHILD_TOLD, fact, sees_kills, times_of_kills
from celeriac.detectors.reading import once_per_view
from celeriac.detectors.traces import seen
from celeriac.model.evidence import Evidence
from celeriac.model.finding import Fact
from celeriac.model.task import Task
from celeriac.model.view import View

SETTLES = 1.5
"""Seconds to wait for the kernel's and the cgroup's word before a SIGKILL is called anything but memory."""
YOUNG = 60.0
"""Seconds of age up to which a child that was killed without a task may never have got to work."""
_EXITED = re.compile(r"Worker exited prematurely: (?:signal (?P<signal>\d+)|exitcode (?P<code>-?\d+))")
_LIMIT = re.compile(r"TimeLimitExceeded")


def hearsay(view: View, life: Life) -> tuple[ChildDeath, ...]:
    """What was seen from outside of this life's children, deaths on purpose left out as far as they can be told."""
    ends = [one for one in seen(view, "child-gone") if _is_ours(view, life, one)]
    deaths = [*_by_tasks(view, life)]
    for end in ends:
        death = next((one for one in deaths if one.pid is None and _joins(one, end)), None)
        if death is not None:
            deaths[deaths.index(death)] = replace(death, at=end.at, pid=end.pid)
        elif end.number("signal") not in (None, SIGTERM):
            deaths.append(_by_host(end, _requeued_then(view, life, end)))
    deaths = _with_log(view, life, deaths)
    return tuple(found for one in deaths if (found := _settled(view, life, one)) is not None)


def _is_ours(view: View, life: Life, one: Evidence) -> bool:
    main = life.trace.process
    return (
        main is not None
        and one.source == "process"
        and one.host == main.host
        and one.number("parent") == main.pid
        and view.at - one.at <= CHILD_STANDS
    )


def _by_tasks(view: View, life: Life) -> Iterator[ChildDeath]:
    for task in _ended(view).get((life.worker.node, life.worker.pid), ()):
        yield from _by_task(task)


@once_per_view
def _ended(view: View) -> Mapping[tuple[str, int], tuple[Task, ...]]:
    """The tasks that ended lately, by the life that said so."""
    found: dict[tuple[str, int], list[Task]] = {}
    for task in view.tasks:
        end = task.ending
        if end is None or view.at - end.at > CHILD_STANDS:
            continue
        for owner in {(mark.worker, mark.pid) for mark in task.marks if mark.what == end.what}:
            found.setdefault(owner, []).append(task)
    return {owner: tuple(tasks) for owner, tasks in found.items()}


def _by_task(task: Task) -> Iterator[ChildDeath]:
    end = task.ending
    if end is None:
        return
    text = f"{end.text}\n{end.traceback}"
    said = _EXITED.search(text)
    if end.what == "revoked" and end.text.startswith("terminated"):
        if task.last is not None and task.last.started_at is not None:
            yield _of_task(task, end.at, "operator", "", "was revoked with terminate while it ran")
    elif end.what == "failed" and _LIMIT.search(text):
        yield _of_task(task, end.at, "hard-time-limit", status_words(SIGKILL, None), "ran into its hard time limit")
    elif end.what in ("failed", "retried") and said:
        number = int(said["signal"]) if said["signal"] else None
        status = status_words(number, None if number else float(said["code"]))
        cause = "segfault" if number == SIGSEGV else "signal" if number else "exit"
        yield _of_task(task, end.at, cause, status, f"{end.what}: its child ended by {status}")


def _of_task(task: Task, at: float, cause: str, status: str, words: str) -> ChildDeath:
    told = Fact(at, "event", f"{task.name or 'a task'}[{task.id}] {words}", f"celeriac task {task.id}")
    return ChildDeath(at, cause, told, status=status, task_id=task.id, task_name=task.name, task=task)


def _joins(death: ChildDeath, end: Evidence) -> bool:
    """The parent tells of a loss up to ten seconds after the host saw it; a limit or an operator before."""
    status = status_words(end.number("signal"), None)
    return -CHILD_TOLD <= end.at - death.at <= CHILD_TOLD and (not status or status == death.status or not death.status)


def _requeued_then(view: View, life: Life, end: Evidence) -> Task | None:
    """The task that went back to the queue about then: a rejection alone says no reason, the task may have asked."""
    node, pid = life.worker.node, life.worker.pid
    return next((task for at, task in _requeued(view).get((node, pid), ()) if abs(at - end.at) <= CHILD_TOLD), None)


@once_per_view
def _requeued(view: View) -> Mapping[tuple[str, int], tuple[tuple[float, Task], ...]]:
    """When tasks were rejected back into their queue, by the life that did it."""
    found: dict[tuple[str, int], list[tuple[float, Task]]] = {}
    for task in view.tasks:
        for mark in task.marks:
            if mark.what == "rejected" and mark.detail == "requeued" and view.at - mark.at <= CHILD_STANDS:
                found.setdefault((mark.worker, mark.pid), []).append((mark.at, task))
    return {owner: tuple(had) for owner, had in found.items()}


def _by_host(end: Evidence, task: Task | None) -> ChildDeath:
    number, started = end.number("signal"), end.number("started")
    young = number == SIGKILL and task is None and started is not None and end.at - started <= YOUNG
    return ChildDeath(
        end.at,
        "segfault" if number == SIGSEGV else "signal",
        fact(end),
        status=status_words(number, None),
        pid=end.pid,
        task_id=task.id if task else None,
        task_name=task.name if task else None,
        task=task,
        fruitless=young,
    )


def _with_log(view: View, life: Life, deaths: Iterable[ChildDeath]) -> list[ChildDeath]:
    """The parent logs whom it killed for not being up in time (celery/concurrency/asynpool.py, verify_process_alive);
    where the host is not read, each such line is a death."""
    lines = [one for one in seen(view, "log-line") if _says_up_timeout(view, life, one)]
    found = list(deaths)
    for line in lines:
        death = next((one for one in found if one.fruitless and abs(one.at - line.at) <= BEFORE), None)
        told = ChildDeath(line.at, "up-timeout", fact(line), status=status_words(SIGKILL, None), fruitless=True)
        if death is None:
            found.append(told)
        else:
            found[found.index(death)] = replace(told, pid=death.pid)
    return found


def _says_up_timeout(view: View, life: Life, line: Evidence) -> bool:
    ours = life.worker.node in line.nodes and line.text("signature") == "up-timeout"
    return ours and view.at - line.at <= CHILD_STANDS


def _settled(view: View, life: Life, death: ChildDeath) -> ChildDeath | None:
    """The death once it is clear that memory was or was not it; None while that may still turn out."""
    if death.status != status_words(SIGKILL, None) or death.cause != "signal":
        return death
    if any(-BEFORE <= death.at - at <= CHILD_TOLD for at in times_of_kills(view, life)):
        return replace(death, cause="oom")
    if view.at - death.at < SETTLES:
        return None
    return death if sees_kills(view, life) else replace(death, cause="unknown")
