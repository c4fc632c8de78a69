"""The recorder's hooks one by one, as Celery calls them, on real messages and requests; nothing is sent anywhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NoReturn

from celery import Celery
from celery.concurrency.solo import TaskPool

from bench.report import Figure
from celeriac.model.parcel import Item, pack
from celeriac.worker.flight import Flight
from celeriac.worker.hands import Hands
from celeriac.worker.installation import Installation
from celeriac.worker.journal import STARTED, Journal
from celeriac.worker.poison import Poison
from celeriac.worker.pool import Pool
from celeriac.worker.recorder import Recorder
from celeriac.worker.requests import listen
from celeriac.worker.shipping import BATCH_ITEMS
from celeriac.worker.wards import Wards

CALLS, REPEATS = 2_000, 15
CHILD = 1
"""The pid of a process that is not this one."""


class Sink:
    """An outlet that forgets."""

    def send(self, parcel: bytes) -> None:
        """Gone."""

    def close(self) -> None:
        """Nothing to drop."""


def measure() -> list[Figure]:
    """Microseconds of processor time of the calling thread per call, the least of several series."""
    recorder = Recorder("worker", "w@bench", Sink, items=50_000, bytes_=16 << 20)
    app = Celery("bench", broker="memory://", set_as_current=False)
    app.task(name="bench.noop")(_noop)
    flight = Flight(recorder, Pool(TaskPool()), interval=1.0, system="bench")
    journal = Journal(recorder, flight, Installation(app, {}).redactor, forks=True, payloads="redacted")
    poison = _poison(app, recorder, flight)
    request = _request(app, journal, poison)
    request.worker_pid = CHILD
    ended = {"result": "None", "runtime": 0.0123}

    def _run() -> None:
        journal.happened(request, STARTED, {}, 1.5)
        journal.happened(request, "task-succeeded", ended, 2.5)

    def _guarded() -> None:
        poison.sets_aside(request)
        poison.began(request)
        poison.over(request)

    taken = {
        "published (in `delay()`)": _publishing(app, recorder),
        "received": _cost(lambda: journal.received(request, "celery")),
        "started and succeeded": _cost(_run),
        "poison guard, of a message that comes for the first time": _cost(_guarded),
        "packing, per event (in the shipping thread)": _packing(recorder),
    }
    recorder.close(5.0)
    return [Figure(name, cost, "µs") for name, cost in taken.items()]


def _noop(*args: object, **kwargs: object) -> None:
    """Nothing."""


def _poison(app: Celery, recorder: Recorder, flight: Flight) -> Poison:
    """The guard of a worker whose tasks kill nobody: it opens no connection."""
    options = Installation(app, {}).options
    sender = recorder.sender
    wards = Wards(sender.boot, _unreached, _unreached, options.heartbeat)
    hands = Hands(sender.boot, sender.node, _unreached, options.heartbeat)
    return Poison(recorder, options, flight, wards, hands, park=_unreached, queues=None)


def _unreached() -> NoReturn:
    raise AssertionError("a call to the broker that nothing asked for")


def _request(app: Celery, journal: Journal, poison: Poison) -> Any:
    """A request as a recorded worker makes it of a message it took."""
    listen(app, journal, poison)
    task = app.tasks["bench.noop"]
    with app.connection_for_write() as connection:
        app.send_task("bench.noop", (41,), {"customer": "c41"}, connection=connection)
        message = connection.SimpleQueue("celery").get(block=False)
        made: Any = task.Request
        return made(message, app=app, task=task)


def _publishing(app: Celery, recorder: Recorder) -> float:
    """What the wrapper adds around a publish that does nothing."""
    message = app.amqp.create_task_message("0" * 36, "bench.noop", (41,), {"customer": "c41"})
    app.amqp.__dict__["send_task_message"] = _noop
    producer = app.amqp.Producer(app.connection_for_write())

    def _publish() -> None:
        app.amqp.send_task_message(producer, "bench.noop", message, queue="celery")

    bare = _cost(_publish)
    installation = Installation(app, {})
    installation.attach()
    installation._recorder = recorder
    installation._publishing._reach_messages()
    full = _cost(_publish)
    installation.detach()
    return full - bare


def _packing(recorder: Recorder) -> float:
    data = {"name": "bench.noop", "queue": "celery", "args": "(41,)", "kwargs": "{'customer': 'c41'}", "retries": 0}
    items = [Item("task-received", 1_795_000_000.25, "0" * 36, data)] * BATCH_ITEMS
    return _cost(lambda: pack(recorder.sender, 1, items, 1_795_000_000.5), calls=20) / BATCH_ITEMS


def _cost(call: Callable[[], object], calls: int = CALLS) -> float:
    """Microseconds of a call: of several series, the least disturbed."""

    def series() -> float:
        began = time.thread_time_ns()
        for _ in range(calls):
            call()
        return (time.thread_time_ns() - began) / calls / 1000

    return min(series() for _ in range(REPEATS))
