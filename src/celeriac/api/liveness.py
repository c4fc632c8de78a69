"""Is this worker there? From its heartbeats and goodbye, and from what the open incidents concluded about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from celeriac.clock import rfc3339
from celeriac.model.incident import Incident
from celeriac.model.worker import Worker

State = Literal["alive", "silent", "dead", "stopped", "unknown"]
DEADLY = frozenset({"worker-lost", "worker-oom-killed"})
MISSED_BEATS = 3
AT_LEAST = 6.0
"""Seconds of silence before three missed heartbeats count: Celery's timer may be late under load."""


@dataclass(frozen=True, slots=True)
class Liveness:
    """The judgement, the sentence that carries it, and the incident that says more."""

    state: State
    because: str
    incident: str | None = None


def judge(worker: Worker, incidents: Iterable[Incident], at: float, *, stale: bool) -> Liveness:
    """How `worker` stands at the watermark `at`. On stale input a missing heartbeat means nothing."""
    silence = max(0.0, at - worker.heartbeat_seen)
    if worker.said_goodbye():
        return Liveness("stopped", f"said goodbye at {rfc3339(worker.offline_at or 0.0)}")
    told = _told(worker, incidents)
    if told:
        return told
    if stale:
        return Liveness("unknown", "its heartbeats cannot be heard now")
    if worker.heartbeat_seen <= 0:
        return Liveness("unknown", "no heartbeat was ever heard; it may run without them")
    if silence <= max(MISSED_BEATS * worker.frequency, AT_LEAST):
        return Liveness("alive", f"heartbeat {silence:.0f} s ago")
    return Liveness("silent", f"no heartbeat for {silence:.0f} s; whether it is dead is not known")


def _told(worker: Worker, incidents: Iterable[Incident]) -> Liveness | None:
    """What an active incident's root concluded about this life."""
    for incident in incidents:
        subject = incident.root.subject
        if subject.worker != worker.node or not _same_life(worker, incident):
            continue
        if incident.root.kind in DEADLY and incident.root.cause != "child":
            return Liveness("dead", clause(incident.root.summary), incident.id)
        if incident.root.kind == "worker-silent":
            return Liveness("silent", clause(incident.root.summary), incident.id)
    return None


def _same_life(worker: Worker, incident: Incident) -> bool:
    """False for a life that was heard after the finding was made: it is a newer one, or it came back."""
    return worker.heartbeat_seen <= incident.root.since + AT_LEAST


def clause(summary: str) -> str:
    """A summary's first clause: what happened, without its consequences."""
    return summary.partition(";")[0]
