"""Why a child died, told from inside: real workers, real deaths."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from celeriac.model.evidence import Evidence
from lab.celery import Producer, Worker
from lab.cgroup import MemoryLimit
from lab.record import Record
from lab.redis import RedisServer
from lab.wait import wait_until

pytestmark = pytest.mark.redis


@pytest.fixture(autouse=True)
def _empty(redis: RedisServer) -> None:
    """What another test left waiting would be run here first."""
    redis.client().flushall()


def worker(
    redis: RedisServer,
    directory: Path,
    *args: str,
    conf: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
    concurrency: int = 2,
) -> Worker:
    return Worker(
        redis.url,
        app="lab.dying",
        node=f"w-{uuid.uuid4().hex[:12]}@lab",
        args=args,
        conf=conf,
        concurrency=concurrency,
        env={"TMPDIR": str(directory), **(env or {})},
    )


def deaths(read: Record, node: str) -> list[Evidence]:
    return [one for one in read.evidence if one.what == "child-gone" and node in one.nodes]


def levels(read: Record, node: str) -> list[Evidence]:
    return [one for one in read.evidence if one.what == "pool-memory" and node in one.nodes]


def death_of(read: Record, node: str, task_id: str) -> Evidence:
    """The death of the child that ran the task."""

    def told() -> list[Evidence]:
        return [one for one in deaths(read, node) if one.data["task_id"] == task_id]

    read.until(told, why=f"the death of the child that ran {task_id}")
    assert len(told()) == 1
    return told()[0]


def started(read: Record, task_id: str) -> int:
    """The child a task has begun on."""
    read.until(lambda: [one for one in read.events if one.kind == "task-started" and one.task_id == task_id])
    return int(str(read.one("task-started", task_id).data["child"]))


@pytest.mark.cgroup
def test_a_kill_by_the_kernel_is_told_from_a_kill_by_hand(
    redis: RedisServer, tmp_path: Path, read: Record, send: Producer
) -> None:
    with MemoryLimit(300) as group, worker(redis, tmp_path) as one:
        group.take(one.pid, *one.children)
        read.until(lambda: any(level.data["group"] == group.path for level in levels(read, one.node)))

        by_hand = death_of(read, one.node, send.send("die"))
        by_kernel = death_of(read, one.node, send.send("export", 1, 500))

    assert (by_hand.data["cause"], by_hand.data["signal"], by_hand.data["kills_added"]) == ("signal", 9, 0)
    assert (by_kernel.data["cause"], by_kernel.data["signal"], by_kernel.data["kills_added"]) == ("oom", 9, 1)
    assert by_kernel.data["limit"] == group.limit
    assert by_kernel.data["parent"] == one.pid
    assert by_kernel.data["task_name"] == "lab.export"
    assert read.one("task-started", str(by_kernel.data["task_id"])).data["child"] == by_kernel.pid


@pytest.mark.cgroup
def test_the_minute_before_a_kill_for_memory_shows_how_it_grew(
    redis: RedisServer, tmp_path: Path, read: Record, send: Producer
) -> None:
    with MemoryLimit(400) as group, worker(redis, tmp_path, env={"LAB_INSTALL": '{"memory_interval": 0.2}'}) as one:
        group.take(one.pid, *one.children)
        read.until(lambda: any(level.data["group"] == group.path for level in levels(read, one.node)))
        task = send.send("swell", 500, 2.0)
        death = death_of(read, one.node, task)
        read.until(lambda: any(event.kind == "task-failed" and event.task_id == task for event in read.events))

    curve: list[list[float]] = death.data["curve"]  # type: ignore[assignment]
    sizes = [size for _, size in curve]
    assert death.data["cause"] == "oom"
    assert max(sizes) > 200 << 20
    assert sizes[-1] == max(sizes)
    failed = read.one("task-failed", task).data
    assert failed["peak"] == death.data["peak"] == max(sizes)
    assert failed["curve"][-1][1] == max(sizes)  # type: ignore[index]


def test_crashes_limits_and_operators_are_told_apart(
    redis: RedisServer, tmp_path: Path, read: Record, send: Producer
) -> None:
    with worker(redis, tmp_path) as one:
        crash = death_of(read, one.node, send.send("segfault"))
        leave = death_of(read, one.node, send.send("leave", 3))
        quits = [death_of(read, one.node, send.send("quit", status)) for status in (0, 1)]
        limit = death_of(read, one.node, send.send("nap", 60, time_limit=1))
        task = send.send("nap", 60)
        child = started(read, task)
        send.app.control.revoke(task, terminate=True)
        revoke = death_of(read, one.node, task)

    assert [one.data["cause"] for one in (crash, leave, limit, revoke)] == [
        "segfault",
        "exit",
        "hard-time-limit",
        "operator",
    ]
    assert crash.data["signal"] == 11
    assert leave.data["exit_code"] == 3
    assert [(one.data["cause"], one.data["exit_code"], one.data["ended"]) for one in quits] == [
        ("exit", 0, 0),
        ("exit", 1, 0),
    ]
    assert revoke.pid == child
    assert {one.data["task_name"] for one in (limit, revoke)} == {"lab.nap"}
    assert {one.data["ended"] for one in (limit, crash)} == {0}


def test_a_death_is_told_in_a_moment(redis: RedisServer, tmp_path: Path, read: Record, send: Producer) -> None:
    with worker(redis, tmp_path) as one:
        task = send.send("nap", 60)
        child = started(read, task)
        os.kill(child, signal.SIGKILL)
        killed = time.time()
        death = death_of(read, one.node, task)
        told = time.time()
        wait_until(lambda: f"pid:{child} exited" in one.output, 20, why="Celery to log it")

    assert death.how == f"grep 'pid:{child} exited' WORKER.log"
    assert death.pid == child
    assert death.at - killed < 1.0
    assert told - killed < 2.0


def test_children_that_are_replaced_or_stopped_are_no_news(
    redis: RedisServer, tmp_path: Path, read: Record, send: Producer
) -> None:
    with worker(redis, tmp_path, "--max-tasks-per-child", "2") as one:
        first = set(one.children)
        tasks = [send.send("noop") for _ in range(4)]
        read.until(lambda: all(read.story(task)[-1:] == ["succeeded"] for task in tasks))
        read.until(lambda: first - set(one.children))
        send.app.control.pool_grow(1, destination=[one.node])
        read.until(lambda: len(one.children) == 3)
        send.app.control.pool_shrink(1, destination=[one.node])
        read.until(lambda: len(one.children) == 2)
        running = send.send("nap", 0.5)
        started(read, running)
        one.term()
        read.until(lambda: read.closed(one.node))

    assert deaths(read, one.node) == []
    assert read.story(running)[-1] == "succeeded"
    assert read.holes(one.node) == {}


def test_a_memory_bound_below_what_a_child_needs_is_told(
    redis: RedisServer, tmp_path: Path, read: Record, send: Producer
) -> None:
    with worker(redis, tmp_path, "--max-memory-per-child", "20000", concurrency=1) as one:
        for _ in range(20):  # told once a second at most
            send.send("noop")
        read.until(lambda: len(deaths(read, one.node)) >= 2)

    told = deaths(read, one.node)[0].data
    assert (told["cause"], told["ended"], told["exit_code"]) == ("recycled", 1, 155)
    assert told["max_memory"] == 20000 * 1024


def test_a_child_killed_because_it_was_not_ready_in_time_is_told(
    redis: RedisServer, tmp_path: Path, read: Record, send: Producer
) -> None:
    conf = {"worker_proc_alive_timeout": 1.0}
    env = {"LAB_INIT_SECONDS": "2.5"}
    args = ("--max-tasks-per-child", "1")
    with worker(redis, tmp_path, *args, conf=conf, env=env, concurrency=1) as one:
        send.send("noop")
        read.until(lambda: len(deaths(read, one.node)) >= 2)

    for death in deaths(read, one.node):
        assert (death.data["cause"], death.data["never_ready"], death.data["task_id"]) == ("up-timeout", True, None)


def test_a_child_that_dies_as_it_starts_is_told(
    redis: RedisServer, tmp_path: Path, read: Record, send: Producer
) -> None:
    broken = tmp_path / "broken"
    env = {"LAB_INIT_BROKEN": str(broken)}
    args = ("--max-tasks-per-child", "1")
    with worker(redis, tmp_path, *args, env=env, concurrency=1) as one:
        broken.touch()
        send.send("noop")
        read.until(lambda: len(deaths(read, one.node)) >= 3)

    for death in deaths(read, one.node):
        assert (death.data["cause"], death.data["exit_code"], death.data["ended"]) == ("exit", 1, 0)
        assert death.data["never_ready"] is not False


def test_a_cold_shutdown_is_no_death(redis: RedisServer, tmp_path: Path, read: Record, send: Producer) -> None:
    with worker(redis, tmp_path) as one:
        started(read, send.send("nap", 60))
        one.process.send_signal(signal.SIGQUIT)
        one.process.wait(timeout=60)
        read.until(lambda: read.closed(one.node))

    assert deaths(read, one.node) == []


@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_a_pool_without_processes_tells_its_own_memory(
    pool: str, redis: RedisServer, tmp_path: Path, read: Record, send: Producer
) -> None:
    with Worker(
        redis.url,
        app="lab.recorded",
        pool=pool,
        node=f"w-{uuid.uuid4().hex[:12]}@lab",
        env={"TMPDIR": str(tmp_path), "LAB_INSTALL": '{"memory_interval": 0.2}'},
    ) as one:
        task = send.send("export", 1, 50, 1.0)
        read.until(lambda: read.story(task)[-1:] == ["succeeded"])
        read.until(lambda: levels(read, one.node))

    level = levels(read, one.node)[-1].data
    assert (level["pool"], level["children"], level["parent"]) == (pool, [], one.pid)
    assert int(str(level["main_rss"])) > 10 << 20
    done = read.one("task-succeeded", task).data
    assert ("peak" in done) == (pool == "solo")


def test_a_pools_memory_is_told_with_its_tasks(
    redis: RedisServer, tmp_path: Path, read: Record, send: Producer
) -> None:
    with worker(redis, tmp_path, env={"LAB_INSTALL": '{"memory_interval": 0.2}'}) as one:
        read.until(lambda: [level for level in levels(read, one.node) if level.data["baseline"]], why="a fresh child")
        task = send.send("export", 1, 100, 3.0)
        child = started(read, task)

        def row() -> list[object]:
            rows = [row for level in levels(read, one.node) for row in level.data["children"]]  # type: ignore[attr-defined]
            return next((row for row in rows if row[0] == child and row[3] == task and row[1] > 100 << 20), [])

        assert read.until(row)[4] == "lab.export"
        read.until(lambda: read.story(task)[-1:] == ["succeeded"])
        read.until(lambda: "lab.export" in levels(read, one.node)[-1].data["peaks"])  # type: ignore[operator]

    done = read.one("task-succeeded", task).data
    assert int(str(done["peak"])) > 100 << 20
    assert 3 <= len(done["curve"]) <= 30  # type: ignore[arg-type]
    last = levels(read, one.node)[-1].data
    tasks, p50, p95, most, near_at = last["peaks"]["lab.export"]  # type: ignore[index]
    assert tasks == 1
    assert abs(near_at - read.one("task-succeeded", task).at) < 1.0
    assert p50 <= p95 <= most == done["peak"]
    assert int(str(last["baseline"])) > 10 << 20
    assert len(last["trend"]) >= 2  # type: ignore[arg-type]


def test_looking_at_memory_can_be_off_and_deaths_are_told_still(
    redis: RedisServer, tmp_path: Path, read: Record, send: Producer
) -> None:
    with worker(redis, tmp_path, env={"LAB_INSTALL": '{"memory_interval": 0}'}) as one:
        death = death_of(read, one.node, send.send("die"))

    assert (death.data["cause"], death.data["curve"], death.data["rss"]) == ("signal", [], None)
    assert levels(read, one.node) == []
