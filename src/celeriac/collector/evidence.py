"""The evidence loop: one host source, looked at steadily."""

from __future__ import annotations

from celeriac.collector.blindness import Blindness
from celeriac.collector.marking import failed, read
from celeriac.errors import EvidenceError
from celeriac.evidence import Source
from celeriac.model.finding import BlindSpot
from celeriac.store import Batch, Store


class EvidenceLoop:
    """One source's facts into the store. A source that cannot be read is a blind spot, never an outage of ours."""

    def __init__(self, source: Source, store: Store, blindness: Blindness, interval: float) -> None:
        self.name = f"evidence-{source.name}"
        self.interval = interval
        self._source = source
        self._store = store
        self._blindness = blindness

    def step(self, now: float) -> bool:
        """One look."""
        try:
            look = self._source.look(now)
        except EvidenceError as error:
            unseen = BlindSpot(self._source.name, error.message, "evidence from this source")
            spots = self._blindness.note(self._source.name, (unseen,))
            self._store.record(Batch(now, marks=(failed(self._source.name, now, error),), blind_spots=spots))
            return False
        spots = self._blindness.note(self._source.name, look.blind_spots)
        saw = bool(look.evidence) or not look.blind_spots
        marks = (read(self._source.name, now),) if saw else ()
        self._store.record(Batch(now, evidence=look.evidence, marks=marks, blind_spots=spots))
        return False

    def close(self) -> None:
        """Release the source."""
        self._source.close()
