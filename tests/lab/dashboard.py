"""The dashboard over a filled store, and the four scenes it must tell apart: empty, healthy, in trouble, stale."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn

from celeriac.clock import SystemClock
from celeriac.loop import LoopHealth
from celeriac.model.broker import BrokerLook, Held
from celeriac.model.event import RECORDED, Event, fingerprint
from celeriac.model.evidence import Evidence
from celeriac.model.finding import (
    BlindSpot,
    Fact,
    Finding,
    Fix,
    Impact,
    Paging,
    Prevent,
    RuledOut,
    Subject,
    Verify,
    finding_key,
)
from celeriac.model.gap import Gap
from celeriac.model.incident import Incident, IncidentState
from celeriac.model.ledger import Declaration, Term
from celeriac.model.queue import QueueSample
from celeriac.model.source import SourceMark
from celeriac.model.worker import Claim, Worker
from celeriac.settings import ServerSettings
from celeriac.store import Batch, SavedIncident, Store
from celeriac.web.app import create_app
from lab.wait import wait_until

NOW = 1_795_000_000.0
"""Unix seconds at which the scenes stand."""
NODE = "celery@web-1"
HEAVY = "a41c7e52-3333-4444-8555-666677778888"
LOST = "7c9d31f0-5f0f-4e0f-9d57-0d5d3a5f7c9d"
FAILED = "f2a8b1c4-1111-4222-8333-444455556666"
INCIDENT = "5d1c0a7e9b3f4d2a8c6e1f00"
SOURCES = ("broker", "events", "kernel", "cgroup", "process")


class HandClock(SystemClock):
    """A clock that stands until moved; a stalled one hangs whoever asks, as a server that answers no more."""

    def __init__(self, at: float = NOW) -> None:
        self.at = at
        self._runs = threading.Event()
        self._runs.set()

    def now(self) -> float:
        self._runs.wait(60)
        return self.at

    def stall(self) -> None:
        """Hang every request from now on."""
        self._runs.clear()

    def resume(self) -> None:
        """Let go of them."""
        self._runs.set()


def marks(at: float, *, failing: str | None = None) -> tuple[SourceMark, ...]:
    """Every source read at `at`, but for the one that fails."""
    error = "connection refused by 127.0.0.1:6379"
    return tuple(
        SourceMark(name, at, error, "down", at) if name == failing else SourceMark(name, at) for name in SOURCES
    )


def event(kind: str, task_id: str, at: float, **data: object) -> Event:
    """A native task event."""
    sent = kind == "task-sent"
    worker, pid = ("gen1@web-9", 77) if sent else (NODE, 4121)
    return Event(fingerprint(kind, task_id, at), kind, at, at, "events", worker, pid, task_id, data)


def life(task_id: str, at: float, ending: str = "succeeded", **data: object) -> tuple[Event, ...]:
    """A whole task, begun at `at`."""
    return (
        event("task-sent", task_id, at, name="exports.csv", queue="celery", args="(4711,)", kwargs="{}", retries=0),
        event("task-received", task_id, at + 0.1, name="exports.csv", args="(4711,)", kwargs="{}", retries=0),
        event("task-started", task_id, at + 0.2),
        *((event(f"task-{ending}", task_id, at + 0.6, **({"runtime": 0.4} | data)),) if ending else ()),
    )


def worker(at: float, node: str = NODE, pid: int = 4121) -> Worker:
    """A worker that beat at `at` and told what it consumes."""
    return Worker(
        node,
        pid,
        first_seen=at - 3600,
        heartbeat_seen=at,
        heartbeat_at=at,
        figures_at=at,
        processed=1204,
        active=1,
        software="py-celery 5.7.0",
        online_at=at - 3600,
        task_event_seen=at,
        asked_at=at,
        queues=("celery", "mail"),
        claims=(Claim(LOST, "exports.csv", "active", at - 3, 4130),),
        pool="prefork",
        concurrency=4,
    )


def look(at: float, ready: int, held: tuple[Held, ...] = ()) -> BrokerLook:
    """A look at a healthy broker."""
    samples = (
        QueueSample("celery", at, ready, len(held), "waiting-0" if ready else None),
        QueueSample("mail", at, 0, 0),
    )
    return BrokerLook(
        at,
        at + 0.004,
        "redis",
        "7.0.15",
        "master",
        0.0004,
        used_memory=31_000_000,
        max_memory=1_000_000_000,
        eviction_policy="noeviction",
        clients=9,
        queues=samples,
        held=held,
        held_count=len(held),
        held_complete=True,
        consumers=(),
    )


def fill_healthy(store: Store, now: float = NOW, tasks: int = 130) -> None:
    """A quarter of an hour of work that got done, one task failed."""
    for step in range(60):
        at = now - 900 + step * 15
        store.record(Batch(at, look=look(at, (step * 7) % 23), marks=marks(at)))
    events = [one for index in range(tasks) for one in life(f"task-{index:04d}", now - 600 + index * 4)]
    events += life(
        FAILED, now - 40, "failed", exception="ConnectionError('smtp.example.com refused')", traceback=TRACEBACK
    )
    store.record(
        Batch(
            now,
            tuple(events),
            look=look(now, 3),
            workers=(worker(now), worker(now, "celery@web-2", 5210)),
            marks=marks(now),
            blind_spots={
                "docker": (BlindSpot("docker", "no socket at /var/run/docker.sock", "a container's exit code"),)
            },
        )
    )


def fill_recorded(store: Store, now: float = NOW) -> None:
    """A worker with a recorder in it, its pool's memory, and what three kinds of tasks took."""
    names = ("exports.csv", "mail.send", "reports.build")
    runs = [
        recorded(now - 60 + number, f"run-{number}", names[number % 3], 22 + 9 * (number % 3)) for number in range(9)
    ]
    beat = Event(
        "boot:beat", "worker-heartbeat", now, now, RECORDED, NODE, 4121, None,
        {"freq": 2.0, "processed": 12, "active": 1, "reserved": 2, "prefetch": 16, "slots": 4, "pool": "prefork"},
    )  # fmt: skip
    events = (*(event for run in runs for event in run), *recorded(now - 30, HEAVY, "exports.csv", 78), beat)
    store.record(Batch(now, events, look=look(now, 3), evidence=flown(now)[1:], marks=marks(now)))


