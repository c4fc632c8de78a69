"""Parcels out of a durable queue, given back to it by the broker when their reader goes away."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic, time

from kombu import Connection, Consumer, Message

from celeriac.transport.base import Delivery, Received
from celeriac.transport.cap import Limits
from celeriac.transport.queue_line import NAME, QueueLine

PREFETCH = 200
"""Parcels that the broker hands out before any of them is acknowledged: some 50 MB at the largest."""


class QueueInlet:
    """An Inlet from the queue `celeriac.record`. What another reader holds is counted as given out."""

    def __init__(self, connection: Connection, limits: Limits | None = None, clock: Callable[[], float] = time) -> None:
        self._line = QueueLine(connection, limits or Limits())
        self._clock = clock
        self._life = 0
        self._consumer: Consumer | None = None
        self._arrived: deque[Delivery] = deque()
        self._unsettled: dict[str, Message] = {}

    def receive(self, timeout: float, limit: int) -> Received:
        """See Inlet."""
        began = self._clock()
        others = 0
        with self._line.door():
            self._open()
            dry = self._gather(timeout, limit)
            if self._line.amqp:
                dry, others = self._state()
            given = tuple(self._arrived.popleft() for _ in range(min(limit, len(self._arrived))))
        return Received(began, given, dry and not self._arrived, others)

    def acknowledge(self, tags: tuple[str, ...]) -> None:
        """See Inlet. A tag of an earlier connection is passed over: the broker has its parcel again, and it comes."""
        with self._line.door():
            for tag in tags:
                if message := self._unsettled.pop(tag, None):
                    message.ack()

    def close(self) -> None:
        """See Inlet."""
        self._line.close()

    def _open(self) -> None:
        self._line.open()
        if self._consumer is not None and self._consumer.channel is self._line.channel:
            return
        self._life += 1
        self._arrived.clear()
        self._unsettled.clear()
        self._consumer = Consumer(
            self._line.channel,
            [self._line.queue()],
            on_message=self._arrive,
            on_decode_error=lambda message, _: self._arrive(message),
            auto_declare=False,
            prefetch_count=PREFETCH,
        )
        self._consumer.consume()

    def _gather(self, timeout: float, limit: int) -> bool:
        """Wait for the first parcel, then take what is there; true when nothing more is."""
        deadline = monotonic() + timeout
        while len(self._arrived) < limit:
            patience = 0.0 if self._arrived else max(0.0, deadline - monotonic())
            if not self._line.drain(patience):
                return True
        return False

    def _state(self) -> tuple[bool, int]:
        """Whether the broker has nothing left for us, and how many others read. It also proves that the broker answers,
        and comes after every parcel that is under way: one channel keeps its order."""
        queue = self._line.channel.queue_declare(queue=NAME, passive=True)
        return not queue.message_count, max(0, queue.consumer_count - 1)

    def _arrive(self, message: Message) -> None:
        tag = f"{self._life}:{message.delivery_tag}"
        body = message.body
        self._unsettled[tag] = message
        self._arrived.append(Delivery(tag, body if isinstance(body, bytes) else str(body).encode()))
