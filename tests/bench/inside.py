"""Deaths with the recorder in the worker, and with the agent on its host: how long until the incident is open?

The server looks at no host here: it sits, as it often does, on another one. The clock starts when the process has ended
and stops when the API first shows the open incident, with the cause it must have.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from statistics import median

from bench.detection import until_open
from bench.report import Figure
from celeriac.store import Store
from lab.agent import BLIND, Agent
from lab.celery import Producer, Worker
from lab.cgroup import MemoryLimit
from lab.redis import RedisServer
from lab.server import Server
from lab.wait import wait_until

RUNS = int(os.environ.get("BENCH_RUNS", "10"))


def measure() -> list[Figure]:
    """A child by its memory limit, told by the recorder; a main process by that and by SIGKILL, told by the agent."""
    cases: tuple[tuple[str, Callable[[], float], float, float], ...] = (
        ("child killed by its memory limit, recorder", _child, 1, 2),
        ("main process killed by its memory limit, agent", _main_by_memory, 3, 3),
        ("main process killed by SIGKILL, agent", _main_by_signal, 3, 3),
    )
    figures = []
    for title, run, usual, worst in cases:
        taken = [run() for _ in range(RUNS)]
        figures += [
            Figure(f"{title}: median of {RUNS}", median(taken), "s", f"incident with its cause open; goal {usual} s"),
            Figure(f"{title}: worst of {RUNS}", max(taken), "s", f"goal {worst} s"),
        ]
        print(f"   {title}: {', '.join(f'{one:.2f}' for one in taken)}", flush=True)
    return figures


def _child() -> float:
    with (
        RedisServer() as redis,
        Server(redis.url, under=BLIND) as server,
        MemoryLimit(150) as group,
        Worker(redis.url, app="lab.recorded", concurrency=1, events=False, node="child@bench") as worker,
        Producer(redis.url) as producer,
    ):
        group.take(worker.pid, *worker.children)
        server.know("child@bench")
        ended = os.pidfd_open(worker.children[0])
        producer.send("export", 1, 1000)
        select.select([ended], [], [], 60)
        os.close(ended)
        return until_open(server, "worker-oom-killed", "child")


def _main_by_memory() -> float:
    with (
        RedisServer() as redis,
        Server(redis.url, under=BLIND) as server,
        Agent(redis.url),
        MemoryLimit(150) as group,
        Worker(redis.url, app="lab.recorded", pool="solo", events=False, node="main@bench") as worker,
        Producer(redis.url) as producer,
    ):
        group.take(worker.pid)
        _watched(server, worker)
        producer.send("export", 1, 1000)
        worker.process.wait(timeout=60)
        return until_open(server, "worker-oom-killed", "container")


def _main_by_signal() -> float:
    with (
        RedisServer() as redis,
        Server(redis.url, under=BLIND) as server,
        Agent(redis.url),
        Worker(redis.url, app="lab.recorded", events=False, node="main@bench") as worker,
    ):
        _watched(server, worker)
        worker.kill()
        return until_open(server, "worker-lost", "sigkill")


def _watched(server: Server, worker: Worker) -> None:
    """Wait until the worker was heard, and the agent's look at it has come through."""
    server.know(worker.node)
    store = Store.existing(server.store)
    try:
        wait_until(
            lambda: any(one.what == "process" and one.pid == worker.pid for one in store.evidence(0.0)),
            timeout=30,
            every=0.1,
            why="the agent's look at the worker",
        )
    finally:
        store.close()
