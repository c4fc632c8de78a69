"""The recorder: all that is noted is shipped once, in order; a broker that is away costs bounded memory and no time."""

from __future__ import annotations

import os
import signal
import threading
import time
import tracemalloc
from collections.abc import Callable

import pytest

from celeriac.errors import TransportError, TransportUnavailableError
from celeriac.model.parcel import Parcel, unpack
from celeriac.worker.recorder import Recorder
from lab.wait import wait_until


class Shelf:
    """An Outlet that keeps what it is given; `fault` is raised instead while it is set."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.fault: Exception | None = None
        self.tries = 0

    def send(self, parcel: bytes) -> None:
        self.tries += 1
        if self.fault is not None:
            raise self.fault
        self.bodies.append(parcel)

    def close(self) -> None:
        """Nothing to drop."""

    @property
    def parcels(self) -> list[Parcel]:
        return [unpack(body, 0.0) for body in self.bodies]

    @property
    def tasks(self) -> list[str | None]:
        return [event.task_id for parcel in self.parcels for event in parcel.events]


def recorder(connect: Callable[[], Shelf], items: int = 1000) -> Recorder:
    return Recorder("producer", "gen1@lab", connect, items=items, bytes_=10**7)


def names(count: int) -> list[str]:
    return [f"t{number}" for number in range(count)]


def test_all_that_is_noted_is_shipped_in_order_and_the_end_is_said() -> None:
    shelf = Shelf()
    record = recorder(lambda: shelf, items=10_000)
    for name in names(1200):
        record.note("task-sent", name, {"name": "a"})
    record.close(10)
    assert shelf.tasks == names(1200)
    assert [parcel.last for parcel in shelf.parcels][-1]
    numbers = [n for parcel in shelf.parcels for n in range(parcel.first, parcel.first + parcel.size)]
    assert numbers == list(range(1, 1201))


def test_nothing_noted_is_no_thread_and_no_parcel() -> None:
    shelf = Shelf()
    record = recorder(lambda: shelf)
    assert record.flush(1)
    record.close(1)
    assert shelf.tries == 0


def test_a_broker_that_is_away_costs_no_time_bounded_memory_and_is_not_hammered() -> None:
    shelf = Shelf()
    shelf.fault = TransportUnavailableError("refused")
    record = recorder(lambda: shelf, items=500)
    record.note("task-sent", "first")
    wait_until(lambda: shelf.tries > 0)
    tracemalloc.start()
    began = time.monotonic()
    for number in range(50_000):
        record.note("task-sent", f"task {number}", {"args": "x" * 100})
        record.urge()
    took = time.monotonic() - began
    assert tracemalloc.get_traced_memory()[0] < 2_000_000
    tracemalloc.stop()
    assert took < 25
    assert shelf.tries < 20 + took * 10
    assert len(record.buffer) <= 500
    shelf.fault = None
    record.close(10)
    assert shelf.tasks[-1] == "task 49999"
    assert len(shelf.tasks) + shelf.parcels[-1].dropped == 50_001
    assert shelf.parcels[-1].last


def test_what_the_broker_will_never_take_is_a_hole_and_the_rest_follows() -> None:
    shelf = Shelf()
    shelf.fault = TransportError("too big")
    record = recorder(lambda: shelf)
    record.note("task-sent", "a")
    assert record.flush(10)
    shelf.fault = None
    record.note("task-sent", "b")
    record.close(10)
    assert (shelf.tasks, shelf.parcels[-1].dropped) == (["b"], 1)


def test_no_fault_ends_the_shipping() -> None:
    shelves: list[Shelf] = []

    def connect() -> Shelf:
        shelf = Shelf()
        shelf.fault = RuntimeError("a bug of ours") if not shelves else None
        shelves.append(shelf)
        return shelf

    record = recorder(connect)
    record.note("task-sent", "a")
    wait_until(lambda: len(shelves) > 1 and shelves[-1].tasks == ["a"])
    record.close(10)


def test_an_item_that_json_cannot_say_goes_without_its_data() -> None:
    shelf = Shelf()
    record = recorder(lambda: shelf)
    loop: dict[str, object] = {}
    loop["self"] = loop
    record.note("task-sent", "good", {"name": "a"})
    record.note("task-sent", "bad", {"payload": [loop]})
    record.close(10)
    events = [event for parcel in shelf.parcels for event in parcel.events]
    assert [(event.task_id, dict(event.data)) for event in events] == [("good", {"name": "a"}), ("bad", {})]


def test_closing_ends_in_time_when_the_broker_hangs() -> None:
    hang = threading.Event()

    class Stuck(Shelf):
        def send(self, parcel: bytes) -> None:
            hang.wait(30)

    record = recorder(Stuck)
    record.note("task-sent", "a")
    began = time.monotonic()
    record.close(0.3)
    assert time.monotonic() - began < 5
    hang.set()


def test_the_end_is_said_after_a_failure_too() -> None:
    shelf = Shelf()
    shelf.fault = TransportUnavailableError("away")
    record = recorder(lambda: shelf)
    record.note("task-sent", "a")
    wait_until(lambda: shelf.tries > 0)
    shelf.fault = None
    record.close(10)
    assert (shelf.tasks, shelf.parcels[-1].last) == (["a"], True)


def test_what_others_told_is_gathered_while_the_broker_is_away() -> None:
    shelf = Shelf()
    shelf.fault = TransportUnavailableError("away")
    record = recorder(lambda: shelf)
    gathered = threading.Event()
    record.note("task-sent", "a")
    wait_until(lambda: shelf.tries > 3, timeout=20)
    record.gather = gathered.set
    assert gathered.wait(2)
    record.close(1)


def test_a_signal_handler_that_notes_while_its_thread_notes_ends_in_no_deadlock() -> None:
    shelf = Shelf()
    record = recorder(lambda: shelf, items=100_000)
    before = signal.signal(signal.SIGPROF, lambda *_: record.note("task-sent", "inner"))
    try:
        signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
        for number in range(20_000):
            record.note("task-sent", f"{number}")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    record.close(20)
    inner = shelf.tasks.count("inner")
    assert inner > 0
    assert len(shelf.tasks) == 20_000 + inner
    numbers = [n for parcel in shelf.parcels for n in range(parcel.first, parcel.first + parcel.size)]
    assert numbers == list(range(1, 20_001 + inner))


def test_a_record_belongs_to_the_process_that_began_it() -> None:
    sender = recorder(Shelf).sender
    assert sender.pid == os.getpid()
    assert sender.boot != recorder(Shelf).sender.boot


@pytest.mark.parametrize("fault", [TransportUnavailableError("away"), RuntimeError("bug")])
def test_flushing_gives_up_in_time(fault: Exception) -> None:
    shelf = Shelf()
    shelf.fault = fault
    record = recorder(lambda: shelf)
    record.note("task-sent", "a")
    assert record.flush(0.3) is False
    record.close(1)
