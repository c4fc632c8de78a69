"""The black boxes that this system's killed recorders left on this host, whichever user's."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from time import monotonic

from celeriac.evidence import Look
from celeriac.worker.salvage import gone
from celeriac.worker.wrecks import Told, Wreck, wrecks

_HOME = re.compile(r"celeriac-(\d{1,10})")
_HOMES_LIMIT = 64


class BoxSource:
    """Edges `process-gone` (source worker): who ended without a word, and after which item. Each box is found once.

    `system` says which record is ours: another's boxes are left to its own recorders and agents.
    """

    name = "black box"

    def __init__(self, host: str, system: str, directory: Path | None = None) -> None:
        self._host = host
        self._system = system
        self._directory = directory or Path(tempfile.gettempdir())
        self._random = Random()
        self._told: dict[Path, Told] = {}

    def look(self, at: float) -> Look:
        """The boxes of recorders that died since; only a user's own directory of that user's name is trusted."""
        found = (self._found(home, user, monotonic()) for home, user in islice(self._homes(), _HOMES_LIMIT))
        return Look(tuple(gone(self._host, wreck, at) for home in found for wreck in home))

    def _found(self, home: Path, user: int, ticks: float) -> tuple[Wreck, ...]:
        return wrecks(home, self._system, user, self._random, self._told.setdefault(home, {}), ticks)

    def close(self) -> None:
        """Nothing is held."""

    def _homes(self) -> Iterator[tuple[Path, int]]:
        for path in self._directory.glob("celeriac-*"):
            if match := _HOME.fullmatch(path.name):
                yield path, int(match[1])
