"""Celery's remote control over AMQP, answered into one queue that ends with its connection.

The wire is kombu/pidbox.py's. Workers answer to the exchange that the question names; here the default one, which
leads straight to our queue: so not even the exchange that Celery's own `inspect` declares is left behind.
"""

from __future__ import annotations

import json
from time import monotonic
from typing import Any
from uuid import uuid4

from amqp import Message
from amqp.exceptions import NotFound

from celeriac.brokers.rabbit_line import Line
from celeriac.brokers.replies import COMMANDS, Replies, question
from celeriac.clock import Clock
from celeriac.model.worker import Worker

EXCHANGE = "celery.pidbox"
QUIET = 0.5
"""Seconds without a further answer after which, once each who answered said all, nobody else is waited for."""
REPLY_LIMIT = 20_000


class Inspector:
    """Asks living workers, on a connection for each round."""

    def __init__(self, line: Line, clock: Clock) -> None:
        self._line = line
        self._clock = clock

    def ask(self, at: float) -> tuple[Worker, ...]:
        """One Worker for each main process that answered within the line's timeout."""
        replies = Replies(uuid4().hex)
        try:
            with self._line.door():
                if self._is_heard():
                    self._gather(replies)
        finally:
            self._line.close()
        return replies.workers(at)

    def enable_events(self) -> None:
        """Tell every worker to send task events."""
        try:
            with self._line.door():
                if self._is_heard():
                    self._publish(question("enable_events"))
                    self._line.ping()
        finally:
            self._line.close()

    def _is_heard(self) -> bool:
        """True when a worker has ever listened here. Whether one does now is told by the first question, which comes
        back if there is nobody to take it."""
        try:
            self._line.channel().exchange_declare(exchange=EXCHANGE, type="fanout", passive=True)
        except NotFound:
            return False
        return True

    def _gather(self, replies: Replies) -> None:
        arrived: list[Any] = []
        unheard: list[Any] = []
        channel = self._line.channel()
        channel.events["basic_return"].add(lambda *told: unheard.append(told))
        mailbox = channel.queue_declare(exclusive=True, auto_delete=True, arguments={"x-max-length": REPLY_LIMIT}).queue
        channel.basic_consume(mailbox, no_ack=True, callback=arrived.append)
        for command in COMMANDS:
            self._publish(question(command, f"{replies.round_id}/{command}", mailbox=mailbox))
        now = monotonic()
        deadline, quiet, taken = now + self._line.timeout, now + self._line.timeout, 0
        while not unheard and (now := monotonic()) < min(deadline, quiet) and taken < REPLY_LIMIT:
            self._line.drain(min(deadline, quiet) - now)
            for message in arrived:
                taken += 1
                _take(replies, message)
            if arrived:
                quiet = monotonic() + QUIET if replies.whole else deadline
            arrived.clear()

    def _publish(self, body: dict[str, object]) -> None:
        expires = self._clock.now() + self._line.timeout
        message = Message(
            json.dumps(body),
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=1,
            application_headers={"clock": 0, "expires": expires},
        )
        self._line.channel().basic_publish(message, exchange=EXCHANGE, routing_key="", mandatory=True)


def _take(replies: Replies, message: Any) -> None:
    body = message.body
    ticket = (message.headers or {}).get("ticket")
    try:
        replies.take(body if isinstance(body, bytes) else str(body).encode(), str(ticket))
    except ValueError:
        return  # a worker with another serializer, or junk: no answer, which is not death
