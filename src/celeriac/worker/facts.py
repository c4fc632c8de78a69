"""What the flight recorder tells, as evidence."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass

from celeriac.model.event import fingerprint
from celeriac.model.evidence import Evidence
from celeriac.model.parcel import Sender
from celeriac.worker.children import Child
from celeriac.worker.deaths import Death, Status
from celeriac.worker.groups import Group
from celeriac.worker.runs import Run

SOURCE = "worker"
_WORDS = {
    "recycled": "was replaced",
    "shutdown": "was stopped by its parent",
    "oom": "was killed for memory",
    "segfault": "crashed",
    "hard-time-limit": "was killed by its parent for the hard time limit",
    "up-timeout": "was killed by its parent: it was not ready in time",
    "operator": "was terminated by a revoke",
    "signal": "was killed",
    "exit": "ended by itself",
    "unknown": "is gone",
}


@dataclass(frozen=True, slots=True)
class Ending:
    """One end with its cause. `done` is how many tasks it had ended, `usage` what its memory group used shortly before.
    `untold` deaths before it were counted and not told, since they came too fast."""

    child: Child
    death: Death
    cause: str
    at: float
    run: Run | None
    done: int
    usage: int | None
    untold: int = 0


def child_gone(sender: Sender, ending: Ending, limits: Mapping[str, object]) -> Evidence:
    """The end of a pool process. `limits` say after how many tasks or bytes its pool replaces a child."""
    child, group = ending.child, ending.child.group
    return Evidence(
        id=fingerprint("child-gone", "inside", sender.boot, child.pid, child.start_ticks),
        at=ending.at,
        source=SOURCE,
        what="child-gone",
        host=sender.host,
        fact=f"pool process {child.pid} of {sender.node} {_how(ending.cause, ending.death.status)}{_while(ending)}",
        how=f"grep 'pid:{child.pid} exited' WORKER.log",
        pid=child.pid,
        nodes=(sender.node,),
        data={
            "parent": sender.pid,
            "started": child.born,
            "exit_code": ending.death.status.code,
            "signal": ending.death.status.signal,
            "cause": ending.cause,
            "never_ready": ending.death.never_ready,
            "ended": ending.done,
            "untold": ending.untold,
            "kills_added": ending.death.kills_added,
            "rss": child.rss,
            "curve": child.last_minute,
            **_task(ending.run),
            **memory(group),
            "usage": ending.usage,
            **limits,
        },
    )


def _task(run: Run | None) -> Mapping[str, object]:
    if run is None:
        return {"task_id": None, "task_name": None, "task_started": None, "peak": None}
    flown = run.flown()
    peak = None if flown is None else flown.peak
    return {"task_id": run.task_id, "task_name": run.name, "task_started": run.since, "peak": peak}


def memory(group: Group | None) -> Mapping[str, object]:
    """A group as the data of evidence."""
    reading = None if group is None else group.reading
    return {
        "group": None if group is None else group.path,
        "limit": None if reading is None else reading.limit,
        "usage": None if reading is None else reading.current,
        "kills": None if reading is None else reading.kills,
    }


def _how(cause: str, status: Status) -> str:
    if status.signal is not None:
        return f"{_WORDS.get(cause, cause)} ({signal_name(status.signal)})"
    return f"{_WORDS.get(cause, cause)} ({'how is not known' if status.code is None else f'exit code {status.code}'})"


def _while(ending: Ending) -> str:
    if ending.run is not None:
        return f" while it ran {ending.run.name}[{ending.run.task_id}]"
    return ", before it could take work" if ending.death.never_ready else ", idle"


def signal_name(number: int) -> str:
    """`SIGKILL`; `signal 40` for one without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
