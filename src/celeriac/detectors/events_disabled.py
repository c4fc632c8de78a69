"""events-disabled: workers run tasks and report nothing of it."""

from __future__ import annotations

from celeriac.detectors import prose
from celeriac.detectors.base import Detector
from celeriac.detectors.liveness import Life, Standing, lives
from celeriac.model.finding import BlindSpot, Fact, Finding, Fix, Impact, Prevent, Subject, Verify, finding_key
from celeriac.model.incident import Patience
from celeriac.model.view import View

KIND = "events-disabled"
FLUSHED = 4.0
"""Seconds by which a task event may trail the heartbeat that counts it."""


def judge(view: View) -> tuple[Finding, ...]:
    """One finding that names every such worker."""
    mute = [life for life in lives(view) if life.standing is Standing.ALIVE and _is_mute(life)]
    return (_finding(mute),) if mute and view.sees("events") else ()


def _is_mute(life: Life) -> bool:
    """True when its heartbeats count work done while we listened, and no task event ever came."""
    worker = life.worker
    if worker.task_event_seen is not None or worker.processed is None or worker.first_figures is None:
        return False
    since, before = worker.first_figures
    born_here = worker.online_at is not None and worker.online_at <= since
    return worker.processed > (0 if born_here else before) and worker.figures_at - worker.first_seen >= FLUSHED / 2


def _finding(mute: list[Life]) -> Finding:
    nodes = sorted(life.worker.node for life in mute)
    one = len(nodes) == 1
    verbs = ("runs", "sends") if one else ("run", "send")
    return Finding(
        kind=KIND,
        key=finding_key(KIND, "workers"),
        severity="info",
        confidence="certain",
        subject=Subject(worker=nodes[0] if one else None),
        summary=f"{prose.names(nodes)} {verbs[0]} tasks and {verbs[1]} no task events",
        since=min(life.worker.first_seen for life in mute),
        cause="unknown",
        evidence=tuple(_fact(life) for life in mute[:4]),
        impact=Impact(lost=None, unknown=None),
        fix=(
            Fix("celery -A PROJ control enable_events", "turns task events on in every running worker, at once"),
            Fix("celery -A PROJ worker -E", "turns them on for good, from its start"),
        ),
        verify=(Verify(f"celeriac diagnose --only {KIND}", "no finding"),),
        prevent=(
            Prevent("worker_send_task_events", "True", "the same as -E"),
            Prevent("task_send_sent_event", "True", "publishes are seen too, so waiting times are exact"),
        ),
        blind_spots=(
            BlindSpot("task events", f"off on {prose.names(nodes)}", "which tasks run, end, fail and are lost"),
        ),
    )


def _fact(life: Life) -> Fact:
    worker = life.worker
    before = worker.first_figures[1] if worker.first_figures else 0
    counted = f"from {prose.number(before)} to {prose.number(worker.processed or 0)}"
    words = f"{worker.node}: its heartbeats' count of tasks went {counted}, and no task event came"
    return Fact(worker.figures_at, "event", words, "celery -A PROJ inspect stats")


DETECTOR = Detector(KIND, judge, needs=frozenset({"events"}), patience=Patience(hold=2.0, keep_open=10.0))
