"""Who may have a message that no broker key holds: a worker's socket keeps what it popped and has not read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from celeriac.detectors.deliveries import deliveries
from celeriac.detectors.endings import Ending, endings
from celeriac.detectors.liveness import Life, Standing, began, lives
from celeriac.detectors.reading import once_per_view
from celeriac.detectors.tail import is_whole, tail
from celeriac.model.task import Task
from celeriac.model.view import View
from celeriac.model.worker import Worker

HEARD_BY = 1.0
"""Seconds after a loop turned by which all that it read has been heard of."""
READ_BY = 2.0
"""The same for one that has ended: nobody can wait for what it would have told."""
DRAINS_FOR = 60.0
CLOCKS = 0.5
"""Seconds by which a worker's clock may run ahead of ours."""
INFERRED = 2.0
"""Seconds that a worker may have lived after its last word: a beat (celery/worker/heartbeat.py)."""
LOOPED = frozenset({None, "prefork", "processes"})
"""Pools whose heartbeat comes from the loop that reads the socket (celeriac/worker/pulse.py)."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A life that may have a popped message in its socket. `clear` is until when (Unix seconds) it is proven that
    nothing popped earlier lies there, `reason` why that cannot be proven at all, "" while it can."""

    node: str
    began: float
    clear: float
    reason: str

    def may_hold(self, missed: float) -> bool:
        """True unless what was missing from the broker at `missed` cannot be in its socket."""
        return self.clear <= missed and self.began <= missed


@dataclass(frozen=True, slots=True)
class Attendance:
    """Everybody who takes, or took, from one queue. `silent` are those of whom no task event is ever heard, with the
    time when each ended (inf while it lives); `holes` the ends of intervals of which events are missing; `cut` since
    when those lived, and when they died, of whose last moment not all is known."""

    holders: tuple[Holder, ...]
    silent: tuple[tuple[str, float], ...]
    holes: tuple[tuple[str, float], ...]
    cut: tuple[tuple[str, float, float], ...]

    def unheard(self, after: float, missed: float) -> str:
        """Why a task that was there at `after`, and no more at `missed`, may have been taken, run and ended unheard; ""
        when it cannot."""
        for node, ended in self.silent:
            if ended >= after:
                return f"{node} takes from its queue and tells no task events"
        for node, began_by, died in self.cut:
            if died >= after and began_by <= missed:
                return f"{node} died, and what it noted last is not known: start it again, or run celeriac agent there"
        return next(
            (f"events of {node} are missing from that time" for node, until in self.holes if until >= after), ""
        )


@once_per_view
def attendances(view: View) -> Mapping[str | None, Attendance]:
    """Who takes, or took, from each queue of the suspects; for None, whose queue is not known, everybody."""
    every = lives(view)
    received = _last_received(view)
    return {queue: _of(view, queue, every, received) for queue in {task.queue for task in view.suspects}}


def pops(view: View) -> bool:
    """True where a message leaves the broker before its consumer has read it; RabbitMQ keeps it as unacknowledged."""
    return view.broker is None or view.broker.kind in ("redis", "valkey")


def takes_from(worker: Worker, queue: str | None) -> bool:
    """True when it consumes the queue, as far as is known."""
    return queue is None or worker.queues is None or queue in worker.queues


def may_have_kept(view: View, life: Life, missed: float) -> bool:
    """True unless a life that has ended showed that it had read all that was given to it before `missed`."""
    return _holder(view, life, _last_received(view)).clear <= missed + READ_BY


def _of(
    view: View, queue: str | None, every: tuple[Life, ...], received: Mapping[tuple[str, int], float]
) -> Attendance:
    mine = [life for life in every if takes_from(life.worker, queue)]
    present = [life for life in mine if _is_there(life)] if pops(view) else []
    silent = tuple((life.worker.node, _until(life)) for life in mine if _tells_nothing(life.worker))
    nodes = {life.worker.node for life in mine}
    gaps = [gap for gap in view.gaps if gap.worker in nodes and gap.size != 0 and gap.cause != "killed"]
    holes = tuple((gap.worker, gap.until) for gap in gaps)
    cut = tuple((end.name, _began_by(end), _ended_by(end)) for end in endings(view) if _is_cut(view, end, queue))
    return Attendance(tuple(_holder(view, life, received) for life in present), silent, holes, cut)


def _ended_by(ending: Ending) -> float:
    """When it was no more for certain: an end that nobody saw is dated by its last word."""
    return ending.at + (INFERRED if ending.inferred else CLOCKS)


