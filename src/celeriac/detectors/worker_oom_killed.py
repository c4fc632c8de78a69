"""worker-oom-killed: the kernel killed a worker's main process, or a child, for memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from celeriac.detectors import prose, remedies
from celeriac.detectors.base import Detector
from celeriac.detectors.casualties import Casualties, casualties
from celeriac.detectors.child_death import ChildDeath
from celeriac.detectors.child_deaths import impact_of, unwanted
from celeriac.detectors.child_kills import child_kill
from celeriac.detectors.child_loops import apart_from_loops, child_loop
from celeriac.detectors.deaths import Death, deaths
from celeriac.detectors.liveness import Life, living
from celeriac.detectors.main_loops import loops_of_mains
from celeriac.detectors.memory import Kill
from celeriac.detectors.paging import paging
from celeriac.detectors.poison_deaths import poison_behind
from celeriac.detectors.ruled_out import broker, ruled_out
from celeriac.detectors.testimony import testimony
from celeriac.detectors.toll import impact, words
from celeriac.detectors.traces import container_name
from celeriac.model.finding import Fact, Finding, Fix, Impact, Prevent, RuledOut, Subject, finding_key
from celeriac.model.task import Task
from celeriac.model.view import View

KIND = "worker-oom-killed"
SHOWN = 2


def judge(view: View) -> tuple[Finding, ...]:
    """Main processes that were killed for memory, then living workers whose children were."""
    looping = loops_of_mains(view)
    mains = [_main(view, one, one.kill) for one in deaths(view) if one.kill is not None and one.key not in looping]
    children = ((life, child_kill(view, life)) for life in living(view) if child_loop(view, life) is None)
    return (*mains, *(_child(view, life, kill) for life, kill in children if kill is not None))


def _main(view: View, death: Death, kill: Kill) -> Finding:
    ending, cost = death.ending, impact(view, death)
    host = ending.life.worker.host if ending.life else None
    place = remedies.place(ending, remedies.more_memory(kill.limit))
    return Finding(
        kind=KIND,
        key=death.key,
        severity="critical",
        confidence=death.confidence,
        subject=Subject(worker=ending.node, host=host, pid=ending.pid, container=ending.container),
        summary=f"{ending.name}'s main process was killed by the kernel: {_reason(kill)}{words(view, death)}",
        since=kill.at,
        cause=kill.cause,
        evidence=testimony(view, death),
        ruled_out=ruled_out(view, death),
        impact=cost,
        fix=(Fix(place.enlarge, "starts the worker again with more memory"), *remedies.recover_lost(cost)),
        verify=remedies.verify(KIND, death.queues),
        prevent=_prevent(kill),
        paging=paging(view, death.queues[0], ending.at) if death.queues else (),
        blind_spots=death.fate.blind_spots,
    )


def _reason(kill: Kill) -> str:
    if kill.cause == "host":
        return "the whole host ran out of memory"
    return f"its memory limit of {prose.size(kill.limit)} was reached" if kill.limit else "its memory limit was reached"


def _prevent(kill: Kill) -> tuple[Prevent, ...]:
    size = prose.size(remedies.more_memory(kill.limit))
    limit = Prevent("memory limit of the worker", size, "above the peak of its largest task, or cut the task in pieces")
    return (limit, remedies.CHILD_MEMORY, remedies.LATE_ACK, remedies.RESTART)


def _child(view: View, life: Life, kill: Kill) -> Finding:
    node, container = life.worker.node, container_name(life.trace)
    cost = casualties(view, life, kill)
    others = _others(view, life)
    beside = impact_of(life, others)
    return Finding(
        kind=KIND,
        key=finding_key("worker-child", node),
        severity="warning",
        confidence=kill.confidence,
        subject=Subject(worker=node, host=life.worker.host, pid=kill.pid, container=container),
        summary=_child_summary(node, kill, cost, others),
        since=kill.at,
        cause=kill.cause,
        evidence=(
            *kill.facts,
            *cost.facts,
            *(death.fact for death in others[-SHOWN:]),
            _lives(view, life),
            *_flag(life),
        ),
        ruled_out=tuple(filter(None, (_main_lives(life), broker(view)))),
        impact=Impact(
            failed=None if cost.failed is None else (*_ids(cost.failed), *(beside.failed or ())),
            requeued=(*_ids(cost.requeued), *(beside.requeued or ())),
            unknown=(*_ids(cost.unsure), *(beside.unknown or ())),
            task_names=_names((*cost.named, *cost.requeued), beside),
        ),
        fix=(
            _enlarge(life, kill),
            *(Fix(f"celeriac task {task.id}", _AGAIN, "repeats-work") for task in cost.named[:1]),
        ),
        verify=remedies.verify(KIND, ()),
        prevent=_prevent(kill),
        blind_spots=cost.blind_spots,
        caused_by=poison_behind(view, _victims(cost, others)),
    )


def _victims(cost: Casualties, others: tuple[ChildDeath, ...]) -> tuple[str | None, ...]:
    """The tasks that the dead children were on."""
    known = (*cost.named, *cost.requeued, *cost.unsure)
    return (*(task.id for task in known), *(death.task_id for death in others))


def _others(view: View, life: Life) -> tuple[ChildDeath, ...]:
    """Children of the same worker that the recorder saw die of something else meanwhile: one incident tells it all."""
    dead = apart_from_loops(unwanted(view, life))
    return tuple(death for death in dead if death.told is not None and death.cause not in ("oom", "operator"))


_AGAIN = "its child was killed: see its arguments, and send it again once there is memory for it"


def _child_summary(node: str, kill: Kill, cost: Casualties, others: tuple[ChildDeath, ...]) -> str:
    kills = "a pool child" if kill.times == 1 else f"{prose.number(kill.times)} pool children"
    verb = "was" if kill.times == 1 else "were"
    failed = f"; {prose.count(len(cost.named), 'task')} failed" if cost.named else ""
    again = f"; {prose.count(len(cost.requeued), 'task')} requeued" if cost.requeued else ""
    why = kill.story or _reason(kill)
    lost = f"{failed}{again}{_besides(others)}"
    return f"{kills} of {node} {verb} killed by the kernel: {why}{lost}; the worker itself lives and consumes"


def _besides(others: tuple[ChildDeath, ...]) -> str:
    if not others:
        return ""
    who = "another child" if len(others) == 1 else f"{prose.number(len(others))} more children"
    status = prose.names(tuple(dict.fromkeys(death.status or death.cause for death in others)))
    return f"; {who} died of something else ({status})"


def _enlarge(life: Life, kill: Kill) -> Fix:
    pod = life.trace.container
    if pod is not None and pod.source == "kubernetes":
        place = remedies.in_cluster(pod, remedies.more_memory(kill.limit))
        return Fix(place.enlarge, "the next large task fits; its pods are replaced one by one")
    size = prose.size(remedies.more_memory(kill.limit))
    container = container_name(life.trace)
    megabytes = f"{remedies.more_memory(kill.limit) / prose.MIB:.0f}m"
    if container:
        command = f"docker update --memory {megabytes} --memory-swap {megabytes} {container}"
        return Fix(command, "the next large task fits; nothing is restarted")
    return Fix(f"# raise the memory limit of {life.worker.node} to {size}, where it is set", "the next large task fits")


def _lives(view: View, life: Life) -> Fact:
    words_ = f"the main process of {life.worker.node} (pid {life.worker.pid}) is alive"
    return Fact(life.last_word or view.at, "event", words_, "celeriac workers")


def _flag(life: Life) -> tuple[Fact, ...]:
    """People look at Docker's flag first, and it says that nothing happened."""
    box = life.trace.container
    if box is None or box.source == "kubernetes":
        return ()
    words_ = f"{box.fact}: that flag speaks of the container's own end, and its main process lives"
    return (Fact(box.at, box.source, words_, box.how),)


def _main_lives(life: Life) -> RuledOut | None:
    process = life.trace.process
    return RuledOut("main process", f"pid {process.pid} runs, state {process.text('state')}") if process else None


def _ids(tasks: Iterable[Task]) -> Iterable[str]:
    return (task.id for task in tasks)


def _names(tasks: tuple[Task, ...], beside: Impact) -> tuple[tuple[str, int], ...]:
    counts = Counter(dict(beside.task_names)) + Counter(task.name for task in tasks if task.name)
    return tuple(sorted(counts.items()))


DETECTOR = Detector(KIND, judge, needs=frozenset({"events"}))
