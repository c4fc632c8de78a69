"""Waiting that a stop request cuts short."""

from __future__ import annotations

import threading
from collections.abc import Callable

from celeriac.clock import Clock
from celeriac.errors import DrillFailedError

EVERY = 0.05
"""Seconds between two looks at what is waited for."""


class Interrupted(Exception):  # noqa: N818 - no error: the person asked for it
    """Somebody asked the drill to stop."""


class Patience:
    """Waits for the drill: each ends at its deadline, and at once when `stop` is set."""

    def __init__(self, clock: Clock, stop: threading.Event) -> None:
        self._clock = clock
        self._stop = stop

    def now(self) -> float:
        """Unix seconds."""
        return self._clock.now()

    def rest(self, seconds: float) -> None:
        """Wait `seconds`. Raises Interrupted."""
        if self._clock.wait(self._stop, seconds):
            raise Interrupted

    def until(self, done: Callable[[], bool], within: float, what: str) -> None:
        """Wait until `done`. Raises Interrupted, and DrillFailedError saying `what` did not come `within` seconds."""
        deadline = self.now() + within
        while not done():
            if self.now() >= deadline:
                raise DrillFailedError(f"{what} within {within:g} s")
            self.rest(EVERY)
