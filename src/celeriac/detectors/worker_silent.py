"""worker-silent: no heartbeat, but the process is there, or cannot be seen."""

from __future__ import annotations

from celeriac.detectors import commands, prose
from celeriac.detectors.base import Detector
from celeriac.detectors.consumption import consumed
from celeriac.detectors.liveness import Life, Standing, lives, successor
from celeriac.detectors.memory import fact
from celeriac.detectors.ruled_out import broker
from celeriac.detectors.testimony import last_heartbeat
from celeriac.detectors.traces import container_name
from celeriac.model.finding import (
    BlindSpot,
    Confidence,
    Fact,
    Finding,
    Fix,
    Impact,
    Severity,
    Subject,
    Verify,
    finding_key,
)
from celeriac.model.queue import Queue
from celeriac.model.view import View

KIND = "worker-silent"
TOLD_FOR = 900.0
"""Seconds for which silence is told while nothing waits for the silent one and nothing shows it is still there."""
_WORDS = {
    "frozen": "its main process is stopped (state T)",
    "log-pipe": "its main process is blocked writing its log to a pipe that nobody reads",
    "heartbeats-off": "works but sends no heartbeats",
    "unknown": "nothing that can be seen says why",
}


def judge(view: View) -> tuple[Finding, ...]:
    """Lives that are silent and not dead; a busy one is calm."""
    silent = (life for life in lives(view) if life.standing is Standing.SILENT and life.cause != "busy")
    return tuple(_finding(view, life) for life in silent if _stands(view, life))


def _stands(view: View, life: Life) -> bool:
    if successor(view, life) is not None:
        return False
    return life.trace.process is not None or life.silence < TOLD_FOR or bool(_left_alone(view, life))


def _left_alone(view: View, life: Life) -> tuple[Queue, ...]:
    """Its queues that nobody else takes from, as far as can be seen."""
    own = life.worker.queues
    return tuple(
        queue
        for queue in view.queues
        if queue.samples and (own is None or queue.name in own) and consumed(view, queue) is not True
    )


def _finding(view: View, life: Life) -> Finding:
    node, process = life.worker.node, life.trace.process
    queues = () if life.cause == "heartbeats-off" else _left_alone(view, life)
    waiting = sum(queue.latest.ready for queue in queues)
    off = life.cause == "heartbeats-off"
    since = (life.worker.heartbeat_seen if off else life.last_word) or life.worker.first_seen
    return Finding(
        kind=KIND,
        key=finding_key("worker", node),
        severity=_severity(life, waiting),
        confidence="certain" if process is not None and life.cause != "unknown" else _confidence(life),
        subject=Subject(node, life.worker.host, life.worker.pid, container_name(life.trace)),
        summary=_summary(life, queues, waiting),
        since=since,
        cause=life.cause,
        evidence=_evidence(life, queues),
        ruled_out=tuple(filter(None, (broker(view),))),
        impact=Impact(waiting=waiting if view.broker is not None else None),
        fix=_fix(life),
        verify=(Verify(f"celeriac diagnose --only {KIND}", "no finding, exit code 0"),),
        blind_spots=() if process is not None else (_UNSEEN,),
    )


_UNSEEN = BlindSpot("process table of its host", "not read here", "whether it is dead, frozen or busy")


def _confidence(life: Life) -> Confidence:
    return "likely" if life.cause == "heartbeats-off" or life.trace.process is not None else "possible"


def _severity(life: Life, waiting: int) -> Severity:
    if life.cause == "heartbeats-off":
        return "info"
    return "critical" if waiting else "warning"


def _summary(life: Life, queues: tuple[Queue, ...], waiting: int) -> str:
    if life.cause == "heartbeats-off":
        return f"{life.worker.node} {_WORDS[life.cause]}: its death could not be told from its silence at once"
    words = f"{life.worker.node} has been silent for {prose.span(life.silence)}: {_WORDS[life.cause]}"
    if not waiting:
        return words
    waits = [queue.name for queue in queues if queue.latest.ready]
    return f"{words}; {prose.number(waiting)} waiting in {prose.names(waits)}"


def _evidence(life: Life, queues: tuple[Queue, ...]) -> tuple[Fact, ...]:
    found = [last_heartbeat(life.worker)] if life.worker.heartbeat_seen else []
    if life.trace.process is not None:
        found.append(fact(life.trace.process))
    for queue in queues[:2]:
        words = f"{queue.name}: {prose.number(queue.latest.ready)} waiting"
        found.append(Fact(queue.latest.at, "broker", words, commands.depth(queue)))
    return tuple(found)


def _fix(life: Life) -> tuple[Fix, ...]:
    process = life.trace.process
    pid = process.pid if process is not None else None
    if life.cause == "frozen" and pid is not None:
        return (Fix(f"kill -CONT {pid}", "lets the stopped process go on"),)
    if life.cause == "log-pipe" and pid is not None:
        return (Fix(f"ls -l /proc/{pid}/fd/1 /proc/{pid}/fd/2", "names the pipe: read it, or log to a file"),)
    if life.cause == "heartbeats-off":
        return (Fix("start the worker without --without-heartbeat", "silence can then be told from death"),)
    why = "no answer is not death: look at the process itself"
    return (Fix(f"ps -o pid,stat,wchan,etime,cmd -p {pid or life.worker.pid}", why),)


DETECTOR = Detector(KIND, judge, needs=frozenset({"events"}))
