"""What is known around one task, for the verdict on it. None is not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from celeriac.api.liveness import Liveness
from celeriac.model.broker import Held
from celeriac.model.queue import Queue
from celeriac.model.sighting import Sighting


class Claimed(NamedTuple):
    """A living worker's own word, when last asked, that it has the task: `state` is active, reserved or scheduled."""

    worker: str
    state: str
    asked_at: float


class Role(NamedTuple):
    """What an incident says of the task: `name` is an impact list (lost, held, …); `active` while it is open."""

    incident: str
    name: str
    active: bool
    summary: str


class Declared(NamedTuple):
    """What was judged of a task on top of its events: `term` is held or unknown."""

    term: str
    because: str


class Running(NamedTuple):
    """What one slot of its worker works on."""

    task_id: str
    name: str | None
    started_at: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """What stands between a reserved task and its start: what `runs` on its worker, how many of its `slots`, and how
    many that were received `before` it."""

    runs: tuple[Running, ...]
    slots: int | None
    before: int


@dataclass(frozen=True, slots=True)
class Usual:
    """What tasks of its name took: the 95th percentiles of `runs` run times (seconds) and of memory (bytes)."""

    runs: int
    runtime: float | None
    memory: int | None


class Process(NamedTuple):
    """The pool process it runs in, as its recorder saw it last."""

    pid: int
    rss: int | None
    at: float


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known around a task at `at` (the watermark).

    `held` is its message among the unacknowledged ones, `sighting` what searches of the broker say, `ahead` how many
    that were published earlier wait in its queue, `pace` how many a second workers took from there of late, `liveness`
    of the worker life that has it last, `denied` when that life said later that it has it no more, `called_off` when it
    was revoked by an order that no worker has followed yet, `watching` since when this store hears anything, `hears`
    whom: nobody who tells of tasks, workers alone, or producers too.
    """

    at: float
    stale: bool = False
    declared: Declared | None = None
    roles: tuple[Role, ...] = ()
    held: Held | None = None
    sighting: Sighting | None = None
    claimed: Claimed | None = None
    queue: Queue | None = None
    ahead: int | None = None
    pace: float | None = None
    liveness: Liveness | None = None
    denied: float | None = None
    called_off: float | None = None
    line: Line | None = None
    process: Process | None = None
    usual: Usual | None = None
    watching: float | None = None
    hears: Literal["nobody", "workers", "producers"] = "producers"
