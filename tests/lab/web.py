"""A web tier that keeps accepting exports: the part of the outage that looks fine."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from lab.celery import Producer


class Web:
    """`with Web(redis.url) as web:` publishes `lab.noop` steadily from a thread, whatever happens to the workers."""

    def __init__(self, broker: str, per_second: float = 20.0) -> None:
        self._producer = Producer(broker)
        self._pause = 1.0 / per_second
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self.accepted = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(timeout=15)
        self._producer.app.close()

    def _run(self) -> None:
        while not self._stop.wait(self._pause):
            self._producer.send("noop", self.accepted)
            self.accepted += 1
