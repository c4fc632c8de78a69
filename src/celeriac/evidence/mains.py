"""A worker's main process on this host: what is read of it once, and what at every look."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from celeriac.errors import EvidenceError
from celeriac.evidence.commands import WorkerCommand, typed, worker_command
from celeriac.host import processes
from celeriac.host.cgroups import MemoryGroup, Mount, read_group
from celeriac.host.processes import Process

_CHILDREN_LIMIT = 256
_COMMAND_LIMIT = 300
_CONTAINER = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


@dataclass(frozen=True, slots=True)
class Main:
    """What stays for a life. `process` is its first look, `started` Unix seconds; `group` None where none is seen.

    `closed` says why its environment, and with it a hostname of its own, could not be read.
    """

    process: Process
    started: float
    command: str
    pool: str
    nodes: tuple[str, ...]
    namespace_pid: int
    group: MemoryGroup | None
    stdout: str | None
    closed: str | None = None

    @property
    def pid(self) -> int:
        """The host's pid."""
        return self.process.pid

    @property
    def container(self) -> str | None:
        """The short id of the container it runs in, by its control group's name; None outside one."""
        match = _CONTAINER.search(self.group.path) if self.group else None
        return match[0][:12] if match else None


@dataclass(frozen=True, slots=True)
class Glance:
    """What changes. `children` are the pool processes that run, `dead` those that wait to be reaped; both are None
    where the kernel does not list them. `peers` (see host/sockets.py) is None where they cannot be seen or have not
    been looked at yet."""

    at: float
    process: Process
    wchan: str | None
    terminating: bool
    children: Mapping[int, Process] | None
    dead: Mapping[int, Process] | None
    peers: frozenset[str] | None = None


def find_mains(hostname: str, mounts: Sequence[Mount], at: float, known: frozenset[int]) -> Iterator[Main]:
    """Worker mains among the processes that are not in `known`: those that run a worker and whose parent does not."""
    since_boot = processes.since_boot()
    for pid in processes.pids():
        if pid in known:
            continue
        command = processes.read_command(pid)
        worker = worker_command(command)
        process = processes.read_process(pid) if worker and worker.main else None
        if worker is None or process is None or process.ended or _is_worker(process.parent):
            continue
        yield _meet(process, worker, command, process.started(at, since_boot), hostname, mounts)


def glance(main: Main, at: float) -> Glance | None:
    """The main now; None when its life is over."""
    process = processes.read_process(main.pid)
    status = processes.read_status(main.pid)
    if process is None or status is None or process.ended or not process.same_life(main.process):
        return None
    pool = _pool(process)
    children = None if pool is None else {child.pid: child for child in pool if not child.ended}
    dead = None if pool is None else {child.pid: child for child in pool if child.ended}
    return Glance(at, process, processes.read_wchan(main.pid), status.terminating, children, dead)


def _is_worker(pid: int) -> bool:
    return worker_command(processes.read_command(pid)) is not None


def _meet(
    process: Process,
    worker: WorkerCommand,
    command: Sequence[str],
    started: float,
    hostname: str,
    mounts: Sequence[Mount],
) -> Main:
    status = processes.read_status(process.pid)
    inside, closed = _hostname_inside(process.pid)
    return Main(
        process=process,
        started=started,
        command=typed(command)[:_COMMAND_LIMIT],
        pool=worker.pool,
        nodes=worker.nodes((hostname, *([inside] if inside else []))),
        namespace_pid=status.namespace_pid if status else process.pid,
        group=read_group(process.pid, mounts),
        stdout=processes.read_stdout(process.pid),
        closed=closed,
    )


def _hostname_inside(pid: int) -> tuple[str | None, str | None]:
    """The hostname its environment carries (Docker sets it to the container's), or why that cannot be seen."""
    try:
        return processes.read_environment(pid).get("HOSTNAME"), None
    except EvidenceError as error:
        return None, str(error)


def _pool(main: Process) -> tuple[Process, ...] | None:
    """Its pool processes; Celery leaves dead ones unreaped for up to 5 s (celery/concurrency/asynpool.py).

    What a task started, a compiler say, comes and goes as it likes.
    """
    pids = processes.read_children(main.pid)
    if pids is None:
        return None
    found = (processes.read_process(pid) for pid in pids[:_CHILDREN_LIMIT])
    return tuple(child for child in found if child and _of_pool(child, main))


def _of_pool(child: Process, main: Process) -> bool:
    """Forked children carry the main's name or setproctitle's, spawned ones the interpreter's."""
    return child.name == main.name or child.name.startswith(("python", "celery", "[celeryd"))
