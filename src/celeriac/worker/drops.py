"""Messages that a full Redis gave to this worker, and refused to note as given: they stand nowhere any more."""

from __future__ import annotations

from functools import wraps
from typing import Any

from celeriac.model.event import LOST
from celeriac.worker.guard import guarded
from celeriac.worker.recorder import Recorder

FULL = "used memory > 'maxmemory'"
"""How Redis and Valkey refuse what needs memory (redis/src/server.c, shared.oomerr)."""


class Drops:
    """Tells of each. kombu pops a message first and writes it down as unacknowledged then (kombu/transport/redis.py,
    `_brpop_read`, `QoS.append`); when that is refused the worker ends, and nobody has the message."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    @guarded
    def watch(self, consumer: Any) -> None:
        """After each connect: it has a channel of its own."""
        if consumer.connection.transport.driver_type != "redis":
            return
        channel = consumer.task_consumer.channel
        qos = channel.qos
        append = qos.append

        @wraps(append)
        def noted(message: Any, delivery_tag: Any) -> Any:
            try:
                return append(message, delivery_tag)
            except channel.ResponseError as error:
                if FULL in str(error):
                    self._tell(message)
                raise

        qos.append = noted

    @guarded
    def _tell(self, message: Any) -> None:
        task_id = (message.headers or {}).get("id") or (message.properties or {}).get("correlation_id")
        if isinstance(task_id, str):
            self._recorder.note(LOST, task_id)
