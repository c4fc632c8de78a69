"""`celeriac agent`: look at this host, ship what is seen, until told to stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from socket import gethostname
from types import FrameType

from celeriac.agent.backlog import Backlog
from celeriac.agent.boxes import BoxSource
from celeriac.agent.gather import GatherLoop
from celeriac.agent.ship import ShipLoop
from celeriac.brokers.carrier import carrier
from celeriac.clock import SystemClock
from celeriac.evidence.open import host_sources
from celeriac.loop import LoopRunner
from celeriac.model.parcel import Sender
from celeriac.plugins import load
from celeriac.settings import Settings
from celeriac.transport.open import open_outlet
from celeriac.transport.place import system

STOP_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Options:
    """What to look at besides processes, control groups and the kernel log; None takes the settings' word."""

    docker: bool | None = None
    kube: bool | None = None


def run(settings: Settings, options: Options, ready: Callable[[str], None]) -> None:
    """Gather and ship until SIGINT or SIGTERM. `ready` is called once with what is shipped from where to where.

    A broker that is away is waited for. Raises ConfigError for a broker's URL or a plugin that is none.
    """
    clock, host = SystemClock(), gethostname()
    broker = carrier(settings)
    boxes = BoxSource(host, system(broker))
    plugins = (*((boxes,) if settings.evidence.host else ()), *load("celeriac.sources"))
    sources = host_sources(settings.evidence, docker=options.docker, kube=options.kube, plugins=plugins)
    backlog = Backlog()
    sender = Sender(uuid.uuid4().hex, "agent", host, os.getpid(), host, clock.now())
    loops = LoopRunner(
        (
            *(GatherLoop(one, backlog, settings.evidence.interval) for one in sources),
            ShipLoop(sender, backlog, lambda: open_outlet(broker), clock),
        ),
        clock,
        Random(),
    )
    signal.signal(signal.SIGTERM, _leave)
    loops.start()
    try:
        ready(f"{', '.join(one.name for one in sources)} of {host} to {broker.as_uri()}")
        clock.wait(threading.Event(), threading.TIMEOUT_MAX)
    finally:
        loops.stop(STOP_TIMEOUT)


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
