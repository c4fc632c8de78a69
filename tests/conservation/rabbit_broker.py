"""A RabbitMQ under test."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Self

from kombu import Connection

from conservation.broker import QUEUE
from lab.rabbit import RabbitServer

MOST = 10_000


class RabbitBroker:
    """`with RabbitBroker("quorum", confirms=False) as broker:` a queue of that type; `confirms` is what publishers ask
    for. Its queue and its messages are durable."""

    faults: Sequence[str] = (
        "kill-child",
        "kill-main",
        "freeze-kill",
        "freeze-thaw",
        "client-kill",
        "blackhole",
        "restart",
        "delete-queue",
        "freeze-restart",
    )
    failures: tuple[type[Exception], ...] = ()
    pops = False
    durable = True

    def __init__(self, queue_type: str, *, confirms: bool) -> None:
        self.queue_type = queue_type
        self.confirms = confirms

    def __str__(self) -> str:
        return f"RabbitMQ, a {self.queue_type} queue"

    @property
    def port(self) -> int:
        """See Broker."""
        return self._server.port

    @property
    def conf(self) -> Mapping[str, Any]:
        """See Broker."""
        return {
            "broker_transport_options": {"confirm_publish": self.confirms},
            "task_default_queue_type": self.queue_type,
            "worker_detect_quorum_queues": True,
        }

    @property
    def settings(self) -> str:
        """The management API."""
        return f'[broker]\nmanagement_url = "{self._server.management_url}"\n'

    def url(self, port: int | None = None) -> str:
        """See Broker."""
        return f"amqp://guest:guest@127.0.0.1:{port or self.port}//"

    def look(self) -> frozenset[str] | None:
        """RabbitMQ shows no message."""
        return None

    def empty(self) -> bool:
        """See Broker."""
        rows = self._server.ctl("list_queues", "name", "messages", "--formatter", "json", "--silent")
        return all(not row["messages"] for row in json.loads(rows) if row["name"] == QUEUE)

    def stands(self) -> frozenset[str]:
        """What can be taken; all of it goes back when the connection ends."""
        with closing(Connection(self.url())) as connection:
            channel: Any = connection.default_channel
            taken = (channel.basic_get(QUEUE) for _ in range(MOST))
            return frozenset(one.headers["id"] for one in iter(lambda: next(taken), None))

    def cut(self) -> None:
        """close_all_connections."""
        self._server.ctl("close_all_connections", "the nemesis")

    def restart(self) -> None:
        """See Broker."""
        self._server.kill()
        self._server.start()

    def freeze(self, seconds: float) -> None:
        """What is published meanwhile stands in its sockets; then it dies with them."""
        self._server.pause()
        time.sleep(seconds)
        self.restart()

    def delete_queue(self) -> None:
        """With all that stands in it."""
        self._server.ctl("delete_queue", QUEUE)

    def __enter__(self) -> Self:
        self._server = RabbitServer(management=True)
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__(None, None, None)
