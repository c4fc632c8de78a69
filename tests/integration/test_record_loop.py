"""The record loop on a real broker and a real store: parcels in, each once, nothing missing unsaid."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection

from celeriac.collector.stream import SHARED, StreamLoop
from celeriac.errors import StoreUnavailableError, TransportUnavailableError
from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot
from celeriac.model.parcel import Item, fact
from celeriac.store import Batch, Store
from celeriac.transport import open_inlet
from lab.parcels import Life, task
from lab.redis import RedisServer
from lab.server import celeriac
from lab.wait import wait_until

TESTS = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'store.db'}", busy_timeout=0.2)
    opened.record(Batch(1.0, gaps=()))
    yield opened
    opened.close()


@pytest.fixture
def broker(server: RedisServer) -> str:
    server.client().flushall()
    return server.url


@pytest.fixture
def life(broker: str) -> Iterator[Life]:
    one = Life(broker)
    yield one
    one.close()


def loop(broker: str, store: Store, reader: str = "lab") -> StreamLoop:
    return StreamLoop(open_inlet(Connection(broker), reader=reader), store)


def read(broker: str, store: Store, steps: int = 3) -> None:
    one = loop(broker, store)
    try:
        for _ in range(steps):
            one.step(time.time())
    finally:
        one.close()


def watched(store: Store) -> None:
    """Say that this store has been watching for long."""
    from celeriac.model.source import SourceMark

    store.record(Batch(1.0, marks=(SourceMark("record", 1.0),)))


def test_parcels_become_tasks_workers_and_evidence_and_leave_the_broker(
    server: RedisServer, broker: str, store: Store, life: Life
) -> None:
    beat = {"freq": 2.0, "processed": 1, "active": 0, "reserved": 3, "prefetch": 8, "slots": 2, "pool": "prefork"}
    level = Evidence("pool", time.time(), "worker", "pool-memory", "lab", "", "", 7, ("celery@lab",))
    life.ship(Item("worker-online", time.time(), None, beat), *task("a", peak=1000), fact(level))
    read(broker, store)

    found = store.task("a")
    assert found is not None and found.last is not None
    assert (found.state, found.last.child, found.last.peak_rss) == ("succeeded", 41, 1000)
    (worker,) = store.workers()
    assert worker.recorded_at is not None and worker.room is not None
    assert (worker.room.slots, worker.room.prefetch, worker.room.reserved) == (2, 8, 3)
    assert [one.what for one in store.evidence(0)] == ["pool-memory"]
    (peaks,) = store.memory()
    assert (peaks.name, peaks.tasks, peaks.max, peaks.worker) == ("lab.add", 1, 1000, "celery@lab")
    assert server.client().xlen("celeriac:record") == 0
    assert store.gaps(0) == ()


def test_an_empty_stream_is_a_read_too(broker: str, store: Store) -> None:
    before = time.time()
    read(broker, store)
    (mark,) = store.sources()
    assert mark.name == "record" and mark.mark >= before and mark.error is None


def test_two_servers_that_share_a_record_say_so_until_one_stops(
    broker: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("celeriac.transport.redis_inlet.READS_WITHIN", 2.5)
    other = loop(broker, store, "other")
    one = loop(broker, own := Store.open(f"sqlite:///{tmp_path / 'own.db'}"))
    try:
        one.step(time.time())
        assert own.blind_spots() == ()

        def seen() -> bool:
            return other.step(time.time()) and one.step(time.time()) and own.blind_spots() == (SHARED,)

        wait_until(seen, why="the other reader to be seen")
        other.close()
        wait_until(lambda: one.step(time.time()) and own.blind_spots() == (), why="it to be gone")
    finally:
        one.close()
        own.close()


def test_a_server_that_was_down_misses_nothing_and_takes_no_old_word_for_a_new_one(
    broker: str, store: Store, life: Life
) -> None:
    watched(store)
    life.ship(*task("before"))
    read(broker, store)
    old = time.time() - 30
    from celeriac.model.parcel import pack

    for number in range(40):
        items = task(f"t{number}", at=old)
        life.raw(pack(life.sender, life.next, items, old + 0.1))
        life.next += len(items)
    read(broker, store)

    assert store.task_counts() == {"succeeded": 41}
    assert store.gaps(0) == ()
    timeline = store.timeline("t1")
    assert all(event.seen < time.time() - 25 for event in timeline)


def test_numbers_that_are_skipped_are_holes_with_their_size_and_why(broker: str, store: Store, life: Life) -> None:
    watched(store)
    life.ship(*task("a"))
    life.drop(12)
    life.ship(*task("b"))
    life.packed(*task("never-arrives"))
    life.ship(*task("c"), last=True)
    read(broker, store)

    assert {(gap.cause, gap.size, gap.source, gap.worker) for gap in store.gaps(0)} == {
        ("buffer-full", 12, "record", "celery@lab"),
        ("trimmed", 3, "record", "celery@lab"),
    }


def test_a_hole_closes_when_what_was_missing_comes_late(broker: str, store: Store, life: Life) -> None:
    watched(store)
    life.ship(*task("a"))
    late = life.packed(*task("b"))
    life.ship(*task("c"))
    read(broker, store)
    assert [gap.size for gap in store.gaps(0)] == [3]

    life.raw(late)
    read(broker, store)
    assert store.gaps(0) == ()
    assert store.task_counts() == {"succeeded": 3}


def test_what_died_with_a_killed_process_is_counted_from_what_it_left_behind(
    broker: str, store: Store, life: Life
) -> None:
    watched(store)
    life.ship(*task("a"))
    data = {"boot": life.sender.boot, "last": 8, "started": time.time()}
    gone = Evidence("gone", time.time(), "worker", "process-gone", "lab", "", "", 7, ("celery@lab",), data=data)
    heir = Life(broker, pid=8)
    heir.ship(fact(gone))
    heir.close()
    read(broker, store)
    assert [(gap.cause, gap.size, gap.pid) for gap in store.gaps(0)] == [("killed", 5, 7)]


def test_what_a_process_of_another_system_left_behind_is_no_hole_of_ours(broker: str, store: Store, life: Life) -> None:
    watched(store)
    data = {"boot": "f" * 32, "last": 80, "started": time.time()}
    life.ship(fact(Evidence("gone", time.time(), "worker", "process-gone", "lab", "", "", 9, ("x@lab",), data=data)))
    read(broker, store)
    assert store.gaps(0) == ()


def test_the_same_parcels_again_change_nothing(broker: str, store: Store, life: Life) -> None:
    watched(store)
    body = life.packed(*task("a", peak=1000))
    for _ in range(3):
        life.raw(body)
    read(broker, store)
    life.raw(body)
    read(broker, store)

    assert store.task_counts() == {"succeeded": 1}
    assert len(store.timeline("a")) == 3
    assert [one.tasks for one in store.memory()] == [1]
    assert store.gaps(0) == ()


KILLED_BEFORE_ACK = """
import os, signal, sys, time
from kombu import Connection
from celeriac.collector.stream import SHARED, StreamLoop
from celeriac.store import Store
from celeriac.transport import open_inlet
inlet = open_inlet(Connection(sys.argv[1]), reader="lab")
inlet.acknowledge = lambda tags: tags and os.kill(os.getpid(), signal.SIGKILL)
loop = StreamLoop(inlet, Store.open(sys.argv[2]))
while True:
    loop.step(time.time())
