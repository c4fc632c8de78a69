"""When a source is looked at: steadily, and at once when something ended."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

from celeriac.errors import EvidenceError
from celeriac.evidence import Look
from celeriac.evidence.ends import FOLLOWED_LIMIT, Ends
from celeriac.evidence.watch import EARLIEST, PATIENCE, Watch, saw


class Steady:
    """A source that cannot tell early."""

    name = "steady"

    def look(self, at: float) -> Look:
        raise EvidenceError("it is dark")

    def close(self) -> None: ...


class Alert(Steady):
    """One that can: `ended` is what its next pause says."""

    name = "alert"
    ended = False
    paused: float | None = None

    def look(self, at: float) -> Look:
        return Look()

    def pause(self, seconds: float) -> bool:
        self.paused = seconds
        return self.ended


def test_a_source_that_cannot_tell_early_is_looked_at_in_every_step_of_its_loop() -> None:
    watch = Watch(Steady(), 0.5)
    assert (watch.interval, watch.due(1.0), watch.due(1.0)) == (0.5, True, True)


def test_a_failure_as_a_whole_is_a_blind_spot() -> None:
    look = Watch(Steady(), 0.5).look(1.0)
    assert [spot.why for spot in look.blind_spots] == ["it is dark"]
    assert not saw(look)


def test_a_source_that_can_is_waited_for_in_short_pauses() -> None:
    source = Alert()
    watch = Watch(source, 5.0)
    assert (watch.interval, watch.due(1.0)) == (0.0, True)
    watch.look(1.0)
    assert (watch.due(1.0), source.paused) == (False, PATIENCE)
    assert watch.due(6.0)


def test_an_end_brings_the_next_look_forward_and_ends_in_a_row_do_not_crowd_it() -> None:
    source = Alert()
    watch = Watch(source, 5.0)
    watch.look(1.0)
    source.ended = True
    assert not watch.due(1.01)
    source.ended = False
    assert not watch.due(1.0 + EARLIEST / 2)
    assert watch.due(1.0 + EARLIEST)


def test_a_clock_that_was_set_back_does_not_stop_the_looks() -> None:
    watch = Watch(Alert(), 0.5)
    watch.look(1000.0)
    assert watch.due(10.0)


def test_an_end_wakes_whoever_waits_and_is_told_once() -> None:
    ends = Ends()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        ends.follow([process.pid])
        assert not ends.wait(0.01)
        threading.Timer(0.2, process.kill).start()
        began = time.monotonic()
        assert ends.wait(20)
        assert time.monotonic() - began < 10
        assert not ends.wait(0.01)
        process.communicate()
    ends.close()


def test_nobody_to_follow_is_a_plain_wait() -> None:
    ends = Ends()
    ends.follow([2**22 + 1])
    assert not ends.wait(0.02)
    ends.close()


def test_what_it_follows_is_bounded_and_let_go() -> None:
    ends = Ends()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        ends.follow([process.pid])
        ends.follow([])
        process.kill()
        assert not ends.wait(0.05)
        process.communicate()
    assert FOLLOWED_LIMIT < 1024
