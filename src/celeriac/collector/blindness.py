"""What cannot be seen now, by source: each loop says its part, the store keeps the whole."""

from __future__ import annotations

import threading

from celeriac.model.finding import BlindSpot


class Blindness:
    """The blind spots of every source, shared by the collector's loops."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_source: dict[str, tuple[BlindSpot, ...]] = {}

    def note(self, source: str, spots: tuple[BlindSpot, ...]) -> tuple[BlindSpot, ...] | None:
        """Replace what `source` cannot see; everything that is not seen when that changed, else None."""
        with self._lock:
            if self._by_source.get(source) == spots:
                return None
            self._by_source[source] = spots
            return tuple(spot for name in sorted(self._by_source) for spot in self._by_source[name])
