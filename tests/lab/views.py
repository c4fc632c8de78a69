"""Views as tests tell them: one worker on one host, one queue, and what happened to them, around `NOW`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from celeriac.model.broker import BrokerLook, Consumer, Held
from celeriac.model.evidence import Evidence
from celeriac.model.mark import Mark
from celeriac.model.queue import Queue, QueueSample
from celeriac.model.source import SourceMark
from celeriac.model.task import Task
from celeriac.model.view import View
from celeriac.model.worker import Worker

NOW = 1_795_000_000.0
NODE, PID, HOST = "celery@web-1", 4121, "web-1"
GROUP = "/docker/9c5f0a7b1d2e"
MIB = 1024 * 1024
NAMED = ("pid", "nodes", "container", "fact", "how")
STEP = {"sent": 0, "received": 1, "started": 2, "retried": 3, "succeeded": 5, "failed": 6}


def worker(node: str = NODE, pid: int = PID, *, heard: float = NOW - 1, **changes: Any) -> Worker:
    """A prefork worker that takes from `celery`, born ten minutes ago, with task events on."""
    usual: dict[str, Any] = {
        "figures_at": heard,
        "processed": 120,
        "active": 1,
        "first_figures": (NOW - 598, 0),
        "online_at": NOW - 600,
        "task_event_seen": heard - 1,
        "asked_at": heard - 20,
        "queues": ("celery",),
        "claims": (),
        "pool": "prefork",
    }
    return Worker(node, pid, NOW - 600, heard, heard, **(usual | changes))


def evidence(what: str, source: str, at: float, *, host: str = HOST, **given: Any) -> Evidence:
    """A fact; what is no field of Evidence is its data."""
    fields: dict[str, Any] = {name: given.pop(name) for name in NAMED if name in given}
    fields = {"fact": f"{what} seen", "how": f"show {what}"} | fields
    return Evidence(f"{what}-{at}-{fields.get('pid')}", at, source, what, host, data=given, **fields)


def process(at: float = NOW, **given: Any) -> Evidence:
    """The main process, sleeping."""
    usual: dict[str, Any] = {"pid": PID, "nodes": (NODE,), "state": "S", "started": NOW - 601, "cgroup": GROUP}
    return evidence("process", "process", at, **(usual | given))


def gone(at: float = NOW - 4, **given: Any) -> Evidence:
    """The end of the main process."""
    usual: dict[str, Any] = {
        "pid": PID,
        "nodes": (NODE,),
        "started": NOW - 601,
        "cgroup": GROUP,
        "between": [at - 0.5, at],
    }
    return evidence("process-gone", "process", at, **(usual | given))


def kernel_kill(pid: int = PID, at: float = NOW - 4.2, **given: Any) -> Evidence:
    """The kernel's line about a kill."""
    usual: dict[str, Any] = {"pid": pid, "command": "celery", "cgroup": GROUP, "constraint": "memcg", "rss": 96 * MIB}
    return evidence("oom-kill", "kernel", at, **(usual | given))


def counted(at: float = NOW - 4, **given: Any) -> Evidence:
    """The memory group's kill counter rose."""
    usual: dict[str, Any] = {"path": GROUP, "version": 1, "kills": 1, "added": 1, "limit": 96 * MIB}
    return evidence("oom-count", "cgroup", at, **(usual | given))


def container(at: float = NOW, **given: Any) -> Evidence:
    """The worker's container, ended for memory 22 minutes ago."""
    usual: dict[str, Any] = {
        "container": "9c5f0a7b1d2e",
        "id": "9c5f0a7b1d2e",
        "name": "worker",
        "nodes": (NODE,),
        "status": "exited",
        "exit_code": 137,
        "oom_killed": True,
        "limit": 96 * MIB,
        "finished": NOW - 1320,
        "worker": True,
    }
    return evidence("container", "docker", at, **(usual | given))


def task(task_id: str, *marks: tuple[float, str], node: str = NODE, pid: int = PID, **changes: Any) -> Task:
    """A task by its marks on one life, each (time, what)."""
    made = tuple(Mark(at, STEP[what], what, node, pid) for at, what in sorted(marks))
    return Task(task_id, name="exports.csv", queue="celery", marks=made, **changes)


def queue(*depths: int, name: str = "celery", consumers: tuple[str, ...] | None = (NODE,), every: float = 1.0) -> Queue:
    """A queue by its depths, the last one seen now."""
    times = [NOW - every * back for back in reversed(range(len(depths)))]
    waits = [None if depth == 0 else times[0] for depth in depths]
    samples = [
        QueueSample(name, at, depth, oldest_since=since) for at, depth, since in zip(times, depths, waits, strict=True)
    ]
    return Queue(name, tuple(samples), consumers)


def held(task_id: str, since: float = NOW - 60, **given: Any) -> Held:
    """A message delivered and not acknowledged."""
    return Held(f"tag-{task_id}", task_id, "exports.csv", "celery", since, **given)


def look(*holds: Held, consumers: int = 0, **changes: Any) -> BrokerLook:
    """A healthy broker with `consumers` connected workers."""
    usual: dict[str, Any] = {
        "used_memory": 3 * MIB,
        "max_memory": 100 * MIB,
        "held": holds,
        "held_count": len(holds),
        "held_complete": True,
        "consumers": tuple(
            one
            for number in range(consumers)
            for one in (
                Consumer(f"10.0.0.{number}:1", 600, True, False),
                Consumer(f"10.0.0.{number}:2", 600, False, True),
            )
        ),
    }
    whole = BrokerLook(NOW - 0.2, NOW - 0.1, "redis", "7.0.15", "master", 0.0004, **usual)
    return replace(whole, **changes)


def sources(*names: str, at: float = NOW) -> tuple[SourceMark, ...]:
    """Sources read just now; all of them when none is named."""
    return tuple(
        SourceMark(name, at) for name in names or ("broker", "events", "process", "cgroup", "kernel", "docker")
    )


def view(**changes: Any) -> View:
    """A watched system in which all is well: a worker that lives and consumes."""
    usual: dict[str, Any] = {
        "workers": (worker(),),
        "queues": (queue(*([0] * 30)),),
        "broker": look(consumers=1),
        "evidence": (process(),),
        "sources": sources(),
        "observed": 600.0,
        "server_age": 0.5,
    }
    return View(NOW, **(usual | changes))


def dead_worker(*more: Evidence, depth: int = 0, **changes: Any) -> View:
    """The same after its main process went four seconds ago: nobody is connected, five a second arrive."""
    climb = (depth - 15, depth - 10, depth - 5, depth) if depth else (0, 0, 0, 0)
    depths = (*([climb[0]] * 26), *climb)
    usual: dict[str, Any] = {
        "workers": (worker(heard=NOW - 5),),
        "queues": (queue(*depths, consumers=()),),
        "broker": look(),
        "evidence": (gone(), *more),
    }
    return replace(view(), **(usual | changes))
