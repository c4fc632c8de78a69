"""Time that moves when told to."""

from __future__ import annotations

import threading


class FakeClock:
    """A Clock that stands still: `advance` moves it, and so does a `wait`, which returns at once."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self._at = at

    def now(self) -> float:
        """The time it stands at, Unix seconds."""
        return self._at

    def advance(self, seconds: float) -> None:
        """Move by `seconds`; negative moves back, as a stepped clock does."""
        self._at += seconds

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Let `seconds` pass, unless `stop` is set already."""
        if not stop.is_set():
            self.advance(max(0.0, seconds))
        return stop.is_set()