def fill_trouble(store: Store, now: float = NOW) -> None:
    """The async-only outage: the one worker was OOM-killed five minutes ago and the queue climbs."""
    died = now - 300
    held = tuple(Held(f"tag-{index}", f"held-{index}", "exports.csv", "celery", died - 2) for index in range(4))
    for step in range(91):
        at = now - 900 + step * 10
        ready = 3 if at < died else int(3 + (at - died) * 5)
        store.record(Batch(at, look=look(at, ready, held if at >= died else ()), marks=marks(at)))
    hole = Gap("gap-1", "events", NODE, 4121, died - 60, died - 50, 12, "reconnect", now - 1200)
    store.record(
        Batch(
            now,
            (*life("before-1", died - 30), *life(LOST, died - 3, "")),
            look=look(now, 1487, held),
            workers=(worker(died),),
            gaps=(hole,),
            evidence=flown(died),
            marks=marks(now),
        )
    )
    killed = Declaration(LOST, Term.LOST, "early-ack", f"{NODE} was killed; it had acknowledged the task", died)
    store.declare([killed], now)
    past = Incident(
        "0ld", finding_key("queue", "mail"), IncidentState.RESOLVED, now - 9000, now - 8000,
        (_unconsumed(now - 9000, "mail", None),), opened_at=now - 9000, resolved_at=now - 8000,
    )  # fmt: skip
    store.save_incidents([SavedIncident(past, "")], [], now - 8000)
    store.save_incidents([SavedIncident(outage(died), PLAYBOOK)], [], died + 3)


MIB = 2**20
GROWTH = tuple(megabytes * MIB for megabytes in (31, 31, 31, 38, 44, 50, 55, 60))
"""What the worker's child took, second by second, before the kernel killed it."""


def flown(at: float) -> tuple[Evidence, ...]:
    """What a recorder tells of a child the kernel killed at `at`, and of the pool it left."""
    curve = [[at - len(GROWTH) + 1 + second, taken] for second, taken in enumerate(GROWTH)]
    death = {
        "parent": 4121,
        "signal": 9,
        "cause": "oom",
        "task_id": LOST,
        "task_name": "exports.csv",
        "limit": 96 * MIB,
        "peak": GROWTH[-1],
        "curve": curve,
    }
    pool = {
        "parent": 4121,
        "pool": "prefork",
        "main_rss": 30 * MIB,
        "limit": 96 * MIB,
        "usage": 88 * MIB,
        "children": [
            [4130, 52 * MIB, 0.92, "before-1", "exports.csv"],
            [4131, 31 * MIB, 0.0, None, None],
            [4132, 29 * MIB, 0.0, None, None],
        ],
    }
    return (
        Evidence(
            "child-gone:4130", at, "worker", "child-gone", "web-1", "child 4130 is gone", "", 4130, (NODE,), data=death
        ),
        Evidence(f"pool:{NODE}", at, "worker", "pool-memory", "web-1", "its pool", "", 4121, (NODE,), data=pool),
    )


