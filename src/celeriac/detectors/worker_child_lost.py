"""worker-child-lost: a pool child died of something other than memory; its worker lives."""

from __future__ import annotations

from celeriac.detectors import prose, remedies
from celeriac.detectors.base import Detector
from celeriac.detectors.child_death import ChildDeath
from celeriac.detectors.child_deaths import impact_of, unwanted
from celeriac.detectors.child_loops import apart_from_loops, child_loop
from celeriac.detectors.liveness import Life, living
from celeriac.detectors.poison_deaths import poison_behind
from celeriac.detectors.ruled_out import broker
from celeriac.detectors.traces import container_name
from celeriac.model.finding import (
    BlindSpot,
    Fact,
    Finding,
    Fix,
    Impact,
    Prevent,
    RuledOut,
    Severity,
    Subject,
    finding_key,
)
from celeriac.model.view import View

KIND = "worker-child-lost"
SHOWN = 4
_SAID = {
    "segfault": "crashed (SIGSEGV, a segmentation fault)",
    "hard-time-limit": "was killed by its hard time limit",
    "up-timeout": "was killed by its parent: it was not up within worker_proc_alive_timeout",
    "operator": "was ended by an operator (revoke with terminate)",
}


def judge(view: View) -> tuple[Finding, ...]:
    """One finding for each living worker that lost children; memory's are `worker-oom-killed`, a loop is its own."""
    found = ((life, apart_from_loops(unwanted(view, life))) for life in living(view))
    return tuple(_finding(view, life, deaths) for life, deaths in found if deaths and _stands(view, life, deaths))


def _stands(view: View, life: Life, deaths: tuple[ChildDeath, ...]) -> bool:
    return not any(death.cause == "oom" for death in deaths) and child_loop(view, life) is None


def _finding(view: View, life: Life, deaths: tuple[ChildDeath, ...]) -> Finding:
    node = life.worker.node
    lead = max(deaths, key=lambda death: (death.cause != "operator", death.at))
    alike = tuple(death for death in deaths if death.cause == lead.cause)
    cost = impact_of(life, deaths)
    return Finding(
        kind=KIND,
        key=finding_key("worker-child", node),
        severity=_severity(lead, cost),
        confidence="likely" if lead.cause == "unknown" else lead.confidence,
        subject=Subject(
            worker=node,
            host=life.worker.host,
            pid=lead.pid,
            container=container_name(life.trace),
            task_name=lead.task_name,
            task_id=lead.task_id,
        ),
        summary=f"{_who(node, alike)} {_how(lead, alike)}{_cost(lead, alike, cost)}; the worker itself lives",
        since=alike[0].at,
        cause=lead.cause,
        evidence=_evidence(view, life, deaths),
        ruled_out=tuple(filter(None, (_memory(lead), broker(view)))),
        impact=cost,
        fix=_fix(life, lead),
        verify=remedies.verify(KIND, ()),
        prevent=_PREVENT.get(lead.cause, ()),
        blind_spots=_unseen(lead, cost),
        caused_by=poison_behind(view, (death.task_id for death in deaths)),
    )


def _severity(lead: ChildDeath, cost: Impact) -> Severity:
    """A child is replaced at once: it is its task that is missed. A crash is worth a look whatever it hit."""
    if lead.cause == "operator":
        return "info"
    hit = cost.failed is None or cost.failed or cost.requeued or cost.unknown
    return "warning" if hit or lead.cause == "segfault" else "info"


def _who(node: str, alike: tuple[ChildDeath, ...]) -> str:
    return f"a pool child of {node}" if len(alike) == 1 else f"{prose.number(len(alike))} pool children of {node}"


def _how(lead: ChildDeath, alike: tuple[ChildDeath, ...]) -> str:
    words = _SAID.get(lead.cause)
    if words is None and lead.cause == "unknown" and lead.status == "SIGKILL":
        words = "was killed (SIGKILL); whether for memory could not be seen"
    elif words is None and lead.status == "SIGKILL":
        words = "was killed from outside (SIGKILL), and there is no record of memory"
    elif words is None:
        status = prose.names(tuple(dict.fromkeys(death.status for death in alike if death.status)))
        words = f"died of {status}" if lead.cause == "signal" else f"ended ({status or 'nothing tells how'})"
    return words if len(alike) == 1 else _of_several(words)


