"""Which tasks a killed pool child took with it: by their own events, else by what the worker's log leaves over."""

from __future__ import annotations

from dataclasses import dataclass

from celeriac.detectors.child_death import ChildDeath
from celeriac.detectors.child_deaths import child_deaths
from celeriac.detectors.deliveries import open_on
from celeriac.detectors.liveness import Life
from celeriac.detectors.memory import BEFORE, CHILD_TOLD, UNSAID, Kill, fact, failed_by_signal
from celeriac.detectors.traces import seen
from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot, Fact
from celeriac.model.task import Task
from celeriac.model.view import View

MOST = 2
SIGNATURE = "child-killed"


@dataclass(frozen=True, slots=True)
class Casualties:
    """`failed` is None when it could not be known, for the reason in `blind_spots`; of `unsure` ones nothing tells
    yet how they ended."""

    failed: tuple[Task, ...] | None
    requeued: tuple[Task, ...] = ()
    unsure: tuple[Task, ...] = ()
    facts: tuple[Fact, ...] = ()
    blind_spots: tuple[BlindSpot, ...] = ()

    @property
    def named(self) -> tuple[Task, ...]:
        """Those that failed, as far as they are known."""
        return self.failed or ()


def casualties(view: View, life: Life, kill: Kill) -> Casualties:
    """What the kill of a child of `life` did to its tasks: by the recorder inside, which knows what each child ran."""
    told = tuple(death for death in child_deaths(view, life) if death.cause == "oom" and death.told is not None)
    if told:
        return _told(told)
    said = failed_by_signal(view, life, kill.at, view.at + CHILD_TOLD)
    if said or _would_be_heard(life, kill):
        return Casualties(said, facts=tuple(_said(task) for task in said[:MOST]))
    lines = [one for one in seen(view, "log-line") if _tells(one, life, kill)]
    left = _left_over(view, life, kill)
    if not lines or not left:
        return Casualties(None, blind_spots=(_UNHEARD,))
    if len(left) > len({line.at for line in lines}):
        return Casualties(None, unsure=left, facts=(fact(lines[-1]),), blind_spots=(_UNHEARD,))
    return Casualties(left, facts=(fact(lines[-1]), *(_concluded(task, lines[-1]) for task in left[:MOST])))


def _told(deaths: tuple[ChildDeath, ...]) -> Casualties:
    had: dict[str, list[Task]] = {}
    for death in deaths:
        if death.task_id is not None:
            had.setdefault(death.fate, []).append(death.task or Task(death.task_id, name=death.task_name))
    failed = tuple(had.get("failed", ()))
    return Casualties(
        failed,
        requeued=tuple(had.get("requeued", ())),
        unsure=tuple(had.get("unknown", ())),
        facts=tuple(_said(task) for task in failed[:MOST]),
    )


_UNHEARD = BlindSpot(
    "failed tasks",
    "no task event of that worker was heard when its child was killed",
    "which task failed (run workers with -E, and `celeriac serve`)",
)


def _would_be_heard(life: Life, kill: Kill) -> bool:
    """Its events are on, and were listened to when the child was killed."""
    return life.worker.task_event_seen is not None and life.worker.first_seen <= kill.at


def _tells(line: Evidence, life: Life, kill: Kill) -> bool:
    """One loss has several such lines, a traceback's among them, all of one time."""
    ours = life.worker.node in line.nodes and line.text("signature") == SIGNATURE
    return ours and line.at >= kill.at - BEFORE


def _left_over(view: View, life: Life, kill: Kill) -> tuple[Task, ...]:
    """Tasks that the log saw received before the kill and not ended since, that the broker does not hold, and that the
    worker, asked after it, does not have. A killed child's task ends in no line that names it (celery/app/trace.py)."""
    look, worker = view.broker, life.worker
    if look is None or look.held is None or not look.held_complete or look.at <= kill.at:
        return ()
    if worker.claims is None or worker.asked_at is None or worker.asked_at <= kill.at:
        return ()
    elsewhere = {one.task_id for one in look.held} | {claim.task_id for claim in worker.claims}
    known = open_on(view, worker.node, UNSAID, before=kill.at + BEFORE)
    return tuple(task for task in known if task.id not in elsewhere)


def _said(task: Task) -> Fact:
    at = task.ending.at if task.ending else task.updated_at
    return Fact(at, "event", f"{_name(task)} failed: its child ended by signal 9", f"celeriac task {task.id}")


def _concluded(task: Task, line: Evidence) -> Fact:
    words = f"{_name(task)} was received then; its log has no end of it, the broker does not hold it, no child runs it"
    return Fact(task.updated_at, "log", words, line.how)


def _name(task: Task) -> str:
    return f"{task.name or 'a task'}[{task.id}]"
