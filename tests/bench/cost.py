"""What watching costs: a no-op task on prefork with nothing, Celery's events, Celeriac, OpenTelemetry and Sentry.

Interleaved: each round runs every mode once, in another order, so that a busy minute on the machine hits them alike.
A queue is filled by a producer, then drained by a fresh worker; measured from 90 % to 10 % of the queue. What a mode
adds is its difference to `nothing` of the same round. BENCH_ROUNDS and BENCH_TASKS in the environment set other sizes;
BENCH_MODES (comma-separated) leaves modes out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple

import redis

from bench.process import MB, memory, processor, threads
from bench.report import Figure, columns, table
from lab.celery import Worker
from lab.redis import RedisServer
from lab.wait import wait_until

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
TASKS = min(int(os.environ.get("BENCH_TASKS", "3000")), 20_000)
MODES = ("nothing", "events", "celeriac", "keepalive", "opentelemetry", "sentry")
NAMES = {
    "nothing": "nothing",
    "events": "Celery's events (three flags)",
    "celeriac": "`celeriac.install(app)`",
    "keepalive": "`celeriac.install(app)`, `celeriac_keepalive`",
    "opentelemetry": "OpenTelemetry, null exporter",
    "sentry": "Sentry, errors only, null transport",
}
GOALS = (("child", 30), ("main", 50), ("delay", 20))
"""Microseconds of processor time that Celeriac may add to a task."""
TESTS = Path(__file__).resolve().parent.parent
PRODUCER = """
import json, sys, time
from bench.costed import app, noop
count = int(sys.argv[1])
for number in range(100):
    noop.delay(number, customer=f"c{number}")
used, mine = time.process_time(), time.thread_time()
for number in range(count):
    noop.delay(number, customer=f"c{number}")
print(json.dumps([(time.process_time() - used) / count, (time.thread_time() - mine) / count]))
"""


class Run(NamedTuple):
    """One mode in one round. Microseconds of processor time per task, bytes, tasks per second.

    `delay` is of the whole producing process, `caller` of the thread that called `delay()` alone. `child_uss` and
    `child_threads` are of the pool child that has most.
    """

    mode: str
    rate: float
    main: float
    child: float
    broker: float
    delay: float
    caller: float
    main_pss: float
    child_pss: float
    child_uss: float
    child_threads: float


class Spent(NamedTuple):
    """Clocks at one moment: ours, the queue's depth, and processor seconds so far."""

    at: float
    left: int
    main: float
    children: float
    broker: float


def measure() -> str:
    """The section of the report."""
    modes = tuple(os.environ.get("BENCH_MODES", ",".join(MODES)).split(","))
    random = Random(4711)
    rounds = []
    for number in range(ROUNDS):
        order = random.sample(modes, len(modes))
        rounds.append({mode: _run(mode) for mode in order})
        print(f"   round {number + 1} of {ROUNDS}", flush=True)
    return "\n\n".join([_absolute(rounds, modes), _added(rounds, modes), _verdict(rounds)])


def _run(mode: str) -> Run:
    env = {"BENCH_MODE": mode, "PYTHONPATH": str(TESTS)}
    with RedisServer() as server:
        env["BENCH_BROKER"] = server.url
        delay, caller = _produced(env)
        with Worker(
            server.url,
            app="bench.costed",
            events=False,
            node=f"{mode}@bench",
            args=("--without-mingle", "-l", "WARNING"),
            env={**env, "BENCH_ROLE": "worker"},
            ready=False,
        ) as worker:
            return _drained(mode, worker, server, delay, caller)


