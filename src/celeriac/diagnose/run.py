"""`celeriac diagnose`: look, judge, say. Needs no server, no store, no change to the user's code."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from celeriac.brokers import Broker
from celeriac.brokers.open import open_broker
from celeriac.clock import Clock, SystemClock
from celeriac.collector import collect
from celeriac.detectors import with_plugins
from celeriac.diagnose.containers import recall
from celeriac.diagnose.history import adopt
from celeriac.errors import BrokerError, BrokerUnavailableError
from celeriac.evidence.logs import LogSource
from celeriac.evidence.open import host_sources
from celeriac.incidents import diagnose
from celeriac.loop import Loop, LoopRunner
from celeriac.model.diagnosis import Diagnosis
from celeriac.plugins import load
from celeriac.results.open import started_results
from celeriac.settings import Settings
from celeriac.store import Batch, Store

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What to look at, and how long. `seconds` 0 is a single look."""

    seconds: float = 7.0
    only: str | None = None
    logs: tuple[Path, ...] = ()
    docker: bool | None = None
    kube: bool | None = None
    history: str | None = None
    result_backend: str | None = None

    @property
    def knows_before(self) -> bool:
        """True when something else than this look tells what happened before it."""
        return bool(self.logs or self.history or self.result_backend)


def run(settings: Settings, options: Options, progress: Progress = lambda _: None) -> Diagnosis:
    """One diagnosis. Raises ConfigError, or BrokerError when what answers is no broker; a broker that cannot be
    reached is a finding, not an error."""
    clock = SystemClock()
    broker = open_broker(settings.broker)
    store = Store.open("sqlite://")
    try:
        began = clock.now()
        _probe(broker, began)
        _remember(store, options, began)
        plugins = load("celeriac.sources")
        sources = host_sources(settings.evidence, docker=options.docker, kube=options.kube, plugins=plugins)
        _look(collect(broker, store, sources, settings), clock, options.seconds, progress)
        now = clock.now()
        view = store.view(now, observed=now - began, history=options.knows_before, one_shot=True)
        if recall(store, sources, view, began):
            view = store.view(now, observed=now - began, history=options.knows_before, one_shot=True)
        return diagnose(view, with_plugins(load("celeriac.detectors")), only=options.only)
    finally:
        broker.close()
        store.close()


def _probe(broker: Broker, now: float) -> None:
    """Tell a broker that is away (a finding) from something that is no broker (an error), before looking for long."""
    try:
        broker.look(now)
    except BrokerUnavailableError:
        return


def _remember(store: Store, options: Options, now: float) -> None:
    """Record what is known from before this look."""
    if options.history:
        past = Store.existing(options.history)
        try:
            adopt(store, past, now)
        finally:
            past.close()
    if options.logs:
        source = LogSource(options.logs)
        look = source.look(now)
        unseen = {source.name: look.blind_spots}
        store.record(Batch(now, events=source.events(now), evidence=look.evidence, blind_spots=unseen))
    if options.result_backend:
        store.record(Batch(now, events=started_results(options.result_backend, now)))


def _look(loops: Iterable[Loop], clock: Clock, seconds: float, progress: Progress) -> None:
    """Run the collector for `seconds`, or one step of each loop."""
    if seconds <= 0:
        _once(loops, clock)
        return
    runner = LoopRunner(tuple(loops), clock, Random())
    runner.start()
    began, pause = clock.now(), threading.Event()
    try:
        while (gone := clock.now() - began) < seconds:
            progress(gone / seconds)
            clock.wait(pause, min(0.25, seconds - gone))
    finally:
        runner.stop()


def _once(loops: Iterable[Loop], clock: Clock) -> None:
    taken = tuple(loops)
    try:
        for loop in taken:
            with suppress(BrokerError):  # recorded by the loop as the source's failure
                loop.step(clock.now())
    finally:
        for loop in taken:
            loop.close()
