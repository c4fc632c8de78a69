"""What a look says that was not said before."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TypeVar

from celeriac.model.evidence import LEVELS, Evidence

ALIVE_EVERY = 2.0
"""Seconds after which an unchanged process is told again: one that is not seen for longer is taken for gone."""
AGAIN_EVERY = 15.0
"""The same for any other level: a server that was away, or begins anew, has them by then."""
EDGES_LIMIT = 10_000
LEVELS_LIMIT = 5_000

T = TypeVar("T")


class News:
    """Remembers what was told: a level is news when it changed or was not told for long, an edge once."""

    def __init__(self) -> None:
        self._levels: OrderedDict[str, Evidence] = OrderedDict()
        self._edges: OrderedDict[str, None] = OrderedDict()

    def of(self, evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
        """Those of `evidence` that are news, in their order."""
        return tuple(one for one in evidence if (self._level(one) if one.what in LEVELS else self._edge(one)))

    def _level(self, now: Evidence) -> bool:
        before = self._levels.get(now.id)
        if before is not None and replace(before, at=now.at) == now and 0 <= now.at - before.at < _every(now):
            return False
        _keep(self._levels, now.id, now, LEVELS_LIMIT)
        return True

    def _edge(self, now: Evidence) -> bool:
        known = now.id in self._edges
        _keep(self._edges, now.id, None, EDGES_LIMIT)
        return not known


def _every(level: Evidence) -> float:
    return ALIVE_EVERY if level.what == "process" else AGAIN_EVERY


def _keep(memory: OrderedDict[str, T], key: str, value: T, limit: int) -> None:
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > limit:
        memory.popitem(last=False)
