"""What an evidence source promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot


@dataclass(frozen=True, slots=True)
class Look:
    """What one look gave: facts, and what could not be seen and why."""

    evidence: tuple[Evidence, ...] = ()
    blind_spots: tuple[BlindSpot, ...] = ()


@runtime_checkable
class Source(Protocol):
    """One kind of host evidence."""

    name: str
    """process | cgroup | kernel | docker | log, or a plugin's own."""

    def look(self, at: float) -> Look:
        """All levels as they are, and the edges since the last look. Bounded in time (2 s) and size; read-only.

        What cannot be seen is a blind spot in the look, not an error; raises EvidenceError only when the look as a
        whole failed.
        """
        ...

    def close(self) -> None:
        """Release what the source holds."""
        ...
