"""worker-crash-loop: processes of a worker start, do nothing and die, again and again."""

from __future__ import annotations

from celeriac.detectors import prose, remedies
from celeriac.detectors.base import Detector
from celeriac.detectors.child_deaths import impact_of
from celeriac.detectors.child_loops import ChildLoop, child_loop
from celeriac.detectors.deaths import deaths
from celeriac.detectors.liveness import Life, living
from celeriac.detectors.main_loops import MainLoop, main_loops
from celeriac.detectors.ruled_out import broker
from celeriac.detectors.toll import impact, words
from celeriac.detectors.traces import container_name
from celeriac.model.finding import (
    BlindSpot,
    Confidence,
    Fact,
    Finding,
    Fix,
    Impact,
    Prevent,
    RuledOut,
    Subject,
    finding_key,
)
from celeriac.model.incident import Patience
from celeriac.model.view import View

KIND = "worker-crash-loop"
SHOWN = 3
_WHY = {
    "up-timeout": "killed by their parent, which waits worker_proc_alive_timeout for them to be up",
    "oom": "killed for memory before they can work",
    "init-error": "failing while they start",
    "max-memory-baseline": "a fresh one is already above worker_max_memory_per_child",
    "node-name": "ending beside a worker that already has this node name",
    "unknown": "and nothing that can be seen says why",
}


def judge(view: View) -> tuple[Finding, ...]:
    """Loops of main processes, then of the children of living ones."""
    children = ((life, child_loop(view, life)) for life in living(view))
    return (
        *(_of_mains(view, loop) for loop in main_loops(view)),
        *(_of_children(view, life, loop) for life, loop in children if loop is not None),
    )


def _of_children(view: View, life: Life, loop: ChildLoop) -> Finding:
    node, dead = life.worker.node, loop.deaths
    took = prose.span(max(1.0, dead[-1].at - dead[0].at))
    idle = loop.cause != "max-memory-baseline"
    verb, effect = ("die as they start", "; it answers pings and does no work") if idle else ("last one task each", "")
    return Finding(
        kind=KIND,
        key=finding_key("worker-child", node),
        severity="critical" if idle else "warning",
        confidence=_confidence(loop),
        subject=Subject(worker=node, host=life.worker.host, pid=life.worker.pid, container=container_name(life.trace)),
        summary=f"pool children of {node} {verb}, {prose.number(loop.times)} in {took}: {_WHY[loop.cause]}{effect}",
        since=dead[0].at,
        cause=loop.cause,
        evidence=(*(death.fact for death in dead[-SHOWN:]), _main_lives(view, life)),
        ruled_out=tuple(filter(None, (_no_memory(loop), broker(view)))),
        impact=impact_of(life, dead),
        fix=_FIX[loop.cause],
        verify=remedies.verify(KIND, ()),
        prevent=_PREVENT.get(loop.cause, ()),
        blind_spots=() if dead[-1].told is not None else (_LOG,),
    )


_LOG = BlindSpot(
    "the worker's log", "not read", "the parent's own words (Timed out waiting for UP message, a traceback)"
)


def _confidence(loop: ChildLoop) -> Confidence:
    """Known by the recorder, or by the parent's log; from the signals alone it is likely."""
    sure = any(death.told is not None or death.cause == loop.cause for death in loop.deaths)
    return "certain" if sure and loop.cause != "unknown" else "likely"


def _main_lives(view: View, life: Life) -> Fact:
    said = f"the main process of {life.worker.node} (pid {life.worker.pid}) is alive and starts the next ones"
    return Fact(life.last_word or view.at, "event", said, "celeriac workers")


def _no_memory(loop: ChildLoop) -> RuledOut | None:
    if loop.cause != "up-timeout":
        return None
    return RuledOut("memory", "it looks like a kill for memory, but no kill was counted at these times")


def _of_mains(view: View, loop: MainLoop) -> Finding:
    began, death = loop.ends[0].at, next((one for one in deaths(view) if one.key == loop.key), None)
    span = f" in {prose.span(max(1.0, loop.ends[-1].at - began))}" if len(loop.ends) > 1 else ""
    sure = loop.cause in ("oom", "node-name")
    return Finding(
        kind=KIND,
        key=loop.key,
        severity="warning" if loop.owner is not None else "critical",
        confidence="certain" if sure and len(loop.ends) > 1 else "likely",
        subject=Subject(
            worker=loop.node,
            host=loop.node.partition("@")[2] or None,
            pid=loop.ends[-1].pid,
            container=loop.container,
        ),
        summary=f"{loop.node} starts and dies again and again, {loop.times} times{span}: {_WHY_MAIN[loop.cause]}"
        f"{'' if death is None else words(view, death)}",
        since=began,
        cause=loop.cause,
        evidence=(*(end.fact for end in loop.ends[-SHOWN:]), *_owner(loop)),
        ruled_out=tuple(filter(None, (broker(view),))),
        impact=Impact() if death is None else impact(view, death),
        fix=_FIX_MAIN[loop.cause],
        verify=remedies.verify(KIND, ()),
        blind_spots=() if sure else (BlindSpot("its log", "not read", "what its last words were"),),
    )


_WHY_MAIN = {
    "oom": "the kernel kills it for memory",
    "init-error": "it never comes up, so it fails while it starts",
    "node-name": "another worker has its node name and lives",
    "unknown": "it comes up, and nothing that can be seen says why it ends",
}


def _owner(loop: MainLoop) -> tuple[Fact, ...]:
    if loop.owner is None:
        return ()
    worker = loop.owner.worker
    said = f"{worker.node} is alive as pid {worker.pid} all the while"
    return (Fact(worker.heartbeat_seen, "event", said, "celeriac workers"),)


_LOOK = Fix("celery -A PROJ worker -l DEBUG -c 1", "start one by hand: it says why it ends")
_MEMORY = Fix("# raise the worker's memory limit, or lower --concurrency", "what starts must fit")
_FIX: dict[str, tuple[Fix, ...]] = {
    "up-timeout": (
        Fix("# worker_proc_alive_timeout = 30", "gives worker_process_init the time it takes; then restart"),
    ),
    "oom": (_MEMORY,),
    "init-error": (_LOOK,),
    "max-memory-baseline": (
        Fix("# worker_max_memory_per_child = twice what a fresh child uses, in kilobytes", "children live on again"),
    ),
    "unknown": (_LOOK,),
}
_FIX_MAIN: dict[str, tuple[Fix, ...]] = {
    "oom": (_MEMORY,),
    "init-error": (_LOOK,),
    "node-name": (Fix("celery -A PROJ worker -n NAME-%i@%h", "gives each worker on a host a name of its own"),),
    "unknown": (_LOOK,),
}
_PREVENT: dict[str, tuple[Prevent, ...]] = {
    "up-timeout": (
        Prevent("worker_process_init", "quick", "connect and load lazily, in the first task, not as the child starts"),
    ),
    "max-memory-baseline": (
        Prevent(
            "worker_max_memory_per_child",
            "kilobytes, well above a fresh child",
            "it is checked after each task against the child's peak; below the baseline every task costs a fork",
        ),
    ),
    "oom": (remedies.CHILD_MEMORY,),
}

DETECTOR = Detector(KIND, judge, needs=frozenset({"events"}), patience=Patience(keep_open=30.0))
