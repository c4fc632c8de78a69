"""Celery's remote control over Redis, with one reply key for all questions that is deleted afterwards.

The wire is kombu/pidbox.py's. Celery's own `inspect` waits its whole timeout for each command and, since kombu 5.7,
leaves a binding deadline behind; here all commands go out at once, and PUBLISH tells how many workers will answer.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any
from uuid import uuid4

from celeriac.brokers.errors import translate
from celeriac.brokers.messages import read_body
from celeriac.brokers.redis_keys import SEPARATOR, Keys
from celeriac.brokers.redis_link import Command, Link
from celeriac.brokers.replies import COMMANDS, Replies, question
from celeriac.clock import Clock
from celeriac.errors import BrokerError
from celeriac.model.worker import Worker

REPLY_EXCHANGE = "reply.celery.pidbox"
REPLY_EXPIRES_MS = 10_000
REPLY_LIMIT = 20_000


class Inspector:
    """Asks living workers. The reply key is the same each time, so that a late reply is swept up by the next call."""

    def __init__(self, link: Link, keys: Keys, clock: Clock) -> None:
        self._link = link
        self._keys = keys
        self._clock = clock
        self._oid = f"celeriac-{uuid4()}"
        self._key = keys.key(f"{self._oid}.{REPLY_EXCHANGE}")
        self._binding = keys.key(f"_kombu.binding.{REPLY_EXCHANGE}")
        self._member = SEPARATOR.join((self._oid, "", f"{self._oid}.{REPLY_EXCHANGE}")).encode()
        self._asked = False

    def ask(self, at: float) -> tuple[Worker, ...]:
        """One Worker for each main process that answered within the link's timeout."""
        self._asked = True
        round_id = uuid4().hex
        try:
            return self._replies(round_id, self._publish(round_id)).workers(at)
        finally:
            self._sweep()

    def enable_events(self) -> None:
        """Tell every worker to send task events."""
        self._refuse_error(self._link.send([("PUBLISH", self._keys.control, self._control("enable_events", None))]))

    def close(self) -> None:
        """Delete what a late reply may have left, and drop the connection."""
        try:
            if self._asked and self._link.connected:
                self._sweep()
        except BrokerError:
            pass  # the server is gone, and its keys are its own affair
        finally:
            self._link.close()

    def _publish(self, round_id: str) -> int:
        """Send every question; the number of answers to wait for."""
        questions: list[Command] = [
            ("PUBLISH", self._keys.control, self._control(command, f"{round_id}/{command}")) for command in COMMANDS
        ]
        replies = self._link.send([("DEL", self._key), ("SADD", self._binding, self._member), *questions])
        self._refuse_error(replies)
        return sum(replies[2:])

    def _replies(self, round_id: str, expected: int) -> Replies:
        replies = Replies(round_id)
        for raw in self._raw_replies(min(expected, REPLY_LIMIT)):
            try:
                replies.add(read_body(raw), raw)
            except ValueError:
                continue  # a worker with another serializer, or junk: no answer, which is not death
        return replies

    def _raw_replies(self, expected: int) -> Iterator[bytes]:
        deadline = monotonic() + self._link.timeout
        for _ in range(expected):
            remaining = deadline - monotonic()
            if remaining <= 0:
                return
            wait = f"{min(remaining, self._link.timeout / 2):.3f}"
            popped, _ = self._link.send([("BLPOP", self._key, wait), ("PEXPIRE", self._key, REPLY_EXPIRES_MS)])
            if isinstance(popped, list):
                yield popped[1]

    def _sweep(self) -> None:
        self._link.send([("SREM", self._binding, self._member), ("DEL", self._key)])

    def _refuse_error(self, replies: Sequence[Any]) -> None:
        fault = next((reply for reply in replies if isinstance(reply, Exception)), None)
        if fault is not None:
            raise translate(fault, self._link.address)

    def _control(self, method: str, ticket: str | None) -> bytes:
        body = question(method, ticket, exchange=REPLY_EXCHANGE, mailbox=self._oid)
        envelope = {
            "body": base64.b64encode(json.dumps(body).encode()).decode(),
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {"clock": 0, "expires": self._clock.now() + self._link.timeout},
            "properties": {
                "delivery_mode": 1,
                "delivery_info": {"exchange": "celery.pidbox", "routing_key": ""},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid4()),
            },
        }
        return json.dumps(envelope).encode()
