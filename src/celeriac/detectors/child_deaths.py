"""Each death among a living worker's pool children, told once: by the recorder inside its main, else by what the host
and the worker's own task events show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from celeriac.detectors.child_death import SIGKILL, ChildDeath, status_words
from celeriac.detectors.child_hearsay import hearsay
from celeriac.detectors.liveness import Life, living
from celeriac.detectors.memory import BEFORE, CHILD_STANDS, CHILD_TOLD, fact, host_wide
from celeriac.detectors.pool_memory import pool_memory
from celeriac.detectors.reading import once_per_view
from celeriac.detectors.traces import same_group, seen
from celeriac.model.evidence import Evidence
from celeriac.model.finding import Impact
from celeriac.model.task import Task
from celeriac.model.view import View

INSIDE = "worker"
"""The source of what a recorder in the worker's own process saw."""
YOUNG = 60.0
"""Seconds of age up to which a child that ended by itself, and without a task, never got to work."""
CODES_OF_RECYCLING = (0, 155)
"""Exit statuses of a child that its parent replaces: done, and EX_RECYCLE (billiard/pool.py)."""


def child_deaths(view: View, life: Life) -> tuple[ChildDeath, ...]:
    """The deaths among this living worker's children in the last minutes, oldest first."""
    return _by_life(view).get((life.worker.node, life.worker.pid), ())


def unwanted(view: View, life: Life) -> tuple[ChildDeath, ...]:
    """Those that nobody asked for."""
    return tuple(death for death in child_deaths(view, life) if not death.on_purpose)


def impact_of(life: Life, deaths: Iterable[ChildDeath]) -> Impact:
    """What they did to work. With task events off, a death that no recorder told leaves the failed tasks unknown."""
    found = tuple(deaths)
    ids = {fate: _ids(found, fate) for fate in ("failed", "requeued", "unknown")}
    deaf = life.worker.task_event_seen is None and any(one.told is None and one.task_id is None for one in found)
    hit = [death for death in found if death.fate in ids]
    names = sorted({death.task_name for death in hit if death.task_name})
    return Impact(
        failed=None if deaf else ids["failed"],
        requeued=ids["requeued"],
        unknown=ids["unknown"],
        task_names=tuple((name, len({one.task_id for one in hit if one.task_name == name})) for name in names),
    )


@once_per_view
def _by_life(view: View) -> Mapping[tuple[str, int], tuple[ChildDeath, ...]]:
    tasks = {task.id: task for task in view.tasks}
    return {(life.worker.node, life.worker.pid): _of_life(view, life, tasks) for life in living(view)}


def _of_life(view: View, life: Life, tasks: Mapping[str, Task]) -> tuple[ChildDeath, ...]:
    pool = pool_memory(view, life)
    fresh = pool.fresh if pool is not None else None
    told = [_told(view, one, tasks, fresh) for one in _inside(view, life)]
    heard = [one for one in hearsay(view, life) if not any(_same(one, death) for death in told)]
    return tuple(sorted((*told, *heard), key=lambda death: death.at))


def _inside(view: View, life: Life) -> Iterable[Evidence]:
    """What the recorder in this life's main told of its children's ends."""
    node, pid = life.worker.node, life.worker.pid
    return (
        one
        for one in seen(view, "child-gone")
        if one.source == INSIDE
        and node in one.nodes
        and one.number("parent") == pid
        and view.at - one.at <= CHILD_STANDS
    )


def _told(view: View, one: Evidence, tasks: Mapping[str, Task], fresh: float | None) -> ChildDeath:
    cause, task_id = one.text("cause") or "unknown", one.text("task_id")
    name, task = one.text("task_name"), tasks.get(task_id or "")
    line = _kernel_line(view, one, cause)
    return ChildDeath(
        at=one.at,
        cause=_settled(cause, one, line),
        fact=fact(line or one),
        status=status_words(one.number("signal"), one.number("exit_code")),
        pid=one.pid,
        task_id=task_id,
        task_name=name or (task.name if task else None),
        task=task,
        fruitless=_is_fruitless(one, cause, fresh),
        told=one,
    )


def _settled(cause: str, one: Evidence, line: Evidence | None) -> str:
    """A SIGKILL beside a kill counter that cannot be read may have been for memory: the kernel's line decides."""
    if line is not None:
        return "oom"
    unseen = cause == "signal" and one.number("signal") == SIGKILL and one.number("kills_added") is None
    return "unknown" if unseen else cause


def _kernel_line(view: View, one: Evidence, cause: str) -> Evidence | None:
    """The kernel's word that a SIGKILL was for memory. It names the host's pid, the recorder its own namespace's."""
    if cause not in ("signal", "unknown") or one.number("signal") != SIGKILL:
        return None
    near = [line for line in seen(view, "oom-kill") if line.host == one.host and abs(line.at - one.at) <= BEFORE]
    return next((line for line in near if line.pid == one.pid or _in_its_group(line, one)), None)


def _in_its_group(line: Evidence, one: Evidence) -> bool:
    return (
        one.number("kills_added") is None and not host_wide(line) and same_group(line.text("cgroup"), one.text("group"))
    )


def _is_fruitless(one: Evidence, cause: str, fresh: float | None) -> bool:
    if cause == "up-timeout" or one.data.get("never_ready") is True:
        return True
    done = one.number("ended") or 0
    if cause == "recycled":
        return done <= 1 and _was_born_too_large(one, fresh)
    started, code = one.number("started"), one.number("exit_code")
    if done or one.text("task_id") is not None or started is None or one.at - started > YOUNG:
        return False
    return code is not None and code not in CODES_OF_RECYCLING


def _was_born_too_large(one: Evidence, fresh: float | None) -> bool:
    """True when it was replaced for the memory that a child has before its first task (`fresh`, None unknown): one
    that grew too large by its task was replaced for good reason."""
    limit = one.number("max_memory")
    return limit is not None and one.number("max_tasks") != 1 and fresh is not None and fresh > limit


def _same(heard: ChildDeath, death: ChildDeath) -> bool:
    """One death seen twice: by its task, else its pid where both are of one namespace, else about the same time."""
    if heard.task_id is not None and death.task_id is not None:
        return heard.task_id == death.task_id
    if heard.pid is not None and heard.pid == death.pid:
        return True
    within = CHILD_TOLD if heard.task_id is not None else BEFORE
    return abs(heard.at - death.at) <= within and heard.status in ("", death.status)


def _ids(deaths: Iterable[ChildDeath], fate: str) -> tuple[str, ...]:
    found = (death.task_id for death in deaths if death.fate == fate)
    return tuple(dict.fromkeys(one for one in found if one is not None))
