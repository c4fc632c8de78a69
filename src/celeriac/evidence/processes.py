"""The process table: the mains of Celery workers on this host and their pool processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from celeriac.errors import EvidenceError
from celeriac.evidence.base import Look
from celeriac.evidence.ends import Ends
from celeriac.evidence.mains import Glance, Main, find_mains, glance
from celeriac.evidence.process_facts import child_gone, gone, level
from celeriac.host.cgroups import read_mounts
from celeriac.host.processes import Process, read_process
from celeriac.host.sockets import read_peers
from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot

SCAN_EVERY = 2.0
"""Seconds between searches of the whole table; mains that are known are looked at every time."""
MAINS_LIMIT = 200


class ProcessSource:
    """Levels `process`; edges `process-gone` and `child-gone`. A zombie is gone: it only waits to be reaped."""

    name = "process"

    def __init__(self, host: str) -> None:
        self._host = host
        self._scanned = float("-inf")
        self._lives: dict[int, tuple[Main, Glance]] = {}
        self._orphans: tuple[Process, ...] = ()
        self._mains: tuple[Main, ...] = ()
        self._ends = Ends()

    def mains(self) -> tuple[Main, ...]:
        """The mains of the newest look; may be called from another thread."""
        return self._mains

    def containers(self) -> frozenset[str]:
        """The short ids of the containers those are in; may be called from another thread."""
        return frozenset(main.container for main in self._mains if main.container)

    def look(self, at: float) -> Look:
        """Every known main as it is and what ended since; every two seconds also a search for new ones."""
        edges = tuple(self._refresh(at))
        if not 0 <= at - self._scanned < SCAN_EVERY:
            self._scan(at)
        self._mains = tuple(main for main, _ in self._lives.values())
        levels = tuple(level(self._host, main, seen) for main, seen in self._lives.values())
        return Look(edges + levels, tuple(self._unseen()))

    def pause(self, seconds: float) -> bool:
        """Wait at most `seconds`; true when a known main or one of its pool processes ended, within milliseconds."""
        children = (pid for _, seen in self._lives.values() for pid in seen.children or ())
        self._ends.follow((*self._lives, *children))
        return self._ends.wait(seconds)

    def close(self) -> None:
        """Let go of the processes it follows."""
        self._ends.close()

    def _refresh(self, at: float) -> Iterator[Evidence]:
        for pid, (main, before) in list(self._lives.items()):
            now = glance(main, at)
            if now is not None:
                now = replace(now, peers=before.peers)
                self._lives[pid] = (main, now)
                yield from self._children(main, before, now)
                continue
            del self._lives[pid]
            self._orphans += tuple((before.children or {}).values())
            yield gone(self._host, main, before, at, _killed_by(main.process))

    def _children(self, main: Main, before: Glance, now: Glance) -> Iterator[Evidence]:
        if before.children is None or now.children is None:
            return
        for pid, child in before.children.items():
            later = now.children.get(pid)
            if later is None or not later.same_life(child):
                yield child_gone(self._host, main, child, (before.at, now.at), _killed_by(child))
        for child in _stillborn(before, now):
            yield child_gone(self._host, main, child, (before.at, now.at), child.signal)

    def _scan(self, at: float) -> None:
        """Look for new mains, and whom each talks to. A pool process that outlives its main looks like a main."""
        self._scanned = at
        self._orphans = tuple(orphan for orphan in self._orphans if _lives(orphan))
        known = frozenset(self._lives).union(orphan.pid for orphan in self._orphans)
        try:
            for main in find_mains(self._host, read_mounts(), at, known):
                seen = glance(main, at)
                if seen is not None and len(self._lives) < MAINS_LIMIT:
                    self._lives[main.pid] = (main, seen)
            for pid, (main, seen) in self._lives.items():
                self._lives[pid] = (main, replace(seen, peers=read_peers(pid) or seen.peers))
        except OSError as error:
            raise EvidenceError(
                f"the process table cannot be read: {error}", hint="Run where /proc is mounted and open to this user"
            ) from error

    def _unseen(self) -> Iterator[BlindSpot]:
        if read_process(1) is None:
            yield BlindSpot(
                "processes of other users",
                "/proc hides them (hidepid)",
                "the state of workers that run as another user: run as root",
            )
        for main, seen in self._lives.values():
            what = f"{main.nodes[0]} (pid {main.pid})"
            if main.closed:
                yield BlindSpot(
                    f"environment of {what}", main.closed, "its node name, when it has a hostname of its own"
                )
            if seen.children is None:
                yield BlindSpot(f"pool of {what}", "the kernel lacks CONFIG_PROC_CHILDREN", "which pool process ended")
        if len(self._lives) >= MAINS_LIMIT:
            yield BlindSpot("more workers", f"{MAINS_LIMIT} are followed per host", "the state of the others")


def _stillborn(before: Glance, now: Glance) -> Iterator[Process]:
    """Pool processes that came and ended between two looks: a task that crashes takes milliseconds to do so."""
    known = {**(before.children or {}), **(before.dead or {})}
    for pid, child in (now.dead or {}).items():
        earlier = known.get(pid)
        if earlier is None or not earlier.same_life(child):
            yield child


def _lives(process: Process) -> bool:
    now = read_process(process.pid)
    return now is not None and now.same_life(process)


def _killed_by(process: Process) -> int | None:
    """The signal that ended it, known only while its parent has not reaped it."""
    now = read_process(process.pid)
    return now.signal if now is not None and now.ended and now.same_life(process) else None
