"""The record of one process: what happens in it is noted in microseconds and shipped by one daemon thread."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from random import Random
from time import monotonic, time
from typing import Any

from celeriac.loop import backoff
from celeriac.model.evidence import Evidence
from celeriac.model.parcel import Item, Sender, fact
from celeriac.transport import Outlet
from celeriac.worker.buffer import Buffer
from celeriac.worker.guard import guarded
from celeriac.worker.shipping import Shipping

FLUSH = 0.1
"""Seconds between two shipments while something waits."""
BRISK = 0.01
"""Seconds between two gatherings while there is something to gather: what others can keep for us is little."""
FULL = 400
"""Waiting items at which the shipper is woken before its time."""
_NOTHING: Mapping[str, Any] = {}


class Recorder:
    """One life of one process. Every method may be called from any thread; `note` never raises and never blocks.

    No thread runs before the first note, and none survives a fork: a forked process begins a record of its own. A
    signal handler may note, too: nothing that a note needs is a lock which its own thread could already hold.
    """

    def __init__(self, role: str, node: str, connect: Callable[[], Outlet], *, items: int, bytes_: int) -> None:
        self.sender = Sender(uuid.uuid4().hex, role, node, os.getpid(), socket.gethostname(), time())
        self.buffer = Buffer(items, bytes_)
        self.gather: Callable[[], object] = lambda: None
        """Called at least every FLUSH seconds in the shipping thread: notes what others have told this process."""
        self._shipping = Shipping(self.sender, self.buffer, connect)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._words: SimpleQueue[SimpleQueue[None] | None] = SimpleQueue()
        self._closing = False
        self._tick = FLUSH

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

    @guarded
    def missed(self, count: int) -> None:
        """Something happened `count` times, and what is not known: a hole in the record, of that size."""
        if count > 0:
            self.buffer.miss(count)

    @guarded
    def urge(self) -> None:
        """Ship what waits now, not at the next flush: somebody waits for this news."""
        if self._words.empty():
            self._words.put(None)

    @property
    def closed(self) -> bool:
        """Whether it takes nothing more."""
        return self._closing

    @property
    def cut_off(self) -> bool:
        """Whether the broker did not take what was shipped last."""
        return self._shipping.failures > 0

    @property
    def waits(self) -> bool:
        """Whether there is anything that is not at the broker yet."""
        return self._shipping.waits

    def flush(self, timeout: float) -> bool:
        """Wait until all that was noted is shipped, at most `timeout` seconds; true when it is."""
        deadline = monotonic() + timeout
        thread = self._thread
        while thread is not None and thread.is_alive() and self._shipping.waits and monotonic() < deadline:
            shipped: SimpleQueue[None] = SimpleQueue()
            self._words.put(shipped)
            try:
                shipped.get(timeout=max(0.0, deadline - monotonic()))
            except Empty:
                break
            if self._shipping.waits:
                thread.join(min(FLUSH, max(0.0, deadline - monotonic())))
        return not self._shipping.waits

    def close(self, timeout: float) -> None:
        """Ship the rest, say that nothing follows, and stop; whatever happens, within `timeout` seconds.

        What is noted afterwards stays unsaid. May be called again.
        """
        self._closing = True
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._words.put(None)
            thread.join(timeout)

    def _add(self, item: Item) -> None:
        waiting = self.buffer.add(item)
        if self._thread is None:
            self._begin()
        if waiting >= FULL:
            self.urge()

    def _begin(self) -> None:
        """Whoever comes while another thread, or this one under a signal, begins, need not wait for it."""
        if self._closing or not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="celeriac-record", daemon=True)
                thread.start()
                self._thread = thread
        finally:
            self._starting.release()

    def _run(self) -> None:
        random = Random()
        while not self._closing:
            asked = self._rest(backoff(self._shipping.failures, random) if self._shipping.failures else FLUSH)
            self._ship()
            if asked is not None:
                asked.put(None)
        self._ship(last=True)
        self._shipping.close()

    def _ship(self, *, last: bool = False) -> None:
        self._gather()
        self._shipping.ship(last=last)

    @guarded
    def _gather(self) -> None:
        before = self.buffer.last
        self.gather()
        self._tick = BRISK if self.buffer.last > before else FLUSH

    def _rest(self, pause: float) -> SimpleQueue[None] | None:
        """Until `pause` seconds are over, or somebody has news. A broker that is away is not asked more often for
        news, only for somebody who waits: the one that is returned."""
        end = monotonic() + pause
        while not self._closing and (left := end - monotonic()) > 0:
            try:
                word = self._words.get(timeout=min(self._tick, left))
            except Empty:
                self._gather()
                continue
            if word is not None or not self._shipping.failures:
                return word
        return None
