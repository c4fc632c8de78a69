"""The deaths that tasks caused, by task: counted by the guard inside, seen by recorders, or concluded from outside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from celeriac.detectors.child_deaths import child_deaths
from celeriac.detectors.liveness import Standing, lives, living
from celeriac.detectors.reading import once_per_view
from celeriac.detectors.traces import seen
from celeriac.errors import WireError
from celeriac.model.attempt import AttemptState
from celeriac.model.evidence import Evidence
from celeriac.model.fatality import SIGNAL, Fatality
from celeriac.model.finding import finding_key
from celeriac.model.task import Task
from celeriac.model.view import View
from celeriac.model.wire import decode

LEAST = 2
"""Deaths that make a task poison: one may be anybody's bad luck."""
WINDOW = 900.0
"""Seconds after its newest death for which a task is told."""
DEADLY = frozenset({"oom", "segfault", "hard-time-limit", "signal", "exit", "unknown"})
SAME_CHILD, SAME_MAIN = 30.0, 60.0
"""Seconds between two tellings of one death: Celery waits for a child's result before it believes in its end."""
ROLLOUT = 120.0
"""Seconds around a rollout in which the end of a worker is no task's doing."""
_OPEN = frozenset({AttemptState.STARTED, AttemptState.LOST})


@dataclass(frozen=True, slots=True)
class Poison:
    """`deaths` oldest first, `LEAST` at least; `count` what the guard counted, which may be more than are told, None
    without it. `told` is the guard's newest word, `task` the task where it is in view."""

    task_id: str
    deaths: tuple[Fatality, ...]
    task: Task | None = None
    told: Evidence | None = None

    @property
    def count(self) -> int:
        """How many processes it ended."""
        return max(len(self.deaths), int((self.told.number("count") if self.told else None) or 0))

    @property
    def key(self) -> str:
        """The incident's fingerprint."""
        return finding_key("poison", self.task_id)

    @property
    def name(self) -> str | None:
        """The task's name."""
        return (self.task.name if self.task else None) or (self.told.text("name") if self.told else None)

    @property
    def queue(self) -> str | None:
        """Where it was published to."""
        return (self.told.text("queue") if self.told else None) or (self.task.queue if self.task else None)

    @property
    def parked(self) -> bool:
        """Set aside: it kills nothing more."""
        last = self.task.last if self.task else None
        return bool(self.told and self.told.data.get("parked")) or (
            last is not None and last.state is AttemptState.DEAD
        )

    @property
    def state(self) -> AttemptState | None:
        """Where its newest attempt stands."""
        last = self.task.last if self.task else None
        return None if last is None else last.state


@once_per_view
def poisons(view: View) -> tuple[Poison, ...]:
    """Every task that ended two processes or more, the newest of them lately, and has not succeeded since."""
    tasks = {task.id: task for task in view.tasks}
    told = _told(view)
    found = {task_id: _distinct(deaths) for task_id, deaths in _by_task(view, told).items()}
    every = (
        Poison(task_id, deaths, tasks.get(task_id), told.get(task_id))
        for task_id, deaths in found.items()
        if len(deaths) >= LEAST and view.at - deaths[-1].at <= WINDOW
    )
    return tuple(one for one in every if one.state is not AttemptState.SUCCEEDED)


def poison_behind(view: View, task_ids: Iterable[str | None]) -> str | None:
    """The fingerprint of the poison that these tasks all are; None when they are several, or no poison."""
    ids = set(task_ids)
    return next((one.key for one in poisons(view) if ids == {one.task_id}), None)


def _told(view: View) -> Mapping[str, Evidence]:
    """The guard's newest word on each task: the highest count, and that it was set aside."""
    newest: dict[str, Evidence] = {}
    for one in sorted(seen(view, "poison"), key=lambda one: (one.number("count") or 0, bool(one.data.get("parked")))):
        if (task_id := one.text("task_id")) is not None:
            newest[task_id] = one
    return newest


