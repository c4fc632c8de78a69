"""What was seen and not yet shipped: edges in their order, levels by their newest look, and how far was read."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from celeriac.agent.news import News
from celeriac.evidence import Look
from celeriac.evidence.watch import saw
from celeriac.model.evidence import LEVELS, Evidence
from celeriac.model.finding import BlindSpot
from celeriac.model.parcel import fact
from celeriac.worker.buffer import Buffer, Load

BATCH_ITEMS, BATCH_BYTES = 500, 256 * 1024
MOST_ITEMS, MOST_BYTES = 20_000, 16 << 20
NOTHING_READ: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Shipment:
    """What goes in one parcel. `reads` are, by source, when its newest successful look began: all that those looks saw
    is in this parcel or in one before it."""

    load: Load
    reads: Mapping[str, float] = field(default_factory=lambda: NOTHING_READ)
    blind_spots: tuple[BlindSpot, ...] = ()


class Backlog:
    """Filled by the gathering loops, emptied by the shipping one. Bounded: while the broker is away edges are kept, too
    many of them dropped oldest first and counted, and of a level only its newest look."""

    def __init__(self, items: int = MOST_ITEMS, bytes_: int = MOST_BYTES) -> None:
        self._lock = threading.Lock()
        self._news = News()
        self._buffer = Buffer(items, bytes_)
        self._levels: dict[str, Evidence] = {}
        self._reads: dict[str, float] = {}
        self._unseen: dict[str, tuple[BlindSpot, ...]] = {}

    def add(self, source: str, look: Look, began: float) -> None:
        """Take in one look at `source` that began at `began` (Unix seconds)."""
        with self._lock:
            for one in self._news.of(look.evidence):
                if one.what in LEVELS:
                    self._levels[one.id] = one
                else:
                    self._buffer.add(fact(one))
            self._unseen[source] = look.blind_spots
            if saw(look):
                self._reads[source] = began

    def take(self) -> Shipment:
        """The next parcel's content; only its reads, when nothing else is new."""
        with self._lock:
            for one in self._levels.values():
                self._buffer.add(fact(one))
            self._levels.clear()
            load = self._buffer.take(BATCH_ITEMS, BATCH_BYTES)
            load = load or Load(self._buffer.last + 1, (), self._buffer.dropped)
            if len(self._buffer):
                return Shipment(load)  # a read is told with the last of what it saw
            return Shipment(load, dict(self._reads), tuple(spot for seen in self._unseen.values() for spot in seen))

    def lose(self, load: Load) -> None:
        """Count what can never be shipped."""
        self._buffer.lose(len(load.items))

    @property
    def waits(self) -> bool:
        """True while something new is to be told."""
        return bool(self._levels) or len(self._buffer) > 0

    @property
    def dropped(self) -> int:
        """How many items were discarded because the broker was away for too long."""
        return self._buffer.dropped
