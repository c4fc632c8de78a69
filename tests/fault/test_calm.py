"""The calm suite: what operators do on purpose, and what only looks like a fault, raises nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.celery import TESTS, Producer, Worker
from lab.redis import RedisServer
from lab.server import Server, celeriac
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(150)]

SETTLED = 9.0
"""Seconds after the last act in which a false alarm would have opened: the longest patience that silence has is 8 s."""


def watched_for(server: Server, seconds: float) -> None:
    """Wait until the server has judged the system as it was `seconds` after now."""
    until = time.time() + seconds
    wait_until(lambda: time.time() >= until and server.get("pulse"), seconds + 20, every=0.5, why="the time to pass")


def told(server: Server) -> list[tuple[str, str]]:
    """Every incident there ever was, as its kind and what it says."""
    return [(one["kind"], one["summary"]) for one in server.incidents()]


def done(server: Server, task_id: str, timeout: float = 60) -> None:
    wait_until(
        lambda: server.get(f"tasks/{task_id}")["verdict"] == "succeeded", timeout, every=0.2, why=f"{task_id} to end"
    )


def ready(server: Server) -> int | None:
    return next((one["ready"] for one in server.get("queues")["items"] if one["name"] == "celery"), None)


@contextmanager
def traffic(producer: Producer, every: float = 0.05) -> Iterator[list[str]]:
    """Short tasks, one after another, while the block runs; gives their ids."""
    sent: list[str] = []
    over = threading.Event()

    def send() -> None:
        while not over.wait(every):
            sent.append(producer.send("nap", 0.1))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield sent
    finally:
        over.set()
        thread.join()


def test_a_rolling_restart_under_load_whether_names_stay_or_change() -> None:
    with (
        ExitStack() as fleet,
        RedisServer() as redis,
        Server(redis.url) as server,
        Producer(redis.url) as producer,
    ):
        workers = [fleet.enter_context(Worker(redis.url, node=f"roll{number}@calm-roll")) for number in range(3)]
        for worker in workers:
            server.know(worker.node)
        with traffic(producer) as sent:
            for number, worker in enumerate(workers):
                worker.term()
                if number == 1:
                    fleet.enter_context(Worker(redis.url, node="another@calm-roll"))
                else:
                    worker.start()
        done(server, sent[-1])
        watched_for(server, SETTLED)
        assert told(server) == []
        fleet.close()


def test_tasks_that_wait_for_their_time_are_not_held_by_the_dead() -> None:
    with (
        RedisServer() as redis,
        Worker(redis.url, node="told@calm-eta", queues=("told",)),
        Worker(redis.url, node="untold@calm-eta", queues=("untold",), events=False),
        Producer(redis.url) as producer,
    ):
        tasks = [producer.send("noop", countdown=60, queue=queue) for queue in ("told", "untold")]
        with Server(redis.url) as server:
            server.know("told@calm-eta")
            server.know("untold@calm-eta")
            tasks += [producer.send("noop", countdown=60, queue=queue) for queue in ("told", "untold")]
            watched_for(server, 34)
            assert told(server) == []
            assert {server.get(f"tasks/{task}")["verdict"] for task in tasks} <= {"scheduled", "reserved"}


def test_a_neighbour_on_another_broker_or_another_database_may_die() -> None:
    """By the same node name, at that; a default name is the host's."""
    with (
        RedisServer() as redis,
        RedisServer() as other,
        Server(redis.url) as server,
        Worker(redis.url.replace("/0", "/1"), node="celery@calm-neighbour") as same_server,
        Worker(other.url, node="celery@calm-neighbour") as other_server,
    ):
        watched_for(server, 9)
        same_server.kill()
        other_server.kill()
        watched_for(server, 5)
        assert told(server) == []


def test_a_scale_in_to_nothing_with_work_running() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Producer(redis.url) as producer,
        Worker(redis.url, node="one@calm-scale") as one,
        Worker(redis.url, node="two@calm-scale") as two,
    ):
        server.know("one@calm-scale")
        server.know("two@calm-scale")
        tasks = [producer.send("nap", 2) for _ in range(6)]
        wait_until(lambda: server.get(f"tasks/{tasks[0]}")["verdict"] == "running", 30)
        one.term()
        for task in tasks:
            done(server, task)
        two.term()
        watched_for(server, 6)
        assert told(server) == []


