"""A worker's one life: a node name and a main pid, folded from its heartbeats and goodbyes.

A restarted worker is another life; in a container both may be pid 1, so a life also ends where a newer
`worker-online` begins (`online_at`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypedDict

from celeriac.model.event import RECORDED, Event

DEFAULT_FREQUENCY = 2.0
"""Seconds between heartbeats when the worker does not say (celery/worker/heartbeat.py)."""


BEATS = 6
"""Heartbeats of which the times are kept: of some seconds, where Celery and a recorder inside both send them."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A task a worker said it holds, at the time it was asked. `state` is active, reserved or scheduled."""

    task_id: str
    name: str
    state: str
    started_at: float | None = None
    child_pid: int | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """What a recorder's heartbeat at `at` says of the room its worker has: messages `reserved` that wait inside,
    `prefetch` that it takes at most (0: no bound), `slots` that work at once. None is not told. `keeps` is true when
    its keepalive renews the time of what it was delivered."""

    at: float
    reserved: int | None = None
    prefetch: int | None = None
    slots: int | None = None
    pool: str | None = None
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Worker:
    """One life of a worker. Times are Unix seconds; `*_seen` on our clock, others on the worker's.

    `queues`, `claims`, `pool`, `children`, `prefetch` and `visibility_timeout` are what the worker answered when
    last asked (`asked_at`), None when never. `processed`, `active` and `frequency` are of the newest heartbeat that
    carried figures (`figures_at`); `first_figures` is the time and `processed` of the oldest such heartbeat, so that
    work shows where task events do not. `recorded_at` is the newest word of a recorder inside it (its clock), None
    when it has none: its history is then numbered, and needs no books on native events. `room` is
    of its newest heartbeat. `beats` are when the newest few heartbeats were seen.
    """

    node: str
    pid: int
    first_seen: float
    heartbeat_seen: float
    heartbeat_at: float
    frequency: float = DEFAULT_FREQUENCY
    figures_at: float = -1.0
    processed: int | None = None
    active: int | None = None
    software: str | None = None
    online_at: float | None = None
    offline_at: float | None = None
    task_event_seen: float | None = None
    asked_at: float | None = None
    queues: tuple[str, ...] | None = None
    claims: tuple[Claim, ...] | None = None
    pool: str | None = None
    children: tuple[int, ...] | None = None
    concurrency: int | None = None
    prefetch: int | None = None
    visibility_timeout: float | None = None
    first_figures: tuple[float, int] | None = None
    recorded_at: float | None = None
    room: Room | None = None
    beats: tuple[float, ...] = ()

    @property
    def host(self) -> str:
        """The part of the node name after the first @; Celery's %h unless somebody renamed it."""
        return self.node.partition("@")[2]

    def said_goodbye(self) -> bool:
        """True when the newest word of this life was `worker-offline`."""
        return self.offline_at is not None and self.offline_at >= max(self.heartbeat_at, self.online_at or 0.0)


def fold(worker: Worker | None, event: Event) -> Worker:
    """The life after `event` (a worker or task event of this node and pid). Commutes, and repeats change nothing."""
    seen = from_event(event)
    return seen if worker is None else merge(worker, seen)


def from_event(event: Event) -> Worker:
    """The life as this one event alone shows it. ValueError without node or pid."""
    if event.worker is None or event.pid is None:
        raise ValueError(f"{event.kind} names no worker")
    inside = event.at if event.source == RECORDED else None
    bare = Worker(
        event.worker, event.pid, first_seen=event.seen, heartbeat_seen=0.0, heartbeat_at=0.0, recorded_at=inside
    )
    if not event.kind.startswith("worker-"):
        return replace(bare, task_event_seen=event.seen)
    bare = replace(bare, software=_software(event))
    if event.kind == "worker-offline":
        return replace(bare, offline_at=event.at)
    online = replace(bare, online_at=event.at) if event.kind == "worker-online" else bare
    return replace(
        online,
        heartbeat_seen=event.seen,
        heartbeat_at=event.at,
        room=_room(event),
        beats=(event.seen,),
        **_figures(event),
    )


def merge(left: Worker, right: Worker) -> Worker:
    """Both views of one life as one."""
    figures = max(left, right, key=_order)
    asked = max(left, right, key=_answer)
    return Worker(
        node=left.node,
        pid=left.pid,
        first_seen=min(left.first_seen, right.first_seen),
        heartbeat_seen=max(left.heartbeat_seen, right.heartbeat_seen),
        heartbeat_at=max(left.heartbeat_at, right.heartbeat_at),
        figures_at=figures.figures_at,
        frequency=figures.frequency,
        processed=figures.processed,
        active=figures.active,
        software=max(left.software or "", right.software or "") or None,
        online_at=_latest(left.online_at, right.online_at),
        offline_at=_latest(left.offline_at, right.offline_at),
        task_event_seen=_latest(left.task_event_seen, right.task_event_seen),
        asked_at=asked.asked_at,
        queues=asked.queues,
        claims=asked.claims,
        pool=asked.pool,
        children=asked.children,
        concurrency=asked.concurrency,
        prefetch=asked.prefetch,
        visibility_timeout=asked.visibility_timeout,
        first_figures=_earliest(left.first_figures, right.first_figures),
        recorded_at=_latest(left.recorded_at, right.recorded_at),
        beats=tuple(sorted({*left.beats, *right.beats})[-BEATS:]),
        room=max((one for one in (left.room, right.room) if one is not None), key=_newness, default=None),
    )


class _Figures(TypedDict, total=False):
    figures_at: float
    frequency: float
    processed: int
    active: int
    first_figures: tuple[float, int]


def _figures(event: Event) -> _Figures:
    """What a heartbeat counts. One asked for by broadcast carries none, and its own freq (celery/worker/control.py)."""
    processed, active = event.number("processed"), event.number("active")
    if processed is None or active is None:
        return {}
    frequency = event.number("freq") or DEFAULT_FREQUENCY
    return {
        "figures_at": event.at,
        "frequency": frequency,
        "processed": int(processed),
        "active": int(active),
        "first_figures": (event.at, int(processed)),
    }


def _room(event: Event) -> Room | None:
    if event.source != RECORDED:
        return None
    reserved, prefetch, slots = (event.number(name) for name in ("reserved", "prefetch", "slots"))
    keeps = event.data.get("keeps") is True
    return Room(event.at, _whole(reserved), _whole(prefetch), _whole(slots), event.text("pool"), keeps)


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def _newness(room: Room) -> tuple[float, str]:
    """Rooms in the order they were told; ties settled by all that was."""
    return room.at, repr(room)


def _order(worker: Worker) -> tuple[float, int, int, float]:
    """Lives in the order of their figures; ties settled by the figures themselves."""
    return worker.figures_at, worker.processed or 0, worker.active or 0, worker.frequency


def _answer(worker: Worker) -> tuple[float, str]:
    """Lives in the order of their answers; ties settled by all that was answered."""
    told = (worker.queues, worker.claims, worker.pool, worker.children)
    limits = (worker.concurrency, worker.prefetch, worker.visibility_timeout)
    return -1.0 if worker.asked_at is None else worker.asked_at, repr((told, limits))


def _software(event: Event) -> str | None:
    ident, version = event.text("sw_ident"), event.text("sw_ver")
    return f"{ident} {version}" if ident and version else None


def _latest(left: float | None, right: float | None) -> float | None:
    return max((one for one in (left, right) if one is not None), default=None)


def _earliest(left: tuple[float, int] | None, right: tuple[float, int] | None) -> tuple[float, int] | None:
    return min((one for one in (left, right) if one is not None), default=None)
