"""Ten workers really killed, by the kernel where a memory group can be made: how long until the incident is open?

From outside: native events, broker looks and host evidence; nothing in the user's processes. The clock starts when the
process is gone (its exit is waited for) and stops when the API first shows the open incident.
"""

from __future__ import annotations

import time
from statistics import median

from bench.report import Figure
from lab.celery import Producer, Worker
from lab.cgroup import MemoryLimit
from lab.redis import RedisServer
from lab.server import Server
from lab.wait import wait_until

RUNS = 10


def measure() -> list[Figure]:
    """Both deaths of a main process: by its memory limit, and by SIGKILL from outside."""
    figures = []
    for title, kind, run in (("memory limit", "worker-oom-killed", _by_memory), ("SIGKILL", "worker-lost", _by_signal)):
        taken = [run(kind) for _ in range(RUNS)]
        figures += [
            Figure(f"main process killed by {title}: median of {RUNS}", median(taken), "s", f"{kind} open; goal 6 s"),
            Figure(f"main process killed by {title}: worst of {RUNS}", max(taken), "s", "goal 6 s"),
        ]
    return figures


def _by_memory(kind: str) -> float:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        MemoryLimit(150) as group,
        Worker(redis.url, pool="solo", node="bench@lab") as worker,
        Producer(redis.url) as producer,
    ):
        group.take(worker.pid)
        server.know("bench@lab")
        producer.send("export", 1, 1000)
        worker.process.wait(timeout=60)
        return until_open(server, kind)


def _by_signal(kind: str) -> float:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        Worker(redis.url, node="bench@lab") as worker,
        Producer(redis.url) as producer,
    ):
        server.know("bench@lab")
        producer.send("nap", 30)
        worker.kill()
        return until_open(server, kind)


def until_open(server: Server, kind: str, cause: str | None = None) -> float:
    """Seconds from now to an open incident of this kind and, unless None, this cause."""
    died = time.monotonic()

    def is_open() -> bool:
        return any(one["kind"] == kind and cause in (None, one["cause"]) for one in server.incidents("open"))

    wait_until(is_open, timeout=60, every=0.05, why=f"{kind} {cause or ''}")
    return time.monotonic() - died
