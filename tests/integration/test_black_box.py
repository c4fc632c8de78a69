"""What a worker's main process leaves behind when it is killed, and who tells of it."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from random import Random

import pytest
from kombu import Connection

from celeriac.model.evidence import Evidence
from celeriac.transport.place import system
from celeriac.worker.salvage import gone
from celeriac.worker.wrecks import Told, wrecks
from lab.celery import Producer, Worker
from lab.cgroup import MemoryLimit
from lab.record import Record, record
from lab.redis import RedisServer
from lab.wait import wait_until

pytestmark = pytest.mark.redis


def worker(redis: RedisServer, directory: Path, pool: str = "prefork") -> Worker:
    node = f"w-{uuid.uuid4().hex[:12]}@lab"
    return Worker(redis.url, app="lab.dying", node=node, pool=pool, concurrency=1, env={"TMPDIR": str(directory)})


def home(directory: Path) -> Path:
    return directory / f"celeriac-{os.geteuid()}"


def boxes(directory: Path) -> list[Path]:
    return list(home(directory).glob("*.flight"))


def salvaged(redis: RedisServer, directory: Path, told: Told | None = None) -> list[Evidence]:
    told = {} if told is None else told
    found = wrecks(home(directory), system(Connection(redis.url)), os.geteuid(), Random(1), told, 0.0)
    return [gone("lab", wreck, time.time()) for wreck in found]


def ends(read: Record) -> list[Evidence]:
    return [one for one in read.evidence if one.what == "process-gone"]


def test_the_next_worker_on_the_host_tells_of_one_that_was_killed(
    redis: RedisServer, tmp_path: Path, read: Record
) -> None:
    with Producer(redis.url) as send, worker(redis, tmp_path) as one:
        task = send.send("noop")
        read.until(lambda: read.story(task)[-1:] == ["succeeded"])
        wait_until(lambda: boxes(tmp_path), why="the worker to have a box")
        boot = read.of(one.node)[-1].sender.boot
        before = time.time()
        one.kill()
    with worker(redis, tmp_path) as other:
        read.until(lambda: ends(read), why="the other worker to tell of the dead one")
        other.term()

    (end,) = ends(read)
    parcels = read.of(one.node)
    assert (end.source, end.nodes, end.pid) == ("worker", (one.node,), one.pid)
    assert end.data["boot"] == boot
    shipped = max(parcel.first + parcel.size - 1 for parcel in parcels)
    assert shipped <= int(str(end.data["last"])) <= shipped + 50
    between: list[float] = end.data["between"]  # type: ignore[assignment]
    assert before - 5 < between[0] < between[1]


def test_a_worker_that_ends_as_it_should_leaves_nothing(redis: RedisServer, tmp_path: Path, read: Record) -> None:
    with worker(redis, tmp_path) as one:
        wait_until(lambda: boxes(tmp_path), why="the worker to have a box")
        one.term()
        assert boxes(tmp_path) == []
        read.until(lambda: read.closed(one.node))


def test_what_a_worker_could_not_hand_over_when_it_left_is_told_by_the_next(
    redis: RedisServer, tmp_path: Path, read: Record
) -> None:
    with worker(redis, tmp_path) as one:
        wait_until(lambda: boxes(tmp_path), why="the worker to have a box")
        redis.client().config_set("maxmemory", "1mb")
        one.term()
    (end,) = salvaged(redis, tmp_path)
    assert (end.data["left"], end.pid) == (True, one.pid)
    redis.client().config_set("maxmemory", "0")
    with worker(redis, tmp_path) as other:
        read.until(lambda: ends(read), why="the other worker to tell of it")
        other.term()
    assert [(told.pid, told.data["left"]) for told in ends(read)] == [(one.pid, True)]


def test_nobody_is_declared_dead_who_lives_and_nobody_twice(redis: RedisServer, tmp_path: Path, read: Record) -> None:
    with worker(redis, tmp_path) as one:
        wait_until(lambda: boxes(tmp_path), why="the worker to have a box")
        assert salvaged(redis, tmp_path) == []
        one.stop()
        assert salvaged(redis, tmp_path) == []
        one.kill()
        told: Told = {}
        assert len(salvaged(redis, tmp_path, told)) == 1
        assert salvaged(redis, tmp_path, told) == []


@pytest.mark.cgroup
def test_a_kill_for_memory_is_counted_against_what_the_dead_saw_last(redis: RedisServer, tmp_path: Path) -> None:
    with MemoryLimit(300) as group, worker(redis, tmp_path, "solo") as one, record(redis.url) as read:
        group.take(one.pid)
        read.until(lambda: any(fact.data.get("group") == group.path for fact in read.evidence))
        with Producer(redis.url) as send:
            send.send("export", 1, 500)
        one.process.wait(timeout=30)
        (end,) = salvaged(redis, tmp_path)

    assert end.data["cgroup"] == group.path
    assert end.data["kills_added"] == 1
