"""The evidence loop: one host source, looked at steadily."""

from __future__ import annotations

from celeriac.collector.marking import read
from celeriac.errors import StoreUnavailableError
from celeriac.evidence import Source
from celeriac.evidence.watch import Watch, saw
from celeriac.model.finding import BlindSpot
from celeriac.store import Batch, Store


class EvidenceLoop:
    """One source's facts into the store. A source that cannot be read is a blind spot, never an outage of ours."""

    def __init__(self, source: Source, store: Store, interval: float) -> None:
        self._watch = Watch(source, interval)
        self.name = f"evidence-{source.name}"
        self.interval = self._watch.interval
        self._store = store
        self._unseen: tuple[BlindSpot, ...] | None = None
        self._unsaved: Batch | None = None

    def step(self, now: float) -> bool:
        """One look, when it is time. What could not be recorded is kept and goes first: an end is seen only once."""
        if self._unsaved is None and not self._watch.due(now):
            return False
        batch = self._unsaved = self._unsaved or self._seen(now)
        try:
            self._store.record(batch)
        except StoreUnavailableError:
            raise
        except Exception:
            self._unsaved = None  # a look that can never be recorded must not block the next
            raise
        self._unsaved = None
        self._unseen = batch.blind_spots.get(self._watch.name, self._unseen)
        return False

    def _seen(self, now: float) -> Batch:
        """One look. A source that saw nothing for lack of access is not marked as read."""
        look = self._watch.look(now)
        blind = {} if look.blind_spots == self._unseen else {self._watch.name: look.blind_spots}
        marks = (read(self._watch.name, now),) if saw(look) else ()
        return Batch(now, evidence=look.evidence, marks=marks, blind_spots=blind)

    def close(self) -> None:
        """Release the source."""
        self._watch.close()
