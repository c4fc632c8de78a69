"""A subscription to Celery's events over AMQP."""

from __future__ import annotations

from collections import deque
from typing import Any

from amqp.exceptions import NotFound

from celeriac.brokers.base import EventBatch
from celeriac.brokers.event_decoder import Decoded, decode_body
from celeriac.brokers.rabbit_line import Line
from celeriac.clock import Clock
from celeriac.errors import BrokerError, BrokerUnavailableError

EXCHANGE = "celeryev"
"""`event_exchange` of Celery; durable, topic (celery/events/event.py)."""
MOST = 100_000
"""Messages that may wait in our queue while we are slow. What is beyond is dropped at the oldest end, and is seen."""


class RabbitEvents:
    """Reads events and proves how far: a question about our queue is answered on the channel that the events come by,
    behind all that the queue gave out before. A batch is `current` when the queue then had nothing left."""

    def __init__(self, line: Line, clock: Clock) -> None:
        self._line = line
        self._clock = clock
        self._queue: str | None = None
        self._arrived: deque[Decoded] = deque()
        self._lost = False

    def read(self, timeout: float, limit: int) -> EventBatch:
        """See EventStream."""
        began = self._clock.now()
        try:
            with self._line.door():
                self._subscribe()
                if not self._arrived:
                    self._line.drain(timeout)
                began, empty, dropped = self._ask()
        except BrokerError:
            self._lost = self._lost or self._queue is not None
            self._queue = None
            if not self._arrived:
                raise
            empty = dropped = False
        batch = self._take(limit)
        gone, self._lost = (self._lost and self._queue is not None) or dropped, self._lost and self._queue is None
        return EventBatch(
            began=began,
            events=tuple(event for decoded in batch for event in decoded.events),
            current=empty and not self._arrived,
            junk=sum(bool(decoded.junk) for decoded in batch),
            example=next((decoded.junk for decoded in batch if decoded.junk), ""),
            reconnected=gone,
        )

    def close(self) -> None:
        """End the subscription; the server deletes its queue."""
        self._line.close()
        self._queue = None

    def _subscribe(self) -> None:
        if self._queue is not None:
            return
        channel = self._line.channel()
        try:
            channel.exchange_declare(exchange=EXCHANGE, type="topic", passive=True)
        except NotFound:
            channel = self._line.channel()
            channel.exchange_declare(exchange=EXCHANGE, type="topic", durable=True, auto_delete=False)
        told = channel.queue_declare(exclusive=True, auto_delete=True, arguments={"x-max-length": MOST})
        channel.queue_bind(told.queue, EXCHANGE, routing_key="#")
        channel.basic_consume(told.queue, no_ack=True, callback=self._arrive)
        self._queue = told.queue

    def _ask(self) -> tuple[float, bool, bool]:
        """When the question was sent; whether the queue had nothing left, and whether it was full."""
        asked = self._clock.now()
        depth = self._line.depth(self._queue or "")
        if depth is None or not depth.consumers:
            raise BrokerUnavailableError(f"{self._line.address.place} ended our subscription", cause="network")
        return asked, depth.ready == 0, depth.ready >= MOST

    def _arrive(self, message: Any) -> None:
        body = message.body
        raw = body if isinstance(body, bytes) else str(body).encode()
        self._arrived.append(decode_body(raw, self._clock.now()))

    def _take(self, limit: int) -> list[Decoded]:
        taken: list[Decoded] = []
        events = 0
        while self._arrived and events < limit:
            taken.append(self._arrived.popleft())
            events += len(taken[-1].events) or 1
        return taken
