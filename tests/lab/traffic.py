"""Steady traffic from a thread of its own, counted."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from lab.celery import Producer


class Traffic:
    """`with Traffic(server.url, rate=40) as traffic:` publishes `lab.noop` until `stop`, which gives how many."""

    def __init__(self, broker: str, rate: float) -> None:
        self.sent: list[str] = []
        self._broker = broker
        self._pause = 1.0 / rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lab-traffic", daemon=True)

    def stop(self) -> int:
        """End it; the number of tasks published."""
        self._stop.set()
        self._thread.join(timeout=10)
        assert not self._thread.is_alive(), "the traffic did not end"
        return len(self.sent)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        with Producer(self._broker) as producer:
            while not self._stop.wait(self._pause):
                self.sent.append(producer.send("noop"))
