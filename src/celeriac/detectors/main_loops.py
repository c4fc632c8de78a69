"""Main processes of one node that start and die, again and again, before they are of use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from celeriac.detectors.child_death import SIGKILL, SIGTERM
from celeriac.detectors.liveness import Life, Standing, began, lives, living
from celeriac.detectors.memory import BEFORE, fact
from celeriac.detectors.reading import once_per_view
from celeriac.detectors.traces import is_from_box, last_looked, seen
from celeriac.model.evidence import Evidence
from celeriac.model.finding import Fact, finding_key
from celeriac.model.view import View

WINDOW = 300.0
"""Seconds within which the ends of a loop lie."""
SHORT = 60.0
"""Seconds of life up to which a main process was of no use."""
LEAST = 3
"""Ends that make a loop; a deploy, or a restart by hand, is one or two."""
LIVE_FOR = 90.0
"""Seconds after its newest end for which a loop is told: whatever starts it again may wait between tries."""
RESTARTING = "restarting"
"""A container that its engine is about to start again (Docker; back-off doubles from 0.1 s up to a minute)."""


@dataclass(frozen=True, slots=True)
class MainEnd:
    """One short life's end. `heard` is true when it came so far as to speak; `for_memory` when the kernel killed it."""

    at: float
    pid: int | None
    fact: Fact
    heard: bool = False
    for_memory: bool = False


@dataclass(frozen=True, slots=True)
class MainLoop:
    """`cause` is a `worker-crash-loop` cause slug; `ends` oldest first, at least one; `times` how many there were.

    `owner` is the living worker that has the name, where two share one.
    """

    node: str
    cause: str
    ends: tuple[MainEnd, ...]
    times: int
    owner: Life | None = None
    container: str | None = None

    @property
    def key(self) -> str:
        """The incident's fingerprint: a lost worker that will not stay up is one story."""
        return finding_key("worker", self.node)


@once_per_view
def main_loops(view: View) -> tuple[MainLoop, ...]:
    """The loops that stand, by node."""
    nodes = sorted({life.worker.node for life in lives(view)})
    found = [loop for node in nodes if (loop := _of_node(view, node)) is not None]
    told = {loop.node for loop in found}
    return (*found, *(loop for loop in _of_containers(view) if loop.node not in told))


def loops_of_mains(view: View) -> frozenset[str]:
    """The fingerprints of those loops: what they are about is told once."""
    return frozenset(loop.key for loop in main_loops(view))


def _of_node(view: View, node: str) -> MainLoop | None:
    ends = tuple(sorted(_ends(view, node), key=lambda end: end.at))
    if len(ends) < LEAST or view.at - ends[-1].at > LIVE_FOR:
        return None
    living_now = [life for life in living(view) if life.worker.node == node]
    owner = next((life for life in living_now if (began(life) or life.worker.first_seen) < ends[0].at), None)
    if owner is None and any(view.at - (began(life) or life.worker.first_seen) > SHORT for life in living_now):
        return None  # it stays up now
    return MainLoop(node, _cause(ends, owner), ends, len(ends), owner)


def _ends(view: View, node: str) -> Iterator[MainEnd]:
    """Ends that nobody asked for: of processes the host saw, else of lives that only spoke."""
    own = [life for life in lives(view) if life.worker.node == node]
    goodbyes = {life.worker.pid for life in own if life.worker.said_goodbye()}
    heard = {life.worker.pid for life in own if life.worker.heartbeat_seen}
    told: set[int | None] = set()
    for one in _distinct(one for one in seen(view, "process-gone") if node in one.nodes and view.at - one.at <= WINDOW):
        pids = {one.pid, int(one.number("namespace_pid") or 0)}
        told |= pids
        asked_for = bool(pids & goodbyes) or one.number("signal") == SIGTERM
        if _is_short(one) and not asked_for and (pids & heard or _may_be_ours(view, one)):
            yield MainEnd(one.at, one.pid, fact(one), bool(pids & heard), _for_memory(view, one))
    for life in own:
        if life.standing is Standing.ENDED and life.worker.pid not in told | goodbyes and _was_short(view, life):
            words = f"{node} (pid {life.worker.pid}) was heard for {life.last_word - life.worker.first_seen:.0f} s only"
            yield MainEnd(
                life.last_word, life.worker.pid, Fact(life.last_word, "event", words, "celeriac workers"), True
            )


def _distinct(ends: Iterable[Evidence]) -> Iterator[Evidence]:
    """Each end once: what a black box tells of, the host may have seen, under another pid but with the same start."""
    found: list[float] = []
    for one in sorted(ends, key=is_from_box):
        started = one.number("started") or one.at
        if not (is_from_box(one) and any(abs(started - other) <= BEFORE for other in found)):
            found.append(started)
            yield one


def _is_short(gone: Evidence) -> bool:
    started = gone.number("started")
    return started is not None and last_looked(gone) - started <= SHORT


def _may_be_ours(view: View, gone: Evidence) -> bool:
    """True for an end never heard of that fits a start which failed here. Another system on this host may use the same
    node name: its worker talks to another broker. One that somebody killed did not fail by itself."""
    if is_from_box(gone) or _for_memory(view, gone):
        return True
    peers, address = gone.data.get("peers"), view.broker.address if view.broker else None
    elsewhere = isinstance(peers, (list, tuple)) and bool(peers) and address not in peers
    return not elsewhere and gone.number("signal") != SIGKILL


def _was_short(view: View, life: Life) -> bool:
    born = life.worker.online_at
    return born is not None and view.at - life.last_word <= WINDOW and life.last_word - born <= SHORT


def _for_memory(view: View, gone: Evidence) -> bool:
    if (gone.number("kills_added") or 0) > 0:
        return True
    return any(line.pid == gone.pid and abs(line.at - gone.at) <= SHORT for line in seen(view, "oom-kill"))


def _cause(ends: Iterable[MainEnd], owner: Life | None) -> str:
    found = tuple(ends)
    if owner is not None:
        return "node-name"
    if 2 * sum(end.for_memory for end in found) > len(found):
        return "oom"
    return "init-error" if not any(end.heard for end in found) else "unknown"


def _of_containers(view: View) -> Iterator[MainLoop]:
    """Containers of workers that their engine starts again and again: it counts, and it waits between tries."""
    for box in seen(view, "container"):
        times = int(box.number("restarts") or 0)
        if not box.data.get("worker") or box.text("status") != RESTARTING or times < LEAST:
            continue
        name = box.text("name") or box.container or box.id
        killed = any((box.text("id") or name) in (line.text("cgroup") or "") for line in _recent_kills(view))
        end = MainEnd(box.at, box.pid, fact(box), for_memory=killed or bool(box.data.get("flag")))
        node = box.nodes[0] if box.nodes else name
        yield MainLoop(node, "oom" if end.for_memory else "init-error", (end,), times, container=name)


def _recent_kills(view: View) -> list[Evidence]:
    return [line for line in seen(view, "oom-kill") if view.at - line.at <= WINDOW + BEFORE]
