"""Workers: who is alive, silent or dead, and what says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from celeriac.api.liveness import Liveness, judge
from celeriac.api.views.freshness import fresh
from celeriac.api.views.incidents import ACTIVE
from celeriac.api.views.memory import pool_json, pools
from celeriac.api.views.shape import Json, listing, when
from celeriac.model.evidence import Evidence
from celeriac.model.incident import Incident
from celeriac.model.worker import Room, Worker
from celeriac.store import Store

_ORDER = {"dead": 0, "silent": 1, "unknown": 2, "alive": 3, "stopped": 4}


def workers(store: Store, now: float) -> Json:
    """The newest life of every node, and older lives that still answer; those in trouble first."""
    judged, gaps = fresh(store, now)
    return listing(worker_rows(store, judged.as_of or now, stale=judged.stale), judged, gaps)


def worker_rows(store: Store, at: float, *, stale: bool) -> list[Json]:
    """The rows of that list, as of `at`."""
    lives = judged_lives(store, at, stale=stale)
    seen = pools(store.evidence(at))
    rows = [
        _row(worker, liveness, earlier, at) | _inside(worker, seen.get(worker.node))
        for worker, liveness, earlier in _shown(lives)
    ]
    return sorted(rows, key=lambda row: (_ORDER[row["state"]], row["node"]))


def judged_lives(store: Store, at: float, *, stale: bool) -> list[tuple[Worker, Liveness]]:
    """Every life on record with its judgement."""
    active: list[Incident] = [row.incident for row in store.incidents(states=ACTIVE, limit=100).items]
    return [(worker, judge(worker, active, at, stale=stale)) for worker in store.workers()]


def _shown(lives: Iterable[tuple[Worker, Liveness]]) -> list[tuple[Worker, Liveness, int]]:
    by_node: dict[str, list[tuple[Worker, Liveness]]] = defaultdict(list)
    for worker, liveness in lives:
        by_node[worker.node].append((worker, liveness))
    shown: list[tuple[Worker, Liveness, int]] = []
    for known in by_node.values():
        newest, *older = sorted(known, key=lambda one: _newness(one[0]), reverse=True)
        answering = [one for one in older if one[1].state == "alive"]
        shown.append((*newest, len(older) - len(answering)))
        shown.extend((*one, 0) for one in answering)
    return shown


def _newness(worker: Worker) -> tuple[float, float]:
    return worker.online_at or worker.first_seen, worker.heartbeat_seen


def _row(worker: Worker, liveness: Liveness, earlier: int, at: float) -> Json:
    heard = worker.heartbeat_seen > 0
    return {
        "node": worker.node,
        "host": worker.host,
        "pid": worker.pid,
        "state": liveness.state,
        "because": liveness.because,
        "incident": liveness.incident,
        "heartbeat_at": when(worker.heartbeat_seen) if heard else None,
        "heartbeat_age": max(0.0, at - worker.heartbeat_seen) if heard else None,
        "first_seen": when(worker.first_seen),
        "active": worker.active,
        "processed": worker.processed,
        "concurrency": worker.concurrency,
        "queues": None if worker.queues is None else list(worker.queues),
        "claims": None
        if worker.claims is None
        else [_claim(one.task_id, one.name, one.state) for one in worker.claims],
        "asked_at": when(worker.asked_at),
        "software": worker.software,
        "events": worker.task_event_seen is not None,
        "earlier_lives": earlier,
    }


def _inside(worker: Worker, pool: Evidence | None) -> Json:
    """What only a recorder in the worker tells; None without one."""
    room = worker.room or Room(0.0)
    recorded = worker.recorded_at is not None
    mine = recorded and pool is not None and pool.number("parent") == worker.pid
    return {
        "recorded": recorded,
        "recorded_at": when(worker.recorded_at),
        "prefetch": worker.prefetch if room.prefetch is None else room.prefetch,
        "slots": room.slots,
        "reserved": room.reserved,
        "pool": worker.pool or room.pool,
        "memory": pool_json(pool) if mine and pool is not None else None,
    }


def _claim(task_id: str, name: str, state: str) -> Json:
    return {"task_id": task_id, "name": name, "state": state}
