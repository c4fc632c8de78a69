"""A worker's signs of life: it came, it beats, it went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.worker import state

from celeriac.worker import slots
from celeriac.worker.guard import guarded

if TYPE_CHECKING:
    from celeriac.worker.recorder import Recorder


class Pulse:
    """Beats every `interval` seconds on the worker's own timer, as Celery's heartbeat (celery/worker/heartbeat.py).

    With an event loop (prefork on Redis or AMQP) the loop itself fires it, so a beat proves that the loop turns, and
    stops with it. Elsewhere the timer has a thread (threads, solo) or a greenlet (gevent, eventlet) of its own: there a
    beat proves that the process lives and runs Python, no more. `keeps` says that the worker has a keepalive.
    """

    def __init__(self, recorder: Recorder, interval: float, *, keeps: bool = False) -> None:
        self._recorder = recorder
        self._says: dict[str, Any] = {"freq": interval} | ({"keeps": True} if keeps else {})
        self._interval = interval
        self._entry: Any = None
        self._present = False

    @guarded
    def start(self, consumer: Any) -> None:
        """The worker is connected, for the first time or again."""
        self._rest(consumer)
        self._tell("worker-heartbeat" if self._present else "worker-online", consumer)
        self._present = True
        self._recorder.urge()
        self._entry = consumer.timer.call_repeatedly(self._interval, self._tell, ("worker-heartbeat", consumer))

    @guarded
    def pause(self, consumer: Any) -> None:
        """The connection is lost: the loop does not turn until there is another."""
        self._rest(consumer)

    @guarded
    def stop(self, consumer: Any) -> None:
        """The worker takes no more tasks. What still runs is told of afterwards, as with Celery's own goodbye."""
        self._rest(consumer)
        if self._present:
            self._present = False
            self._tell("worker-offline", consumer)

    def _rest(self, consumer: Any) -> None:
        entry, self._entry = self._entry, None
        if entry is not None:
            consumer.timer.cancel(entry)

    @guarded
    def _tell(self, kind: str, consumer: Any) -> None:
        self._recorder.note(kind, None, self._says | figures(consumer))


def figures(consumer: Any) -> dict[str, Any]:
    """What the worker does now, under the names of Celery's heartbeat; `reserved` wait for a slot, `slots` are all."""
    active = len(state.active_requests)
    return {
        "processed": state.all_total_count[0],
        "active": active,
        "reserved": max(0, len(state.reserved_requests) - active),
        "prefetch": consumer.qos.value if consumer.qos else None,
        "slots": slots.count(consumer.pool),
        "pool": slots.name(consumer.pool),
        "sw_ident": state.SOFTWARE_INFO["sw_ident"],
        "sw_ver": state.SOFTWARE_INFO["sw_ver"],
    }
