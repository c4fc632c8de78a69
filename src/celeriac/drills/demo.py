"""`celeriac demo`: the product in two minutes, on real processes, with nothing left behind."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console

from celeriac.clock import Clock, SystemClock
from celeriac.drills.exports import Exports
from celeriac.drills.narrator import Narrator, Render
from celeriac.drills.play import Play
from celeriac.drills.stage import Interrupted, Patience, Stage, free_port, taken
from celeriac.drills.timetable import timetable
from celeriac.errors import ConfigError

INTERRUPTED = 130
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """`port` is the dashboard's, None for any free one; `seconds` how long to stay up once everything is."""

    port: int | None = None
    seconds: float = 120.0
    faults: bool = True


def run(options: DemoOptions, out: Console, render: Render, clock: Clock | None = None) -> int:
    """Perform the demo on `out`; the exit code: 0, 1 when an incident did not open and resolve, 130 when interrupted.

    `render` turns an incident of the API into what a person reads. Call it from the main thread: it takes the
    process's stop signals for as long as it runs. Raises ConfigError and DrillFailedError.
    """
    cues = timetable(options.seconds, faults=options.faults)
    port = _port(options)
    stop = threading.Event()
    patience = Patience(clock or SystemClock(), stop)
    narrator = Narrator(out, render, patience.now)
    try:
        with _stopped_by_signals(stop), Stage() as stage, narrator:
            exports = Exports(stage, patience, port)
            exports.open(narrator.say)
            narrator.begin()
            story = Play(exports, narrator, patience, cues).perform()
    except Interrupted:
        out.print("Stopped. Nothing is left behind.")
        return INTERRUPTED
    return 0 if story.complete or not options.faults else 1


def _port(options: DemoOptions) -> int:
    if options.port is None:
        return free_port()
    if taken(options.port):
        raise ConfigError(
            f"port {options.port} is in use", hint="Give another with --port, or leave it out for a free one"
        )
    return options.port


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """While inside, a stop signal only sets `stop`: it cuts short what waits, and never the cleaning up."""
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
