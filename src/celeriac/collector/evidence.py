"""The evidence loop: one host source, looked at steadily."""

from __future__ import annotations

from celeriac.collector.marking import read
from celeriac.errors import EvidenceError
from celeriac.evidence import Look, Source
from celeriac.model.finding import BlindSpot
from celeriac.store import Batch, Store


class EvidenceLoop:
    """One source's facts into the store. A source that cannot be read is a blind spot, never an outage of ours."""

    def __init__(self, source: Source, store: Store, interval: float) -> None:
        self.name = f"evidence-{source.name}"
        self.interval = interval
        self._source = source
        self._store = store
        self._unseen: tuple[BlindSpot, ...] | None = None

    def step(self, now: float) -> bool:
        """One look. A source that saw nothing for lack of access is not marked as read."""
        look = self._look(now)
        blind = {} if look.blind_spots == self._unseen else {self._source.name: look.blind_spots}
        saw = bool(look.evidence) or not look.blind_spots
        marks = (read(self._source.name, now),) if saw else ()
        self._store.record(Batch(now, evidence=look.evidence, marks=marks, blind_spots=blind))
        self._unseen = look.blind_spots
        return False

    def close(self) -> None:
        """Release the source."""
        self._source.close()

    def _look(self, now: float) -> Look:
        try:
            return self._source.look(now)
        except EvidenceError as error:
            return Look(blind_spots=(BlindSpot(self._source.name, str(error), "evidence from this source"),))