def _began_by(ending: Ending) -> float:
    """When it can have taken its first message, by our clock or by its own, whichever is earlier."""
    life = ending.life
    if life is None or ending.heir is life:
        return 0.0
    return min(began(life) or 0.0, life.worker.first_seen) - READ_BY


def _is_cut(view: View, ending: Ending, queue: str | None) -> bool:
    """True for a recorded consumer of the queue of which a word may be missing: that it took a task, or ended it."""
    life = ending.life
    if life is None or _runs_on(ending, life):
        return False
    return takes_from(life.worker, queue) and not is_whole(tail(view, ending))


def _runs_on(ending: Ending, life: Life) -> bool:
    """True for a life that only connected anew: its process is older than that, and will tell all."""
    process = life.trace.process
    started = None if process is None or ending.heir is not life else process.number("started")
    return started is not None and started <= life.worker.first_seen + CLOCKS


def _is_there(life: Life) -> bool:
    """False for one that is no more, and for one that said goodbye and has had the time to end."""
    if life.standing is Standing.LEFT:
        return life.trace.process is not None or life.silence < DRAINS_FOR
    return life.standing is not Standing.ENDED


def _tells_nothing(worker: Worker) -> bool:
    """True when it ran tasks, or may have, and no event of a task ever came from it."""
    heard = worker.task_event_seen is not None or worker.recorded_at is not None
    return not heard and worker.processed != 0


def _until(life: Life) -> float:
    return inf if _is_there(life) else life.last_word


def _holder(view: View, life: Life, received: Mapping[tuple[str, int], float]) -> Holder:
    worker = life.worker
    taken = received.get((worker.node, worker.pid), 0.0)
    full = _is_full(worker)
    turns = () if full else _turns(worker)
    clear = max(taken, *(at for at in turns if at <= view.at - HEARD_BY), 0.0)
    return Holder(worker.node, began(life) or 0.0, clear, _reason(life, full))


def _turns(worker: Worker) -> tuple[float, ...]:
    """When the loop that reads its socket showed that it turns: the newest heartbeat may be too new to judge by."""
    pool = (worker.room.pool if worker.room else None) or worker.pool
    answered = worker.asked_at or 0.0
    return (answered, worker.heartbeat_seen, *worker.beats) if pool in LOOPED else (answered,)


def _is_full(worker: Worker) -> bool:
    """True when it may have all that it takes at once: kombu then leaves what was popped for it unread
    (kombu/transport/redis.py, `_pause_brpop`)."""
    room = worker.room
    if room is not None and room.reserved is not None and room.prefetch is not None:
        return room.prefetch > 0 and room.reserved + (worker.active or 0) >= room.prefetch
    return bool(worker.prefetch) and len(worker.claims or ()) >= (worker.prefetch or 0)


def _reason(life: Life, full: bool) -> str:
    node = life.worker.node
    if life.cause in ("frozen", "log-pipe"):
        return f"{node}, which is frozen"
    if life.standing is Standing.SILENT and life.cause != "heartbeats-off":
        return f"{node}, which is silent"
    return f"{node}, whose prefetch is full" if full else ""


def heard_at(view: View, task: Task) -> float:
    """When a task was last heard of: a worker's clock that is ahead of ours is set back."""
    ahead = _clocks_ahead(view)
    marks = (mark for mark in task.marks if mark.what != "lost")
    return max((mark.at - ahead.get((mark.worker, mark.pid), 0.0) for mark in marks), default=task.updated_at)


@once_per_view
def _clocks_ahead(view: View) -> Mapping[tuple[str, int], float]:
    return {(one.node, one.pid): _ahead(one) for one in view.workers if _ahead(one) > CLOCKS}


@once_per_view
def _last_received(view: View) -> Mapping[tuple[str, int], float]:
    """When each life last took a message: what had been popped for it before, it had read by then."""
    ahead = _clocks_ahead(view)
    found: dict[tuple[str, int], float] = {}
    for _, last in deliveries(view):
        if last.received_at is not None and last.worker is not None and last.pid is not None:
            owner = (last.worker, last.pid)
            found[owner] = max(found.get(owner, 0.0), last.received_at - ahead.get(owner, 0.0) - CLOCKS)
    return found


def _ahead(worker: Worker) -> float:
    """Seconds by which its clock is ahead of ours at least: a heartbeat is heard after it was sent."""
    return max(0.0, worker.heartbeat_at - worker.heartbeat_seen)
