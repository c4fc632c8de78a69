"""Run loops, each in its own thread, until told to stop."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol

from celeriac.clock import Clock
from celeriac.errors import CeleriacError
from celeriac.loop.backoff import backoff
from celeriac.telemetry import LoopFailed, LoopRecovered, LoopStarted, emit


class Loop(Protocol):
    """A bounded step, taken again and again."""

    name: str
    interval: float

    def step(self, now: float) -> bool:
        """Do one bounded piece of work; true when more waits and no pause is wanted."""
        ...

    def close(self) -> None:
        """Release what the loop holds; called once, in the loop's own thread."""
        ...


@dataclass(frozen=True, slots=True)
class LoopHealth:
    """How one loop is doing. `last_ok` is Unix seconds of the last step that worked."""

    name: str
    running: bool
    failures: int = 0
    last_ok: float | None = None
    error: str | None = None


class LoopRunner:
    """Threads for loops: retryable errors back off, any other marks the loop unhealthy and slows it to the cap."""

    def __init__(self, loops: Sequence[Loop], clock: Clock, random: Random) -> None:
        self._loops = tuple(loops)
        self._clock = clock
        self._random = random
        self._stop = threading.Event()
        self._health = {loop.name: LoopHealth(loop.name, running=False) for loop in loops}
        self._threads = [
            threading.Thread(target=self._run, args=(loop,), name=f"celeriac-{loop.name}", daemon=True)
            for loop in loops
        ]

    def start(self) -> None:
        """Start every loop."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 10.0) -> bool:
        """Ask every loop to stop and wait; true when all did within `timeout` seconds."""
        self._stop.set()
        deadline = self._clock.now() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._clock.now()))
        return not any(thread.is_alive() for thread in self._threads)

    def health(self) -> tuple[LoopHealth, ...]:
        """One row per loop, in the order given."""
        return tuple(self._health[loop.name] for loop in self._loops)

    def _run(self, loop: Loop) -> None:
        emit(LoopStarted(loop.name))
        self._note(loop, running=True)
        try:
            while not self._stop.is_set():
                self._clock.wait(self._stop, self._turn(loop))
        finally:
            self._note(loop, running=False)
            loop.close()

    def _turn(self, loop: Loop) -> float:
        """Take one step; seconds to wait before the next."""
        try:
            more = loop.step(self._clock.now())
        except Exception as error:  # the runner is the last line: one loop's fault must not end the others
            return self._failed(loop, error)
        before = self._health[loop.name].failures
        if before:
            emit(LoopRecovered(loop.name, before))
        self._note(loop, failures=0, last_ok=self._clock.now(), error=None)
        return 0.0 if more else loop.interval

    def _failed(self, loop: Loop, error: Exception) -> float:
        failures = self._health[loop.name].failures + 1
        retryable = isinstance(error, CeleriacError) and error.retryable
        wait = backoff(failures if retryable else 10, self._random)
        text = str(error) if isinstance(error, CeleriacError) else f"{type(error).__name__}: {error}"
        if failures == 1 or text != self._health[loop.name].error:
            emit(LoopFailed(loop.name, text, wait))
        self._note(loop, failures=failures, error=text)
        return wait

    def _note(self, loop: Loop, **changes: object) -> None:
        self._health[loop.name] = replace(self._health[loop.name], **changes)  # type: ignore[arg-type]