def recorded(at: float, task_id: str, name: str, megabytes: int) -> tuple[Event, ...]:
    """A task's run as a recorder tells it, with its memory."""
    curve = [[second / 2, (20 + (megabytes - 20) * second // 6) * MIB] for second in range(7)]
    told: tuple[tuple[str, dict[str, object]], ...] = (
        ("task-received", {"name": name, "args": "(4711,)", "kwargs": "{}", "retries": 0}),
        ("task-started", {"child": 4130}),
        ("task-succeeded", {"runtime": 3.1, "child": 4130, "peak": megabytes * MIB, "curve": curve}),
    )
    return tuple(
        Event(f"boot:{task_id}:{step}", kind, at + step, at + step, RECORDED, NODE, 4121, task_id, data)
        for step, (kind, data) in enumerate(told)
    )


def outage(died: float) -> Incident:
    """The incident of the outage, open."""
    key = finding_key("worker", NODE)
    root = Finding(
        "worker-oom-killed",
        key,
        "critical",
        "certain",
        Subject(worker=NODE, host="web-1", pid=4121),
        f"{NODE}'s main process was killed by the kernel: its memory limit of 96 MB was reached; 1 task lost, 4 held "
        "until 11:02:41Z; nobody consumes celery, 1,487 waiting and growing 5/s",
        died,
        "container",
        evidence=(
            Fact(
                died,
                "kernel",
                "oom-kill: killed process 4121 (celery), anon-rss 94,208 kB",
                "dmesg --time-format iso | grep 4121",
            ),
            Fact(
                died + 0.2,
                "cgroup",
                "oom_kill rose from 0 to 1, limit 96 MB, peak 96 MB",
                "cat /sys/fs/cgroup/exports/memory.events",
            ),
            Fact(died + 0.5, "process", "pid 4121 is gone; it was last seen 0.5 s before", "ps -p 4121"),
            Fact(died + 8, "event", "no heartbeat since; no worker-offline was sent", "celery -A proj events --dump"),
        ),
        ruled_out=(
            RuledOut("broker", "answers PING in 0.4 ms, role master, memory 3 %"),
            RuledOut("publishers", "messages keep arriving: celery grew 5/s"),
            RuledOut("operator", "no warm shutdown, no worker-offline"),
        ),
        impact=Impact(
            lost=(LOST,),
            held=tuple(f"held-{index}" for index in range(4)),
            failed=None,
            waiting=1487,
            task_names=(("exports.csv", 1487),),
            held_until=died + 3600,
        ),
        fix=(
            Fix(
                "docker update --memory 512m --memory-swap 512m worker && docker start worker",
                "gives it the memory that its largest export takes",
                "safe",
            ),
            Fix(
                "celeriac rescue --worker celery@web-1",
                "puts the 4 held tasks back now instead of at 11:02",
                "repeats-work",
            ),
        ),
        verify=(Verify("celeriac diagnose --only worker-oom-killed", "healthy, celery draining"),),
        prevent=(Prevent("task_acks_late", "True", "a killed task goes back to the queue instead of being lost"),),
        paging=(
            Paging("queue depth", "over 100 for 20 min", None),
            Paging("consumer count", "0 for 1 min", died + 60),
            Paging("oldest age", "over 5 min", died + 297),
        ),
        blind_spots=(
            BlindSpot("failed tasks", "task events were off on celery@web-1 before 10:40", "which tasks failed"),
        ),
    )
    return Incident(
        INCIDENT,
        key,
        IncidentState.OPEN,
        died,
        died + 297,
        (root, _unconsumed(died, "celery", key)),
        opened_at=died + 3,
    )


def _unconsumed(at: float, queue: str, cause: str | None) -> Finding:
    return Finding(
        "queue-unconsumed",
        finding_key("queue", queue),
        "critical",
        "certain",
        Subject(queue=queue),
        f"nobody consumes {queue}: 1,487 wait and 5 more come each second",
        at,
        "no-worker",
        evidence=(
            Fact(at + 1, "broker", f"LLEN {queue} went from 3 to 1,487; no blocked client", f"redis-cli LLEN {queue}"),
        ),
        caused_by=cause,
    )


TRACEBACK = """Traceback (most recent call last):
  File "mail.py", line 12, in send
ConnectionError: smtp.example.com refused
"""
PLAYBOOK = """# A worker was killed for memory

## What happened
The kernel killed **celery@web-1** because its memory limit of `96 MB` was reached. <script>alert(1)</script>

## Fix by result
1. Give it more memory.
2. Start it again.

```
docker start worker
```
"""


def well() -> tuple[LoopHealth, ...]:
    """Loops that run."""
    return (LoopHealth("ingest", running=True), LoopHealth("track", running=True))


class Dashboard:
    """`with Dashboard(store, clock) as dashboard:` a real uvicorn on a free port, in a thread."""

    def __init__(self, store: Store, clock: HandClock) -> None:
        self.store = store
        self.clock = clock
        app = create_app(store, clock, well, ServerSettings())
        self._server = uvicorn.Server(
            uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        )
        self._thread = threading.Thread(target=self._run, name="dashboard", daemon=True)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Answer no more: what a dead server looks like to an open page."""
        self.clock.resume()
        self._server.should_exit = True
        self._thread.join(timeout=15)
        self._door.close()

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self._server.started, why="the dashboard to listen")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _run(self) -> None:
        self._server.run(sockets=[self._door])
