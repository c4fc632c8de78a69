"""Ingest rate, query and page latency, and memory, with a million tasks in the store.

BENCH_TASKS in the environment sets another number of tasks.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from bench.report import Figure
from celeriac.model.event import Event, fingerprint
from celeriac.model.source import SourceMark
from celeriac.store import Batch, Store, TaskQuery
from celeriac.store.query import Condition, fits
from lab.redis import RedisServer
from lab.server import Server

BATCH = 2_000
NAMES = tuple(f"shop.tasks.job_{number}" for number in range(40))
DAY = 86_400.0
BEGAN = time.time() - DAY
PAGES = ("/", "/tasks", "/tasks?q=state%3Afailed", "/queues", "/workers", "/incidents", "/api/v1/pulse")


def lifecycle(number: int, total: int) -> Iterator[Event]:
    """The four events of one task, as Celery sends them; two in a hundred fail."""
    at = BEGAN + DAY * number / total
    task_id = str(UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128))
    worker = f"celery@host-{number % 8}"
    failed = number % 50 == 0
    told: dict[str, dict[str, object]] = {
        "task-sent": {"name": NAMES[number % 40], "queue": "celery", "retries": 0},
        "task-received": {
            "name": NAMES[number % 40],
            "args": f"({number}, 'customer-{number % 977}')",
            "kwargs": "{'format': 'csv', 'columns': ['id', 'name', 'total']}",
            "retries": 0,
        },
        "task-started": {},
        "task-failed" if failed else "task-succeeded": (
            {"exception": "ConnectionError('no route')", "traceback": "Traceback (most recent call last):\n" * 12}
            if failed
            else {"result": "'exports/done.csv'", "runtime": 0.25}
        ),
    }
    for step, (kind, data) in enumerate(told.items()):
        when = at + step * 0.3
        origin = "gen1@web" if kind == "task-sent" else worker
        yield Event(
            fingerprint(task_id, kind), kind, when, when, "celery-events", origin, 41 + number % 8, task_id, data
        )


def stream(first: int, count: int, total: int) -> Iterator[Event]:
    """The events of `count` tasks, forty lifecycles interleaved at a time."""
    for start in range(first, first + count, 40):
        group = [list(lifecycle(number, total)) for number in range(start, min(start + 40, first + count))]
        yield from (events[step] for step in range(4) for events in group)


def ingest(store: Store, events: Iterator[Event], batch: int) -> dict[str, float]:
    """Record everything in batches; events/s of the store alone, and its slowest batch."""
    spent: list[float] = []
    processor = count = 0.0
    while chunk := tuple(islice(events, batch)):
        now = chunk[-1].seen
        began, used = time.perf_counter(), time.process_time()
        store.record(Batch(now=now, events=chunk, marks=(SourceMark("celery-events", now),)))
        spent.append(time.perf_counter() - began)
        processor += time.process_time() - used
        count += len(chunk)
    return {
        "events": count,
        "events_per_second": round(count / sum(spent)),
        "cpu_us_per_event": round(1e6 * processor / count, 1),
        "worst_batch_ms": round(1e3 * max(spent), 1),
    }


def latency(ask: Callable[[], object]) -> float:
    """Milliseconds of the median of 21 calls."""

    def once() -> float:
        began = time.perf_counter()
        ask()
        return time.perf_counter() - began

    return round(1e3 * statistics.median(once() for _ in range(21)), 2)


def pages(store: Store, total: int) -> dict[str, float]:
    """Milliseconds of what the dashboard asks for most."""
    some = str(UUID(int=(total // 2 * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128))
    failures = fits("term", "failed")
    deep = store.tasks(failures, limit=500).next
    return {
        "failures_page": latency(lambda: store.tasks(failures)),
        "failures_page_deep": latency(lambda: store.tasks(failures, after=deep)),
        "name_and_state_page": latency(
            lambda: store.tasks(TaskQuery((Condition("name", (NAMES[7],)), Condition("term", ("succeeded",)))))
        ),
        "name_prefix_page": latency(lambda: store.tasks(fits("name", "shop.tasks.job_3*"))),
        "rare_text_page": latency(lambda: store.tasks(fits("text", "nowhere"))),
        "task_by_id": latency(lambda: store.task(some)),
        "timeline": latency(lambda: store.timeline(some)),
        "task_counts": latency(store.task_counts),
        "view": latency(lambda: store.view(BEGAN + DAY)),
    }


def resident() -> float:
    """Megabytes of this process."""
    return _resident(os.getpid())


def measure() -> list[Figure]:
    """An empty store that is filled to size, its queries, then a real server over it and its pages."""
    total = int(os.environ.get("BENCH_TASKS", "1000000"))
    with TemporaryDirectory(prefix="celeriac-bench-") as folder:
        path = Path(folder) / "store.db"
        figures = _store(path, total)
        return [*figures, *_server(path)]


def _store(path: Path, total: int) -> list[Figure]:
    store = Store.open(f"sqlite:///{path}")
    try:
        share = min(20_000, total // 2)
        empty = ingest(store, stream(0, share, total), BATCH)
        ingest(store, stream(share, total - 2 * share, total), 10 * BATCH)
        full = ingest(store, stream(total - share, share, total), BATCH)
        asked = pages(store, total)
        return [
            Figure(
                "ingest into an empty store",
                empty["events_per_second"],
                "events/s",
                f"batches of {BATCH:,}, with event rows",
            ),
            Figure("ingest into the full store", full["events_per_second"], "events/s", f"{total:,} tasks"),
            Figure("CPU per event, full store", full["cpu_us_per_event"], "µs"),
            Figure("worst batch, full store", full["worst_batch_ms"], "ms"),
            *(Figure(f"store: {name.replace('_', ' ')}", value, "ms", "median of 21") for name, value in asked.items()),
            Figure("memory of the process that ingested it all", resident(), "MB", "RSS"),
            Figure("disk per task", path.stat().st_size / total, "bytes", "with event rows, which are kept a day"),
        ]
    finally:
        store.close()


def _server(path: Path) -> list[Figure]:
    figures = []
    with RedisServer() as redis, Server(redis.url, store=path) as server:
        for page in PAGES:
            taken = latency(partial(_fetch, server.url + page))
            figures.append(Figure(f"GET {page}", taken, "ms", "median of 21, over HTTP"))
        figures.append(Figure("memory of the server", _resident(server.process.pid), "MB", "RSS, after those requests"))
    return figures


def _fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:
        content: bytes = answer.read()
        return content


def _resident(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