def _of_several(words: str) -> str:
    for one, several in (("was ", "were "), ("by its ", "by their "), (": it was", ": they were")):
        words = words.replace(one, several, 1)
    return words


def _cost(lead: ChildDeath, alike: tuple[ChildDeath, ...], cost: Impact) -> str:
    if len(alike) == 1 and lead.task_id is not None:
        return f"; {lead.task_words} {_FATES[lead.fate]}"
    counts = (
        (len(cost.failed or ()), "failed"),
        (len(cost.requeued or ()), "requeued"),
        (len(cost.unknown or ()), "of unknown fate"),
    )
    words = ", ".join(f"{prose.count(number, 'task')} {what}" for number, what in counts if number)
    return f"; {words}" if words else ""


_FATES = {
    "failed": "failed",
    "requeued": "was requeued",
    "revoked": "is revoked",
    "succeeded": "had succeeded before",
    "unknown": "was on it",
}


def _evidence(view: View, life: Life, deaths: tuple[ChildDeath, ...]) -> tuple[Fact, ...]:
    said = f"the main process of {life.worker.node} (pid {life.worker.pid}) is alive"
    return (
        *(death.fact for death in deaths[-SHOWN:]),
        Fact(life.last_word or view.at, "event", said, "celeriac workers"),
    )


def _memory(lead: ChildDeath) -> RuledOut | None:
    if lead.cause in ("unknown", "operator"):
        return None
    if lead.status == "SIGKILL" and lead.cause == "signal":
        return RuledOut("memory", "the kill counter of its memory group did not rise")
    return RuledOut("memory", f"the kernel kills for memory by SIGKILL alone, and this was {lead.status or lead.cause}")


def _unseen(lead: ChildDeath, cost: Impact) -> tuple[BlindSpot, ...]:
    spots = []
    if lead.cause == "unknown":
        adds = "whether the kernel killed it for memory: run `celeriac agent` on its host"
        spots.append(BlindSpot("memory group of the worker", "its kill counter was not read", adds))
    if cost.failed is None:
        spots.append(
            BlindSpot("failed tasks", "no task event of that worker was heard", "which task failed (run it with -E)")
        )
    return tuple(spots)


def _fix(life: Life, lead: ChildDeath) -> tuple[Fix, ...]:
    first = _FIRST.get(lead.cause)
    again = Fix(f"celeriac task {lead.task_id}", "see its arguments and its end, and send it again if it may run twice")
    fixes = [first] if first else []
    if lead.task_id is not None and lead.cause != "operator":
        fixes.append(Fix(again.command, again.why, "repeats-work"))
    return tuple(fixes) or (
        Fix(f"celeriac workers   # {life.worker.node}", "the child was replaced; nothing is left to do"),
    )


_FIRST = {
    "segfault": Fix(
        "PYTHONFAULTHANDLER=1 celery -A PROJ worker …", "the next crash writes the Python stack to the log"
    ),
    "up-timeout": Fix(
        "celery -A PROJ worker …   # worker_proc_alive_timeout = 30", "slow initialisation gets its time"
    ),
}
_LOST = Prevent(
    "task_reject_on_worker_lost with task_acks_late",
    "True",
    "a task whose child died goes back to the queue (it must bear running twice)",
)
_PREVENT: dict[str, tuple[Prevent, ...]] = {
    "segfault": (
        Prevent("the C extension that crashed", "upgraded or isolated", "a segmentation fault comes from native code"),
        _LOST,
    ),
    "hard-time-limit": (
        Prevent("task_soft_time_limit", "below the hard limit", "the task learns first and can clean up and end"),
        Prevent("task_time_limit", "above the longest good run", "only runs that hang are killed"),
    ),
    "up-timeout": (
        Prevent(
            "worker_proc_alive_timeout",
            "above the time worker_process_init takes",
            "a child that is replaced must be up within it (default 4 s)",
        ),
    ),
    "signal": (_LOST,),
    "exit": (
        Prevent("os._exit and sys.exit in tasks", "an exception", "an exit ends the whole child, not the task"),
        _LOST,
    ),
    "unknown": (_LOST,),
}

DETECTOR = Detector(KIND, judge, needs=frozenset({"events"}))
