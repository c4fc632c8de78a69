"""The memory groups of workers: their limit, and how often the kernel killed in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from celeriac.evidence.base import Look
from celeriac.evidence.group_facts import Watched, added, level, rise
from celeriac.evidence.mains import Main
from celeriac.host.cgroups import MemoryGroup, read_memory
from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot

REMEMBER = 60.0
"""Seconds a group is still read after the last worker in it ended: its counter is the proof."""
GROUPS_LIMIT = 200


class CgroupSource:
    """Levels `cgroup`; edge `oom-count` when a group's kill counter rose while it was watched.

    `mains` gives the worker mains that live now, from any thread.
    """

    name = "cgroup"

    def __init__(self, host: str, mains: Callable[[], tuple[Main, ...]]) -> None:
        self._host = host
        self._mains = mains
        self._watched: dict[str, Watched] = {}

    def look(self, at: float) -> Look:
        """Every group that holds a worker, or held one in the last minute."""
        mains = self._mains()
        self._watch(mains, at)
        found = [fact for path in list(self._watched) for fact in self._compare(path, at)]
        return Look(tuple(found), (*_outside(mains), *_removed(self._watched.values())))

    def close(self) -> None:
        """Nothing is held."""

    def _watch(self, mains: Iterable[Main], at: float) -> None:
        """Note which groups hold workers now, and forget those that have not for long."""
        kept = {path: one for path, one in self._watched.items() if 0 <= at - one.lived <= REMEMBER}
        for group, inside in _by_group(mains).items():
            before = kept.pop(group.path, None)
            kept[group.path] = Watched(
                group=group,
                lived=at,
                nodes=tuple(dict.fromkeys(node for main in inside for node in main.nodes)),
                pid=inside[0].pid if len(inside) == 1 else None,
                container=inside[0].container,
                reading=before.reading if before else None,
            )
        self._watched = dict(list(kept.items())[-GROUPS_LIMIT:])

    def _compare(self, path: str, at: float) -> Iterator[Evidence]:
        """Read one group and say what changed."""
        before = self._watched[path]
        reading = read_memory(before.group)
        now = replace(before, reading=reading or before.reading, removed=reading is None)
        self._watched[path] = now
        if reading is not None and before.reading is not None and added(before.reading, reading) > 0:
            yield rise(self._host, now, reading, before.reading, at)
        if now.reading is not None:
            yield level(self._host, now, now.reading, at)


def _by_group(mains: Iterable[Main]) -> dict[MemoryGroup, list[Main]]:
    found: dict[MemoryGroup, list[Main]] = {}
    for main in mains:
        if main.group is not None:
            found.setdefault(main.group, []).append(main)
    return found


def _outside(mains: Iterable[Main]) -> Iterator[BlindSpot]:
    for main in mains:
        if main.group is None:
            yield BlindSpot(
                f"memory group of {main.nodes[0]} (pid {main.pid})",
                "no memory controller is mounted that shows it",
                "its limit, and whether the kernel killed in it",
            )


def _removed(watched: Iterable[Watched]) -> Iterator[BlindSpot]:
    for one in watched:
        if one.removed:
            yield BlindSpot(
                f"kill counter of {one.group.path}",
                "the group was removed together with its last process",
                "whether the kernel killed in it at the very end",
            )
