"""Every end of a worker that can be seen, joined to the life it ended where there is one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from celeriac.detectors.deliveries import open_on
from celeriac.detectors.liveness import Life, Standing, lives, living, successor
from celeriac.detectors.reading import once_per_view
from celeriac.detectors.traces import (
    JITTER,
    Trace,
    container_name,
    ended_at,
    is_ended,
    last_looked,
    mains_gone,
    seen,
)
from celeriac.model.evidence import Evidence
from celeriac.model.view import View

DAY = 86_400.0
STRANGERS = 5
"""Ends without a known life that are considered, newest first."""
HEARD_WITHIN = 10.0
"""Seconds within which a worker that starts, or that we begin to listen to, has spoken or answered."""
ORDERLY_EXITS = (0, 143)
"""Exit codes of a stop that was asked for: warm shutdown, and SIGTERM itself."""


@dataclass(frozen=True, slots=True)
class Ending:
    """One end. `at` is Unix seconds when it was seen, `last_seen` when it was last seen running.

    `life` is None when the worker was never heard, only its remains were found. `heir` is the living life that
    followed on the same node. `goodbye_at` is when it said worker-offline, None when it did not.
    """

    node: str | None
    at: float
    last_seen: float
    trace: Trace
    life: Life | None = None
    heir: Life | None = None
    goodbye_at: float | None = None
    inferred: bool = False

    @property
    def name(self) -> str:
        """What to call it."""
        return self.node or container_name(self.trace) or "a worker"

    @property
    def container(self) -> str | None:
        """The name of the container it ran in."""
        return container_name(self.trace)

    @property
    def exit_code(self) -> int | None:
        """Its exit code, where a container engine kept it."""
        ended = self.trace.container
        code = ended.number("exit_code") if ended is not None and is_ended(ended) else None
        return None if code is None else int(code)

    @property
    def pid(self) -> int | None:
        """The main process: the host's pid when the host saw it, else what the worker called itself."""
        if self.trace.main is not None:
            return self.trace.main.pid
        return self.life.worker.pid if self.life else None


@once_per_view
def endings(view: View) -> tuple[Ending, ...]:
    """Every end, oldest first: of lives, and, where nobody lives, of workers known by their remains alone."""
    known = [_of_life(view, life) for life in lives(view) if life.standing is Standing.ENDED]
    known += [_earlier(view, life) for life in lives(view) if _was_born_again(view, life)]
    strangers = [] if living(view) else _strangers(view, known)
    return tuple(sorted((*known, *strangers), key=lambda ending: (ending.at, ending.name)))


def _of_life(view: View, life: Life) -> Ending:
    at, last_seen = _when(life)
    goodbye = life.worker.offline_at if life.worker.said_goodbye() else None
    return Ending(
        life.worker.node, at, last_seen, life.trace, life, successor(view, life), goodbye, inferred=life.inferred
    )


def _was_born_again(view: View, life: Life) -> bool:
    """True when this node and pid carry tasks from before they came online: in a container every main is pid 1."""
    if life.standing is Standing.ENDED or life.worker.online_at is None:
        return False
    return bool(open_on(view, life.worker.node, life.worker.pid, before=life.worker.online_at))


def _earlier(view: View, life: Life) -> Ending:
    """The end of the incarnation before this one, of the same node and pid."""
    born = life.worker.online_at or life.worker.first_seen
    ends = [one for one in mains_gone(view, life.worker) if one.at <= born + JITTER]
    if not ends:
        return Ending(life.worker.node, born, born, Trace(), life, heir=life, inferred=True)
    gone = ends[-1]
    return Ending(life.worker.node, gone.at, last_looked(gone), Trace(gone=gone), life, heir=life)


def _when(life: Life) -> tuple[float, float]:
    gone, container = life.trace.gone, life.trace.container
    if gone is not None:
        return gone.at, last_looked(gone)
    if container is not None and is_ended(container):
        return ended_at(container), life.last_word
    return life.last_word, life.last_word


def _strangers(view: View, known: Iterable[Ending]) -> list[Ending]:
    """Remains of workers that were never heard. A process tells by its connections whose worker it was; a container
    may have been another broker's, so such ends count only while nobody lives."""
    taken = {id(part) for ending in known for part in (ending.trace.gone, ending.trace.container)}
    containers = [one for one in _last_looks(view) if id(one) not in taken and _died(one)]
    found = [_of_container(one) for one in containers]
    boxes = {ending.container for ending in (*known, *found)} - {None}
    mains = [one for one in seen(view, "process-gone") if id(one) not in taken and one.container not in boxes]
    mains = [one for one in mains if _was_ours(view, one)]
    heard = {worker.node for worker in view.workers}
    found += [_of_process(one) for one in mains if view.at - one.at <= DAY and not heard & set(one.nodes)]
    newest = sorted(found, key=lambda ending: -ending.at)
    return [ending for ending in newest[:STRANGERS] if ending is newest[0] or view.at - ending.at <= DAY]


def _was_ours(view: View, gone: Evidence) -> bool:
    """True when the process was connected to the broker that is judged, and it was too early to have been heard: one
    that stays unheard for longer works on another database of that server."""
    peers = gone.data.get("peers")
    address = view.broker.address if view.broker is not None else None
    if address is None or not isinstance(peers, (list, tuple)) or address not in peers:
        return False
    began_at = max(gone.number("started") or gone.at, view.at - view.observed)
    return gone.at - began_at < HEARD_WITHIN


def _last_looks(view: View) -> tuple[Evidence, ...]:
    """The newest look at each container; an edge says nothing about one that was started again."""
    newest: dict[str, Evidence] = {}
    for one in (*seen(view, "container-died"), *seen(view, "container")):
        newest[one.text("id") or one.container or one.id] = one
    return tuple(newest.values())


def _died(container: Evidence) -> bool:
    code = container.number("exit_code")
    return bool(container.data.get("worker")) and is_ended(container) and code not in (None, *ORDERLY_EXITS)


def _of_container(container: Evidence) -> Ending:
    at = ended_at(container)
    node = container.nodes[0] if container.nodes else None
    return Ending(node, at, at, Trace(container=container))


def _of_process(gone: Evidence) -> Ending:
    node = gone.nodes[0] if gone.nodes else None
    return Ending(node, gone.at, last_looked(gone), Trace(gone=gone))
