"""Who lives: every life's standing, from its own words, its process and the broker's connections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from celeriac.detectors.deliveries import runs_on
from celeriac.detectors.reading import once_per_view
from celeriac.detectors.traces import Trace, ended_at, is_ended, trace
from celeriac.model.view import View
from celeriac.model.worker import Worker

QUIET = 6.0
SILENT = 8.0
FROZEN_AFTER = 5.0
BUSY_AT_MOST = 300.0
"""Seconds that a running process excuses silence when nothing shows that a task runs."""
FLOWING = 45.0
"""Seconds within which a task event, or an answer to inspect, shows that work flows without heartbeats."""
PIPE_WAITS = frozenset({"pipe_write", "anon_pipe_write"})


class Standing(StrEnum):
    """`quiet` is between alive and silent: too early to say."""

    ALIVE = "alive"
    QUIET = "quiet"
    SILENT = "silent"
    LEFT = "left"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Life:
    """One life and what is known of its standing.

    `silence` is seconds since its last word, counted only while we listened. `cause` says why it is silent (a
    `worker-silent` cause slug), "" while it is not. `inferred` is true when its end is concluded from silence.
    """

    worker: Worker
    trace: Trace
    standing: Standing
    silence: float
    cause: str = ""
    inferred: bool = False

    @property
    def takes_work(self) -> bool | None:
        """True when it consumes as far as can be seen, None when that cannot be told."""
        if self.standing in (Standing.ALIVE, Standing.QUIET) or self.cause in ("busy", "heartbeats-off"):
            return True
        return None if self.cause == "unknown" else False

    @property
    def last_word(self) -> float:
        """Unix seconds (ours) of the newest thing it said or answered."""
        return last_word(self.worker)


def last_word(worker: Worker) -> float:
    """Unix seconds (ours) of the newest heartbeat, task event or answer."""
    return max(worker.heartbeat_seen, worker.task_event_seen or 0.0, worker.asked_at or 0.0)


def is_hearsay(worker: Worker) -> bool:
    """True for a life that never spoke for itself: a log or a result named it, maybe long after."""
    return not worker.heartbeat_seen and worker.online_at is None and worker.asked_at is None


@once_per_view
def lives(view: View) -> tuple[Life, ...]:
    """Every life of the view with its standing, newest word first."""
    judged = [_judge(view, worker, trace(view, worker)) for worker in view.workers if not is_hearsay(worker)]
    spoken = [life.worker for life in judged if life.standing is Standing.ALIVE]
    settled = [_settle(view, life, spoken) for life in judged]
    return tuple(sorted(settled, key=lambda life: (-life.last_word, life.worker.node, life.worker.pid)))


def living(view: View) -> tuple[Life, ...]:
    """Lives that consume as far as can be seen: a busy one is alive, a frozen one is not."""
    return tuple(life for life in lives(view) if life.takes_work)


def began(life: Life) -> float | None:
    """Unix seconds since when this life can have taken messages; None when that was not seen."""
    process = life.trace.process
    return life.worker.online_at or (process.number("started") if process else None)


def successor(view: View, life: Life) -> Life | None:
    """A living life of the same node that came after `life`."""
    heirs = [one for one in living(view) if one.worker.node == life.worker.node and one.worker.pid != life.worker.pid]
    return next((one for one in heirs if one.last_word > life.last_word), None)


def runs_task(view: View, worker: Worker) -> bool:
    """True when the life is known to execute something: by its own answer, or by a start without an end."""
    if any(claim.state == "active" for claim in worker.claims or ()):
        return True
    return runs_on(view, worker.node, worker.pid)


def _judge(view: View, worker: Worker, found: Trace) -> Life:
    silence = _silence(view, last_word(worker))
    if _has_ended(worker, found):
        return Life(worker, found, Standing.ENDED, silence)
    if worker.said_goodbye():
        return Life(worker, found, Standing.LEFT, silence)
    limit = max(4 * worker.frequency, SILENT)
    if _silence(view, worker.heartbeat_seen) >= limit and _flows_without_heartbeats(view, worker):
        return Life(worker, found, Standing.SILENT, silence, "heartbeats-off")
    if silence < max(3 * worker.frequency, QUIET) and not (_is_frozen(found) and silence >= FROZEN_AFTER):
        return Life(worker, found, Standing.ALIVE, silence)
    cause = _why_silent(view, worker, found, silence)
    early = cause == "frozen"
    standing = Standing.SILENT if early or silence >= limit else Standing.QUIET
    return Life(worker, found, standing, silence, cause if standing is Standing.SILENT else "")


def _silence(view: View, word: float) -> float:
    """Seconds of silence since `word`, as far as we listened: what came while we were deaf says nothing."""
    source = view.source("events")
    heard_until = view.at if source is None else min(view.at, source.mark)
    return max(0.0, min(heard_until - word, view.observed))


def _settle(view: View, life: Life, speaking: Sequence[Worker]) -> Life:
    """A silent life that no host view vouches for has ended when the broker has no connection left for it, or when its
    node came up again."""
    quiet = life.standing in (Standing.QUIET, Standing.SILENT)
    if not quiet or life.trace.process is not None or life.cause == "heartbeats-off":
        return life
    replaced = any(one.node == life.worker.node and one.first_seen > life.last_word for one in speaking)
    if not replaced and not _connections_missing(view, life.worker, len(speaking)):
        return life
    return Life(life.worker, life.trace, Standing.ENDED, life.silence, inferred=True)


def _connections_missing(view: View, worker: Worker, speaking: int) -> bool:
    """A worker keeps at least one subscribed connection, for remote control, and blocks on another for messages."""
    look = view.broker
    if look is None or look.consumers is None or look.at <= last_word(worker):
        return False
    if not speaking:
        return not any(one.subscribed or one.waiting for one in look.consumers)
    return sum(one.subscribed for one in look.consumers) <= speaking


def _has_ended(worker: Worker, found: Trace) -> bool:
    if found.process is not None:
        return False
    if found.gone is not None:
        return True
    container = found.container
    return container is not None and is_ended(container) and ended_at(container) >= last_word(worker) - QUIET


def _is_frozen(found: Trace) -> bool:
    return found.process is not None and found.process.text("state") == "T"


def _why_silent(view: View, worker: Worker, found: Trace, silence: float) -> str:
    """The cause tree of silence, surest evidence first."""
    process = found.process
    if _is_frozen(found):
        return "frozen"
    if process is not None and process.text("wchan") in PIPE_WAITS:
        return "log-pipe"
    if _is_busy(view, worker, found, silence):
        return "busy"
    return "unknown"


def _flows_without_heartbeats(view: View, worker: Worker) -> bool:
    """True when it spoke otherwise long after its last heartbeat; a worker that then froze spoke right beside it."""
    said = (worker.task_event_seen, worker.asked_at)
    return any(at is not None and view.at - at <= FLOWING and at - worker.heartbeat_seen > SILENT for at in said)


def _is_busy(view: View, worker: Worker, found: Trace, silence: float) -> bool:
    process = found.process
    pool = worker.pool or (process.text("pool") if process else None)
    if pool == "solo" and runs_task(view, worker):
        return True
    if process is None or silence > BUSY_AT_MOST:
        return False
    return pool == "solo" or process.text("state") == "R"
