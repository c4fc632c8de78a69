"""The record of a worker, in its main process: what it wires, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import signals

from celeriac.transport.cap import Limits
from celeriac.transport.lives import open_lives
from celeriac.transport.park import open_park
from celeriac.transport.tally import open_tally
from celeriac.worker.drops import Drops
from celeriac.worker.flight import Flight
from celeriac.worker.guard import guarded
from celeriac.worker.hands import Hands
from celeriac.worker.installation import record_of
from celeriac.worker.journal import Journal
from celeriac.worker.keepalive import Keepalive
from celeriac.worker.link import Link, Told
from celeriac.worker.poison import Poison
from celeriac.worker.pool import Pool
from celeriac.worker.pulse import Pulse
from celeriac.worker.queues import queue_of
from celeriac.worker.refusals import Refusals
from celeriac.worker.requests import listen
from celeriac.worker.steps import MAINS, BesidePool, BesideTasks
from celeriac.worker.wards import PATIENCE, Wards

if TYPE_CHECKING:
    from celeriac.worker.installation import Installation
    from celeriac.worker.recorder import Recorder

FAREWELL = 2.0
"""Seconds that a shutdown waits at most for the last parcel."""


def begin(installation: Installation, worker: Any) -> None:
    """On `worker_init`, in the main process, before Celery builds the worker (celery/worker/worker.py,
    setup_instance): steps added now are among those it starts."""
    recorder = installation.recorder
    if recorder is None or worker in MAINS:
        return
    MAINS[worker] = Main(installation, recorder)
    installation.app.steps["worker"].add(BesidePool)
    installation.app.steps["consumer"].add(BesideTasks)


class Main:
    """One worker that is recorded."""

    def __init__(self, installation: Installation, recorder: Recorder) -> None:
        self._installation = installation
        self._recorder = recorder
        self._link: Link | None = None
        self._journal: Journal | None = None
        self._flight: Flight | None = None
        self._poison: Poison | None = None
        self._queues = installation.app.amqp.queues
        self._name = f"celeriac-received-{id(self)}"
        self._keepalive: Keepalive | None = None
        options = installation.options
        self._pulse = Pulse(recorder, options.heartbeat, keeps=options.keepalive)

    def consumer_made(self, consumer: Any) -> None:
        """The pool and the consumer are made, and nothing has started."""
        options, pool = self._installation.options, Pool(consumer.pool)
        system = self._installation.system
        self._flight = Flight(self._recorder, pool, interval=options.memory_interval, system=system)
        self._journal = Journal(
            self._recorder, self._flight, self._installation.redactor, forks=pool.forks, payloads=options.payloads
        )
        self._poison = self._guard(self._flight)
        listen(self._installation.app, self._journal, self._poison)
        signals.task_received.connect(self._on_received, dispatch_uid=self._name)
        signals.worker_shutting_down.connect(self._poison.leave, dispatch_uid=self._name)
        Refusals(self._recorder).watch(consumer)
        self._keepalive = Keepalive(pool) if options.keepalive else None
        self._installation.forks = pool.forks
        if pool.forks:
            self._link = Link.open()
            self._recorder.gather = self._gather

    def pool_started(self) -> None:
        """Its processes are there."""
        if self._flight is not None:
            self._flight.start()

    def connected(self, consumer: Any) -> None:
        """For the first time or again."""
        self._pulse.start(consumer)
        Drops(self._recorder).watch(consumer)
        if self._keepalive is not None:
            self._keepalive.start(consumer)

    def disconnected(self, consumer: Any) -> None:
        """The connection is lost, and another one is sought."""
        self._pulse.pause(consumer)
        if self._keepalive is not None:
            self._keepalive.pause(consumer)

    def stopping(self, consumer: Any) -> None:
        """No more tasks are taken; what runs goes on."""
        self._pulse.stop(consumer)
        if self._keepalive is not None:
            self._keepalive.stop(consumer)

    def close(self, consumer: Any) -> None:
        """Nothing more will happen: ship the rest."""
        signals.task_received.disconnect(dispatch_uid=self._name)
        signals.worker_shutting_down.disconnect(dispatch_uid=self._name)
        self._pulse.stop(consumer)
        if self._keepalive is not None:
            self._keepalive.close(consumer)
        if self._poison is not None:
            self._poison.close(FAREWELL)
        if self._flight is not None:
            self._flight.stop()
        self._recorder.close(FAREWELL)
        if self._flight is not None:
            self._flight.leave()
        self._installation.forks = False
        if self._link is not None:
            self._link.close()

    def _guard(self, flight: Flight) -> Poison:
        """Its connections lead to where the record is, and open when there is something to ask."""
        sender, options = self._recorder.sender, self._installation.options

        def reach() -> Any:
            return self._installation.app.connection_for_write(options.transport)

        def lives() -> Any:
            return open_lives(reach(), patience=PATIENCE)

        return Poison(
            self._recorder,
            options,
            flight,
            Wards(sender.boot, lambda: open_tally(reach(), patience=PATIENCE), lives, options.heartbeat),
            Hands(sender.boot, sender.node, lives, options.heartbeat),
            park=lambda: open_park(reach(), limits=Limits(patience=PATIENCE)),
            queues=self._queues,
        )

    @guarded
    def _on_received(self, sender: Any, request: Any, **_: Any) -> None:
        if self._journal is not None and MAINS.get(sender.controller) is self:
            self._journal.received(request, queue_of(self._queues, request.delivery_info))

    def _gather(self) -> None:
        if self._link is not None:
            self._link.drain(self._hear)

    def _hear(self, told: Told) -> None:
        own = told.system in (None, self._installation.system)
        if (recorder := self._recorder if own else record_of(str(told.system))) is not None:
            recorder.missed(told.missed)
            recorder.note(told.item.kind, told.item.task_id, told.item.data, told.item.at)
