"""The one thread that writes: closures in, each run in a transaction of its own, results out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from queue import Full, Queue
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from celeriac.errors import StoreError, StoreUnavailableError
from celeriac.store.faults import translated

T = TypeVar("T")
QUEUE_LIMIT = 256
PATIENCE = 30.0
"""Seconds a caller waits for room in the queue, and again for its turn; a disk that hangs must not hang everyone."""

_Job = tuple[Callable[[Connection], Any], "Future[Any]"]


class Writer:
    """Runs submitted work in order, on one thread and one connection."""

    def __init__(self, engine: Engine, place: str) -> None:
        self._engine = engine
        self._place = place
        self._jobs: Queue[_Job | None] = Queue(QUEUE_LIMIT)
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="celeriac-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Connection], T]) -> T:
        """`work`'s result, after its transaction was committed. Raises what it raised, with nothing written.

        StoreUnavailableError when no turn came in time; then the work was withdrawn, or, if already begun, may still
        be committed: everything written here may be written again.
        """
        future: Future[T] = Future()
        self._enqueue((work, future))
        try:
            return future.result(PATIENCE)
        except FutureTimeoutError as error:
            future.cancel()
            raise self._unavailable("did not answer in time") from error

    def close(self) -> None:
        """Finish what was submitted and end the thread; a second close does nothing."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._thread.join(PATIENCE)

    def _enqueue(self, job: _Job) -> None:
        with self._gate:
            if self._closed:
                raise StoreError(f"the store {self._place} is closed")
            try:
                self._jobs.put(job, timeout=PATIENCE)
            except Full as error:
                raise self._unavailable("has too many writes waiting") from error

    def _unavailable(self, why: str) -> StoreUnavailableError:
        return StoreUnavailableError(f"the store {self._place} {why}", hint="Check its disk")

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, future = job
            if future.set_running_or_notify_cancel():
                self._answer(work, future)

    def _answer(self, work: Callable[[Connection], Any], future: Future[Any]) -> None:
        try:
            with translated(self._place), self._engine.begin() as connection:
                result = work(connection)
        except BaseException as error:  # noqa: BLE001 - it is the caller's: the thread serves the next one
            future.set_exception(error)
        else:
            future.set_result(result)
