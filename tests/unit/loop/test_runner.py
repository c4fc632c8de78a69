"""A loop is a step and a wait: errors back off, one loop's fault leaves the others alone, stop stops."""

from __future__ import annotations

import threading
from random import Random

from celeriac.clock import SystemClock
from celeriac.errors import BrokerUnavailableError
from celeriac.loop import LoopRunner, backoff
from lab.wait import wait_until


class Counting:
    interval = 0.01

    def __init__(self, name: str, fail_first: int = 0, error: Exception | None = None) -> None:
        self.name = name
        self.steps = 0
        self.closed = threading.Event()
        self._fail_first = fail_first
        self._error = error or BrokerUnavailableError("nobody listens", hint="Start it")

    def step(self, now: float) -> bool:
        self.steps += 1
        if self.steps <= self._fail_first:
            raise self._error
        return False

    def close(self) -> None:
        self.closed.set()


def runner(*loops: Counting) -> LoopRunner:
    return LoopRunner(loops, SystemClock(), Random(1))


def test_a_loop_recovers_from_a_retryable_error_by_itself() -> None:
    loop = Counting("a", fail_first=2)
    run = runner(loop)
    run.start()
    try:
        wait_until(lambda: loop.steps > 4, 10)
        (health,) = run.health()
        assert (health.failures, health.error) == (0, None)
    finally:
        assert run.stop()
    assert loop.closed.is_set()


def test_a_loop_that_breaks_is_unhealthy_while_the_others_go_on() -> None:
    broken, well = Counting("broken", fail_first=10**6, error=ValueError("a bug")), Counting("well")
    run = runner(broken, well)
    run.start()
    try:
        wait_until(lambda: well.steps > 20, 10)
        states = {health.name: health for health in run.health()}
        assert states["broken"].error == "ValueError: a bug"
        assert states["well"].error is None
    finally:
        assert run.stop()


def test_backoff_grows_and_never_passes_its_cap() -> None:
    random = Random(7)
    waits = [backoff(failures, random) for failures in range(1, 40)]
    assert max(waits) <= 10.0
    assert min(waits) >= 0.1
    assert sum(waits[:3]) < sum(waits[-3:])
