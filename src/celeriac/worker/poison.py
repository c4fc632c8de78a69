"""The poison guard: a task that kills what runs it is counted, named, and with `celeriac_poison = park` set aside.

Only a death and a message that comes again cost a call, of a second at most; when it fails, the task runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from time import time
from typing import TYPE_CHECKING, Any

from celery.worker import state

from celeriac.model.event import fingerprint
from celeriac.model.evidence import Evidence
from celeriac.model.fatality import HARD_TIME_LIMIT, MEMORY_ERROR, SIGNAL, Fatality
from celeriac.model.wire import encode
from celeriac.worker.facts import SOURCE
from celeriac.worker.guard import guarded
from celeriac.worker.hands import Hands
from celeriac.worker.payload import whole
from celeriac.worker.queues import queue_of
from celeriac.worker.wards import Wards

if TYPE_CHECKING:
    from celeriac.transport.park import Park
    from celeriac.worker.flight import Flight
    from celeriac.worker.options import Options
    from celeriac.worker.recorder import Recorder
    from celeriac.worker.requests import Recorded

PARKED = "task-parked"
CURVE = 30
"""Points of a memory curve that are kept with a death, its last ones."""
SHOWN = 10
"""Deaths that are told at once, the newest."""
DELIVERIES = "x-delivery-count"
"""How often a quorum queue has given a message back (RabbitMQ's own header)."""


class Poison:
    """Of one worker. Called by the main loop; in pools without one from any thread. Nothing in here raises."""

    def __init__(
        self,
        recorder: Recorder,
        options: Options,
        flight: Flight,
        wards: Wards,
        hands: Hands,
        *,
        park: Callable[[], Park],
        queues: Any,
    ) -> None:
        self._recorder = recorder
        self._options = options
        self._flight = flight
        self._wards = wards
        self._hands = hands
        self._open_park = park
        self._queues = queues

    @guarded
    def began(self, request: Recorded) -> None:
        """The task runs. One that was acknowledged before comes to nobody again."""
        if request.task.acks_late:
            self._hands.took(request.id)

    def over(self, request: Recorded) -> None:
        """It runs no more, whatever became of it."""
        self._hands.let_go(request.id)

    @guarded
    def died(self, request: Recorded, error: object) -> None:
        """It ended the process it ran in, by this error of Celery's; before its message goes anywhere."""
        pid = request.worker_pid if isinstance(request.worker_pid, int) else None
        cause, flown = self._flight.autopsy(pid or 0, request.id)
        fatality = Fatality(
            at=time(),
            node=self._recorder.sender.node,
            boot=self._recorder.sender.boot,
            cause=_cause(error, cause),
            pid=pid,
            main=isinstance(error, MemoryError) or pid == self._recorder.sender.pid,
            peak=None if flown is None else flown.peak,
            curve=() if flown is None else tuple((float(at), float(rss)) for at, rss in flown.curve[-CURVE:]),
        )
        self._hands.let_go(request.id)
        deaths = self._wards.died(request.id, fatality)
        self._tell(request, (fatality,) if deaths is None else deaths)
        self._recorder.urge()

    def sets_aside(self, request: Recorded) -> bool:
        """True when this message must not run, and is safe in another place."""
        return bool(self._judged(request))

    @guarded
    def _judged(self, request: Recorded) -> bool:
        history = self._wards.history(request.id) if request.delivery_info.get("redelivered") else None
        if history is None or not history[0]:
            return False
        deaths, is_news = history
        parks = self._options.poison == "park" and len(deaths) >= self._options.poison_limit
        if parks:
            self._park(request, deaths)
        if is_news or parks:
            self._tell(request, deaths, parked=parks)
        return parks

    def _park(self, request: Recorded, deaths: tuple[Fatality, ...]) -> None:
        """Safe in the other place first, then acknowledged: a crash between the two sets the same aside once more,
        under the same key."""
        at, queue = time(), self._queue(request)
        key = fingerprint("parked", request.id, deaths[-1].mark)
        body = {
            "key": key,
            "task_id": request.id,
            "name": request.name,
            "queue": queue,
            "at": at,
            "node": self._recorder.sender.node,
            "pid": self._recorder.sender.pid,
            "cause": deaths[-1].cause,
            "retries": request.request_dict.get("retries") or 0,
            "deaths": [encode(one) for one in deaths],
            "payload": whole(request.message),
        }
        park = self._open_park()
        try:
            park.park(key, json.dumps(body, default=repr).encode())
        finally:
            park.close()
        request.acknowledge()
        state.task_ready(request)
        because = f"it ended {len(deaths)} processes, the last by {deaths[-1].cause}"
        self._recorder.note(PARKED, request.id, _parting(body, because), at)
        self._recorder.urge()

    def _tell(self, request: Recorded, deaths: tuple[Fatality, ...], *, parked: bool = False) -> None:
        sender, options, last = self._recorder.sender, self._options, deaths[-1]
        count = len(deaths)
        self._recorder.note_fact(
            Evidence(
                id=fingerprint("poison", sender.boot, request.id, last.mark, parked),
                at=time(),
                source=SOURCE,
                what="poison",
                host=sender.host,
                fact=f"{request.name}[{request.id}] has ended {count} process{'es' if count > 1 else ''},"
                f" the last by {last.cause} on {last.node}{', and was set aside' if parked else ''}",
                how=f"celeriac task {request.id}",
                nodes=tuple(dict.fromkeys(one.node for one in deaths)),
                data={
                    "task_id": request.id,
                    "name": request.name,
                    "queue": self._queue(request),
                    "count": count,
                    "limit": options.poison_limit,
                    "policy": options.poison,
                    "late": bool(request.task.acks_late),
                    "delivery_count": (request.message.headers or {}).get(DELIVERIES),
                    "parked": parked,
                    "deaths": [encode(one) for one in deaths[-SHOWN:]],
                },
            )
        )

    def _queue(self, request: Recorded) -> str | None:
        return queue_of(self._queues, request.delivery_info)

    @guarded
    def leave(self, **_: Any) -> None:
        """The worker was asked to stop."""
        self._hands.leave()

    @guarded
    def close(self, timeout: float) -> None:
        """Nothing runs any more."""
        self._hands.close(timeout)
        self._wards.close()


def _cause(error: object, seen: str | None) -> str:
    """What the flight recorder saw, else what Celery says."""
    if isinstance(error, MemoryError):
        return MEMORY_ERROR
    text = str(error)
    if "time limit" in text.lower() or type(error).__name__ == "TimeLimitExceeded":
        return HARD_TIME_LIMIT
    if seen not in (None, "unknown"):
        return str(seen)
    if "signal 11" in text:
        return "segfault"
    return "exit" if "exitcode" in text and "signal" not in text else SIGNAL


def _parting(body: Mapping[str, Any], because: str) -> dict[str, Any]:
    """What the task's history keeps of it."""
    return {name: body[name] for name in ("name", "queue", "retries", "cause", "deaths")} | {"because": because}