def _produced(env: dict[str, str]) -> tuple[float, float]:
    run = subprocess.run(
        [sys.executable, "-c", PRODUCER, str(TASKS)],
        env={**os.environ, **env, "BENCH_ROLE": "producer"},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    whole, caller = json.loads(run.stdout.splitlines()[-1])
    return 1e6 * whole, 1e6 * caller


def _drained(mode: str, worker: Worker, server: RedisServer, delay: float, caller: float) -> Run:
    client = server.client()
    before = _spent_at(0.9, client, worker, server)
    after = _spent_at(0.1, client, worker, server)
    done = before.left - after.left
    wait_until(lambda: not client.llen("celery"), timeout=120, every=0.1, why="the queue to be empty")
    sizes = [memory(pid) for pid in worker.children]
    return Run(
        mode,
        done / (after.at - before.at),
        1e6 * (after.main - before.main) / done,
        1e6 * (after.children - before.children) / done,
        1e6 * (after.broker - before.broker) / done,
        delay,
        caller,
        memory(worker.pid).pss,
        max(one.pss for one in sizes),
        max(one.uss for one in sizes),
        max(threads(pid) for pid in worker.children),
    )


def _spent_at(share: float, client: redis.Redis, worker: Worker, server: RedisServer) -> Spent:
    """The clocks when at most this share of the queue is left."""

    def reached() -> Spent | None:
        left = int(client.llen("celery"))
        if left > share * TASKS:
            return None
        children = sum(processor(pid) for pid in worker.children)
        return Spent(time.perf_counter(), left, processor(worker.pid), children, processor(server.pid))

    found = wait_until(reached, timeout=300, every=0.01, why=f"{share:.0%} of the queue to be left")
    assert found is not None
    return found


def _absolute(rounds: Sequence[dict[str, Run]], modes: Sequence[str]) -> str:
    head = (
        *("median [minimum] of the runs", "tasks/s", "main µs", "child µs"),
        *("broker µs", "`delay()` µs", "child threads"),
    )
    rows = []
    for mode in modes:
        runs = [one[mode] for one in rounds]
        rows.append(
            (
                NAMES[mode],
                f"{median(one.rate for one in runs):,.0f}",
                *(_both(runs, part) for part in ("main", "child", "broker", "delay")),
                f"{max(one.child_threads for one in runs):.0f}",
            )
        )
    size = f"{ROUNDS} rounds of {TASKS:,} tasks on prefork `-c 2`; microseconds of processor time per task."
    return f"{size}\n\n{columns(head, rows)}"


def _added(rounds: Sequence[dict[str, Run]], modes: Sequence[str]) -> str:
    head = ("added to `nothing`, same round, median", "tasks/s", "main µs", "child µs", "broker µs", "`delay()` µs")
    memory_head = ("main MB", "child MB", "child's own MB")
    rows = []
    for mode in modes:
        if mode == "nothing":
            continue
        rate = median(one[mode].rate / one["nothing"].rate - 1 for one in rounds)
        parts = [_more(rounds, mode, part) for part in ("main", "child", "broker", "delay")]
        sizes = [_more(rounds, mode, part) / MB for part in ("main_pss", "child_pss", "child_uss")]
        rows.append(
            (NAMES[mode], f"{rate:+.0%}", *(f"{one:+,.0f}" for one in parts), *(f"{one:+.1f}" for one in sizes))
        )
    return columns((*head, *memory_head), rows)


def _verdict(rounds: Sequence[dict[str, Run]]) -> str:
    if not {"celeriac", "nothing"} <= rounds[0].keys():
        return ""
    names = {"child": "in a pool child", "main": "in the main process", "delay": "in the producing process"}
    figures = [
        Figure(f"Celeriac adds {names[part]}", _more(rounds, "celeriac", part), "µs", f"per task; goal {goal} µs")
        for part, goal in GOALS
    ]
    figures.append(
        Figure("of that on the caller's path of `delay()`", _more(rounds, "celeriac", "caller"), "µs", "goal 20 µs")
    )
    figures += [
        Figure(f"Celeriac's part of what {NAMES[other]} adds", _ratio(rounds, other), "%", "main and child together")
        for other in ("events", "opentelemetry", "sentry")
        if other in rounds[0]
    ]
    return table(figures)


def _ratio(rounds: Sequence[dict[str, Run]], other: str) -> float:
    ours, theirs = (sum(_more(rounds, mode, part) for part in ("main", "child")) for mode in ("celeriac", other))
    return 100 * ours / theirs


def _more(rounds: Sequence[dict[str, Run]], mode: str, part: str) -> float:
    differences: list[float] = [getattr(one[mode], part) - getattr(one["nothing"], part) for one in rounds]
    return median(differences)


def _both(runs: Sequence[Run], part: str) -> str:
    values: list[float] = [getattr(one, part) for one in runs]
    return f"{median(values):,.0f} [{min(values):,.0f}]"