def _by_task(view: View, told: Mapping[str, Evidence]) -> dict[str, list[list[Fatality]]]:
    """What each teller says of each task; what recorders settled comes first, for they know the causes."""
    counted = ((task_id, death) for task_id, one in told.items() for death in _counted(one))
    found: dict[str, list[list[Fatality]]] = {}
    for teller in (_recorded(view), _from_outside(view), counted, _of_mains(view)):
        said: dict[str, list[Fatality]] = {}
        for task_id, death in teller:
            said.setdefault(task_id, []).append(death)
        for task_id, deaths in said.items():
            found.setdefault(task_id, []).append(deaths)
    return found


def _recorded(view: View) -> Iterator[tuple[str, Fatality]]:
    """Children whose ends a recorder told, of any worker, dead ones too."""
    for one in seen(view, "child-gone"):
        task_id, cause = one.text("task_id"), one.text("cause") or "unknown"
        if one.source == "worker" and task_id is not None and cause in DEADLY:
            peak = one.number("peak")
            node = one.nodes[0] if one.nodes else one.host
            yield task_id, Fatality(one.at, node, "", cause, one.pid, peak=None if peak is None else int(peak))


def _from_outside(view: View) -> Iterator[tuple[str, Fatality]]:
    """Children of living workers that the host, a log or an event shows to have died of a task."""
    for life in living(view):
        for death in child_deaths(view, life):
            if death.task_id is not None and death.cause in DEADLY:
                yield death.task_id, Fatality(death.at, life.worker.node, "", death.cause, death.pid)


def _counted(told: Evidence) -> Iterator[Fatality]:
    deaths = told.data.get("deaths")
    for one in deaths if isinstance(deaths, (list, tuple)) else ():
        try:
            yield decode(Fatality, one)
        except WireError:
            continue


def _of_mains(view: View) -> Iterator[tuple[str, Fatality]]:
    """Main processes that ended without a goodbye while the task ran on them, and nobody rolled out anything."""
    rollouts = [one.at for one in seen(view, "rollout")]
    ended = {(one.worker.node, one.worker.pid): one for one in lives(view) if one.standing is Standing.ENDED}
    for task in view.tasks:
        for attempt in task.attempts:
            life = ended.get((attempt.worker or "", attempt.pid or 0))
            if life is None or attempt.started_at is None or attempt.state not in _OPEN:
                continue
            at = life.trace.gone.at if life.trace.gone is not None else life.last_word
            if not any(abs(at - rollout) <= ROLLOUT for rollout in rollouts):
                yield task.id, Fatality(at, life.worker.node, "", SIGNAL, life.worker.pid, main=True)


def _distinct(tellings: Iterable[Iterable[Fatality]]) -> tuple[Fatality, ...]:
    """Each once. The first teller's cause stands; the guard adds the memory and the curve."""
    found: list[Fatality] = []
    for telling in tellings:
        others = set(range(len(found)))
        for death in telling:
            place = _place(found, death, others)
            if place is None:
                found.append(death)
            else:
                found[place] = _joined(found[place], death)
                others.discard(place)
    return tuple(sorted(found, key=lambda one: one.at))


def _place(found: Sequence[Fatality], death: Fatality, others: set[int]) -> int | None:
    """Where it was told already. A pid may be unknown: a child can die before it says that it has the task; then any
    death about that time is the same, if another teller told it and it was met with none yet."""
    same = next((at for at, one in enumerate(found) if _same(one, death)), None)
    return same if same is not None else next((at for at in sorted(others) if _may_be(found[at], death)), None)


def _same(left: Fatality, right: Fatality) -> bool:
    if left.main != right.main or left.node != right.node:
        return False
    if left.main:
        return abs(left.at - right.at) <= SAME_MAIN
    return left.pid is not None and left.pid == right.pid and abs(left.at - right.at) <= SAME_CHILD


def _may_be(left: Fatality, right: Fatality) -> bool:
    children = not left.main and not right.main and left.node == right.node
    return children and None in (left.pid, right.pid) and abs(left.at - right.at) <= SAME_CHILD


def _joined(first: Fatality, second: Fatality) -> Fatality:
    cause = second.cause if first.cause in ("unknown", SIGNAL) else first.cause
    return replace(
        first,
        cause=cause,
        boot=first.boot or second.boot,
        peak=first.peak or second.peak,
        curve=first.curve or second.curve,
    )
