"""What a look at a worker's processes says, as evidence."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from celeriac.evidence.mains import Glance, Main
from celeriac.host.processes import TICKS, Process
from celeriac.model.event import fingerprint
from celeriac.model.evidence import Evidence

_STATES = {
    "R": "runs",
    "S": "sleeps",
    "D": "waits for a device",
    "T": "is stopped (SIGSTOP)",
    "t": "is held by a debugger",
}


def level(host: str, main: Main, seen: Glance) -> Evidence:
    """The main as it is."""
    state = _STATES.get(seen.process.state, f"is in state {seen.process.state}")
    where = f" in {seen.wchan}" if seen.wchan and seen.process.state in "SD" else ""
    return Evidence(
        id=_life("process", host, main.process),
        at=seen.at,
        source="process",
        what="process",
        host=host,
        fact=f"the main process of {main.nodes[0]} (pid {main.pid}) {state}{where}",
        how=f"ps -o pid,ppid,stat,wchan:24,rss,args -p {main.pid}",
        pid=main.pid,
        nodes=main.nodes,
        container=main.container,
        data=_data(main, seen),
    )


def gone(host: str, main: Main, before: Glance, at: float, killed_by: int | None) -> Evidence:
    """The end of a main: `before` is its last look, `at` the first that missed it."""
    return Evidence(
        id=_life("process-gone", host, main.process),
        at=at,
        source="process",
        what="process-gone",
        host=host,
        fact=f"the main process of {main.nodes[0]} (pid {main.pid}) is gone{_by(killed_by)}",
        how=f"ps -p {main.pid}",
        pid=main.pid,
        nodes=main.nodes,
        container=main.container,
        data={**_data(main, before), "between": (before.at, at), "signal": killed_by},
    )


def child_gone(host: str, main: Main, child: Process, between: tuple[float, float], killed_by: int | None) -> Evidence:
    """The end of a pool process whose main lives; `child` is its last look, which may have found it dead already: its
    memory was never seen then."""
    return Evidence(
        id=_life("child-gone", host, child),
        at=between[1],
        source="process",
        what="child-gone",
        host=host,
        fact=f"pool process {child.pid} of {main.nodes[0]} is gone{_by(killed_by)}, its main process {main.pid} lives",
        how=f"ps --ppid {main.pid}",
        pid=child.pid,
        nodes=main.nodes,
        container=main.container,
        data={
            "parent": main.pid,
            "started": main.started + (child.start_ticks - main.process.start_ticks) / TICKS,
            "rss": None if child.ended else child.rss,
            "between": between,
            "signal": killed_by,
        },
    )


def _data(main: Main, seen: Glance) -> Mapping[str, object]:
    return {
        "state": seen.process.state,
        "wchan": seen.wchan,
        "parent": seen.process.parent,
        "started": main.started,
        "namespace_pid": main.namespace_pid,
        "cgroup": main.group.path if main.group else None,
        "container": main.container,
        "command": main.command,
        "children": None if seen.children is None else tuple(sorted(seen.children)),
        "rss": seen.process.rss,
        "pool": main.pool,
        "stops": "terminated" if seen.terminating else None,
        "stdout": main.stdout,
        "peers": None if seen.peers is None else tuple(sorted(seen.peers)),
    }


def _life(what: str, host: str, process: Process) -> str:
    """An id for one life: the kernel's start ticks, exact where Unix seconds shift with the clock."""
    return fingerprint(what, host, process.pid, process.start_ticks)


def _by(killed_by: int | None) -> str:
    return "" if killed_by is None else f", killed by {_signal_name(killed_by)}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
