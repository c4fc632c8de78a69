"""When to look at a source: steadily, and at once when it says that something ended."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from celeriac.errors import EvidenceError
from celeriac.evidence.base import Look, Source
from celeriac.model.finding import BlindSpot

PATIENCE = 0.25
"""Seconds that one wait in a source may take: a request to stop is heard no later."""
EARLIEST = 0.1
"""Seconds between two looks at least, however fast processes come and go."""


@runtime_checkable
class Alert(Protocol):
    """A source that knows at once when what it looks at ended."""

    def pause(self, seconds: float) -> bool:
        """Wait at most `seconds`; true when something ended meanwhile."""
        ...


class Watch:
    """One source and its pace. `interval` is what a loop waits between two steps: nothing, where the source waits."""

    def __init__(self, source: Source, every: float) -> None:
        self.name = source.name
        self.interval = 0.0 if isinstance(source, Alert) else every
        self._source = source
        self._every = every
        self._looked = float("-inf")
        self._next = float("-inf")

    def due(self, now: float) -> bool:
        """True when it is time for a look; else waits in the source for a moment, where it can."""
        if not isinstance(self._source, Alert) or not 0 < self._next - now <= self._every:
            return True
        if self._source.pause(min(PATIENCE, self._next - now)):
            self._next = self._looked + EARLIEST
        return False

    def look(self, now: float) -> Look:
        """One look. A failure as a whole is a blind spot: it must be an outage of nobody."""
        self._looked, self._next = now, now + self._every
        try:
            return self._source.look(now)
        except EvidenceError as error:
            return Look(blind_spots=(BlindSpot(self.name, str(error), "evidence from this source"),))

    def close(self) -> None:
        """Release the source."""
        self._source.close()


def saw(look: Look) -> bool:
    """True when the source could be read: one that saw nothing for lack of access was not."""
    return bool(look.evidence) or not look.blind_spots
