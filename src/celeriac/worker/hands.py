"""What a worker has on its hands, told to the broker: when it dies, those who get its work can see that it did."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from celeriac.transport.lives import Lives
from celeriac.worker.guard import guarded

PAUSE = 0.5
"""Seconds between two words at least, however fast tasks come and go."""
MOST = 200
"""Task ids in one word."""


class Hands:
    """Kept by the main loop in a microsecond; one daemon thread tells of it, from the first task that is acknowledged
    late until `close`. A worker without such tasks has no thread and costs the broker nothing.

    `interval` is seconds between two words while nothing changes. What is told is what runs, not what waits.
    """

    def __init__(self, boot: str, node: str, connect: Callable[[], Lives | None], interval: float) -> None:
        self._boot = boot
        self._node = node
        self._connect = connect
        self._interval = interval
        self._running: dict[str, None] = {}
        self._changed = threading.Event()
        self._ended = threading.Event()
        self._leaving = False
        self._told = False
        self._thread: threading.Thread | None = None

    @guarded
    def took(self, task_id: str) -> None:
        """The task has begun."""
        self._running[task_id] = None
        self._changed.set()
        if self._thread is None and not self._ended.is_set():
            self._thread = threading.Thread(target=self._run, name="celeriac-hands", daemon=True)
            self._thread.start()

    @guarded
    def let_go(self, task_id: str) -> None:
        """The task is over, or its message goes back."""
        if self._running.pop(task_id, self) is None:
            self._changed.set()

    @guarded
    def leave(self, **_: Any) -> None:
        """The worker was asked to stop: what kills it now is no task of its."""
        self._leaving = True
        self._changed.set()

    def close(self, timeout: float) -> None:
        """Nothing runs any more. Waits at most `timeout` seconds."""
        self._ended.set()
        self._changed.set()
        if self._thread is not None:
            self._thread.join(timeout)

    @guarded
    def _run(self) -> None:
        lives = self._connect()
        while lives is not None and not self._ended.is_set():
            self._changed.clear()
            self._tell(lives)
            self._ended.wait(PAUSE)
            self._changed.wait(max(0.0, self._interval - PAUSE) if self._told else None)
        if lives is not None:
            self._forget(lives)
            lives.close()

    @guarded
    def _tell(self, lives: Lives) -> None:
        ids = [] if self._leaving else list(self._running)[:MOST]
        if ids:
            self._told = True
            lives.beat(self._boot, json.dumps({"node": self._node, "ids": ids}).encode())
        else:
            self._forget(lives)

    @guarded
    def _forget(self, lives: Lives) -> None:
        if self._told:
            lives.leave(self._boot)
            self._told = False