"""


def test_a_server_killed_between_commit_and_acknowledgement_doubles_nothing(
    server: RedisServer, broker: str, tmp_path: Path, life: Life
) -> None:
    url = f"sqlite:///{tmp_path / 'killed.db'}"
    for number in range(10):
        life.ship(*task(f"t{number}", peak=1000))
    command = [sys.executable, "-c", KILLED_BEFORE_ACK, broker, url]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(TESTS)}, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert server.client().xlen("celeriac:record") == 10

    store = Store.open(url)
    try:
        assert store.task_counts() == {"succeeded": 10}, "committed before it was killed"
        read(broker, store)
        assert store.task_counts() == {"succeeded": 10}
        assert [one.tasks for one in store.memory()] == [10]
        assert store.gaps(0) == ()
        assert server.client().xlen("celeriac:record") == 0
    finally:
        store.close()


def test_a_store_that_cannot_be_written_acknowledges_nothing_and_goes_on_where_it_was(
    server: RedisServer, broker: str, store: Store, life: Life, tmp_path: Path
) -> None:
    one = loop(broker, store)
    one.step(time.time())
    life.ship(*task("a"))
    holder = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    for _ in range(2):
        with pytest.raises(StoreUnavailableError):
            one.step(time.time())
    assert server.client().xlen("celeriac:record") == 1
    holder.execute("ROLLBACK")
    holder.close()

    one.step(time.time())
    one.close()
    assert store.task_counts() == {"succeeded": 1}
    assert server.client().xlen("celeriac:record") == 0


@pytest.mark.parametrize(
    "junk",
    [b"", b"\xff\xfe", b"[]", b"{}", b'{"v": 9}', b'{"v": 1, "boot": 3}', b"null", b"[" * 5000],
    ids=repr,
)
def test_what_is_no_parcel_is_set_aside_and_the_rest_goes_on(
    server: RedisServer, broker: str, store: Store, life: Life, junk: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    life.raw(junk)
    life.ship(*task("a"))
    with caplog.at_level("WARNING", logger="celeriac"):
        read(broker, store)
    assert store.task_counts() == {"succeeded": 1}
    assert server.client().xlen("celeriac:record") == 0
    assert "junk-seen" in caplog.text


def test_odd_values_in_a_parcel_cost_nothing_else(broker: str, store: Store, life: Life) -> None:
    life.ship(Item("task-received", time.time(), "half", {"name": "a\ud800b", "n": 2**80, "x": float("nan")}))
    life.ship(*task("a"))
    read(broker, store)
    odd = store.task("half")
    assert odd is not None and odd.name == "a?b"
    assert store.task_counts() == {"succeeded": 1, "reserved": 1}


def test_a_parcel_that_no_store_takes_is_set_aside_alone(
    broker: str, store: Store, life: Life, caplog: pytest.LogCaptureFixture
) -> None:
    odd = Evidence("e", 1e308, "worker", "child-gone", "lab", "", "", 2**70)
    life.ship(*task("a"))
    life.ship(fact(odd), Item("task-received", time.time(), "x" * 10, {"retries": 2**90}))
    life.ship(*task("b"))
    with caplog.at_level("WARNING", logger="celeriac"):
        read(broker, store)
    assert store.task_counts().get("succeeded") == 2


def test_an_agent_marks_its_host_and_says_what_it_cannot_see(broker: str, store: Store) -> None:
    agent = Life(broker, node="hostb", role="agent")
    blind = BlindSpot("kernel log", "permission denied", "the cause of a SIGKILL")
    agent.ship(reads={"process": time.time(), "cgroup": time.time()}, blind_spots=(blind,))
    read(broker, store)
    marks = {one.name: one for one in store.sources()}
    assert {"process@lab", "cgroup@lab", "record"} == marks.keys()
    assert abs(marks["process@lab"].mark - time.time()) < 5
    assert [(one.what, one.why) for one in store.blind_spots()] == [("kernel log of lab", "permission denied")]

    agent.ship(reads={"process": time.time()}, last=True)
    agent.close()
    read(broker, store)
    stopped = next(one for one in store.sources() if one.name == "process@lab")
    assert stopped.error == "its agent was stopped" and stopped.mark > 0
    assert store.blind_spots() == ()


def test_a_diagnosis_leaves_the_record_to_the_server(server: RedisServer, broker: str, life: Life) -> None:
    life.ship(*task("a"))
    looked = celeriac("diagnose", "--broker", broker, "--json", "--for", "1")
    assert looked.err == ""
    assert server.client().xlen("celeriac:record") == 1
    assert server.client().xinfo_groups("celeriac:record") == []


def test_a_broker_that_never_gave_the_record_is_a_blind_spot_and_one_that_did_is_an_outage(
    broker: str, store: Store, life: Life
) -> None:
    with RedisServer() as other:
        late = Life(other.url)
        one = loop(other.url, store)
        other.stop()
        with pytest.raises(TransportUnavailableError):
            one.step(time.time())
        assert store.sources() == ()
        assert [spot.what for spot in store.blind_spots()] == ["record"]

        other.start()
        late.ship(*task("a"))
        late.close()
        one.step(time.time())
        assert store.blind_spots() == ()
        assert store.task_counts() == {"succeeded": 1}

        other.stop()
        with pytest.raises(TransportUnavailableError):
            one.step(time.time())
        one.close()
        (mark,) = store.sources()
        assert mark.error is not None and mark.mark > 0