def test_a_worker_without_heartbeats_is_at_most_worth_a_note() -> None:
    quiet = ("--without-heartbeat", "--without-gossip")
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Producer(redis.url) as producer,
        Worker(redis.url, node="mute@calm-mute", args=quiet),
    ):
        with traffic(producer, 0.5) as sent:
            watched_for(server, 6)
        done(server, sent[-1])
        looked = celeriac("diagnose", "--broker", redis.url, "--json", "--no-docker", "--for", "5")
        assert looked.code == 0, looked.out
        assert {one["severity"] for one in server.incidents()} <= {"info"}, told(server)


def test_a_solo_worker_in_the_middle_of_a_long_task_that_we_never_heard() -> None:
    with (
        RedisServer() as redis,
        Worker(redis.url, pool="solo", node="solo@calm-solo") as worker,
        Producer(redis.url) as producer,
    ):
        long = producer.send("nap", 18)
        wait_until(lambda: long in worker.output, 20, why="the task to be taken")
        producer.send("noop")
        with Server(redis.url) as server:
            last = producer.send("noop")
            done(server, last, 60)
            assert told(server) == []


def test_two_hundred_idle_workers() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Producer(redis.url) as producer,
        beating(producer, [f"idle{number}@calm-{number}" for number in range(200)]),
    ):
        wait_until(lambda: len(_all_workers(server)) >= 200, 30, why="all to be known")
        watched_for(server, SETTLED)
        assert {one["state"] for one in _all_workers(server)} == {"alive"}
        assert told(server) == []


@contextmanager
def beating(producer: Producer, nodes: Sequence[str]) -> Iterator[None]:
    """Celery's own heartbeats of workers that are elsewhere, every two seconds, while the block runs."""
    over = threading.Event()
    figures = {"freq": 2.0, "active": 0, "processed": 0, "loadavg": (0.1, 0.1, 0.1)}
    software = {"sw_ident": "py-celery", "sw_ver": "5.4.0", "sw_sys": "Linux"}

    def beat() -> None:
        with producer.app.connection_for_write() as connection:
            voices = [producer.app.events.Dispatcher(connection, hostname=node) for node in nodes]
            for number, voice in enumerate(voices):
                voice.pid = 4_000_000 + number
                voice.send("worker-online", **figures, **software)
            while not over.wait(2.0):
                for voice in voices:
                    voice.send("worker-heartbeat", **figures, **software)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _all_workers(server: Server) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = server.get("workers?limit=500")["items"]
    return items


def test_a_burst_of_five_thousand_tasks_that_drains() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Worker(redis.url, node="burst@calm-burst", concurrency=2),
        Producer(redis.url) as producer,
    ):
        server.know("burst@calm-burst")
        with producer.app.connection_for_write() as connection:
            door = producer.app.amqp.Producer(connection)
            tasks = [producer.send("noop", producer=door) for _ in range(5000)]
        done(server, tasks[-1], 90)
        wait_until(lambda: ready(server) == 0, 30)
        assert told(server) == []
        assert server.get(f"tasks/{tasks[2500]}")["verdict"] == "succeeded"


def test_workers_whose_clocks_are_off(tmp_path: Path) -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Worker(redis.url, node="behind@calm-clock", env=off(tmp_path / "behind", -30.0)) as behind,
        Worker(redis.url, node="ahead@calm-clock", env=off(tmp_path / "ahead", 30.0)) as ahead,
        Producer(redis.url) as producer,
    ):
        for worker in (behind, ahead):
            server.know(worker.node)
        for task in [producer.send("nap", 2) for _ in range(4)]:
            done(server, task)
        watched_for(server, 4)
        assert [one["state"] for one in server.get("workers")["items"]] == ["alive", "alive"]
        behind.term()
        ahead.term()
        watched_for(server, 6)
        assert told(server) == []
        assert [one["state"] for one in server.get("workers")["items"]] == ["stopped", "stopped"]


def off(place: Path, seconds: float) -> dict[str, str]:
    """The environment of a Python process whose clock is off by `seconds`."""
    place.mkdir()
    lines = ("import time", "clock = time.time", f"time.time = lambda: clock() + {seconds}", "")
    (place / "sitecustomize.py").write_text("\n".join(lines), encoding="utf-8")
    return {"PYTHONPATH": f"{place}:{TESTS}"}
