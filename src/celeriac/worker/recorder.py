"""The record of one process: what happens in it is noted in a microsecond and shipped by one daemon thread."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from random import Random
from time import monotonic, time
from typing import Any

from celeriac.errors import TransportError, TransportUnavailableError
from celeriac.loop import backoff
from celeriac.model.evidence import Evidence
from celeriac.model.parcel import Item, Sender, fact, pack
from celeriac.telemetry import RecordDropped, RecordShipping, emit
from celeriac.transport import Outlet
from celeriac.worker.buffer import Buffer, Load
from celeriac.worker.guard import guarded, tell

FLUSH = 0.1
"""Seconds between two shipments while something waits."""
BATCH_ITEMS, BATCH_BYTES = 500, 256 * 1024
FULL = 400
"""Waiting items at which the shipper is woken before its time."""
_NOTHING: Mapping[str, Any] = {}


class Recorder:
    """One life of one process. Every method may be called from any thread; `note` never raises and never blocks.

    No thread runs before the first note, and none survives a fork: a forked process begins a record of its own (see
    `renewed`).
    """

    def __init__(self, role: str, node: str, connect: Callable[[], Outlet], *, items: int, bytes_: int) -> None:
        self.sender = Sender(uuid.uuid4().hex, role, node, os.getpid(), socket.gethostname())
        self.buffer = Buffer(items, bytes_)
        self._connect = connect
        self._outlet: Outlet | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._idle = threading.Event()
        self._unsent: tuple[bytes, int] | None = None
        self._failures = 0
        self._told_dropped = 0

    @guarded
    def note(
        self, kind: str, task_id: str | None = None, data: Mapping[str, Any] = _NOTHING, at: float | None = None
    ) -> None:
        """Something happened, now unless `at` (Unix seconds) says when. `data` must not change afterwards."""
        self._add(Item(kind, time() if at is None else at, task_id, data))

    @guarded
    def note_fact(self, evidence: Evidence) -> None:
        """A fact about this process's host or children."""
        self._add(fact(evidence))

    def urge(self) -> None:
        """Ship what waits now, not at the next flush: somebody waits for this news."""
        self._wake.set()

    def flush(self, timeout: float) -> bool:
        """Wait until all that was noted is shipped, at most `timeout` seconds; true when it is."""
        deadline = monotonic() + timeout
        while (len(self.buffer) or self._unsent) and self._thread is not None and monotonic() < deadline:
            self._idle.clear()
            self._wake.set()
            self._idle.wait(min(0.05, max(0.0, deadline - monotonic())))
        return not len(self.buffer) and self._unsent is None

    def close(self, timeout: float) -> None:
        """Ship the rest, say that nothing follows, and stop; whatever happens, within `timeout` seconds."""
        if self._thread is None:
            return
        deadline = monotonic() + timeout
        self.flush(timeout)
        self._stop.set()
        self._wake.set()
        self._thread.join(max(0.0, deadline - monotonic()))

    def _add(self, item: Item) -> None:
        waiting = self.buffer.add(item)
        if self._thread is None:
            self._begin()
        if waiting >= FULL:
            self._wake.set()

    def _begin(self) -> None:
        with self._starting:
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(target=self._run, name="celeriac-record", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        random = Random()
        while not self._stop.is_set():
            pause = FLUSH if not self._failures else backoff(self._failures, random)
            self._wake.wait(pause)
            self._wake.clear()
            self._ship()
        self._ship(last=True)
        if self._outlet is not None:
            self._outlet.close()

    def _ship(self, *, last: bool = False) -> None:
        """Everything that waits, as far as the broker takes it. Never raises: this thread must outlive any fault."""
        try:
            while self._send_next(last=last):
                pass
            self._say_dropped()
        except TransportUnavailableError as error:
            self._failed(error)
        except Exception as error:
            tell("Recorder.ship", error)
            self._failures += 1
        finally:
            self._idle.set()

    def _send_next(self, *, last: bool) -> bool:
        """Ship one parcel; true when another may follow."""
        if self._unsent is None:
            load = self.buffer.take(BATCH_ITEMS, BATCH_BYTES)
            if load is None and not last:
                return False
            self._unsent = self._packed(load, last=last)
        body, count = self._unsent
        if self._outlet is None:
            self._outlet = self._connect()
        try:
            self._outlet.send(body)
        except TransportUnavailableError:
            raise
        except TransportError as error:
            tell("Recorder.send", error)
            self.buffer.lose(count)
        self._unsent = None
        self._recovered()
        return len(self.buffer) > 0

    def _packed(self, load: Load | None, *, last: bool) -> tuple[bytes, int]:
        load = load or Load(self.buffer.last + 1, (), self.buffer.dropped)
        ends = last and not len(self.buffer)
        body = pack(self.sender, load.first, load.items, time(), dropped=load.dropped, last=ends)
        return body, len(load.items)

    def _failed(self, error: TransportError) -> None:
        self._failures += 1
        if self._failures == 1:
            emit(RecordShipping("paused", str(error)))
        self._say_dropped()

    def _recovered(self) -> None:
        if self._failures:
            emit(RecordShipping("resumed", f"after {self._failures} failures"))
        self._failures = 0

    def _say_dropped(self) -> None:
        """Once when it begins and once when it is over, not for each item."""
        dropped = self.buffer.dropped
        if dropped == self._told_dropped or (self._told_dropped and self._failures):
            return
        self._told_dropped = dropped
        emit(RecordDropped(dropped))
