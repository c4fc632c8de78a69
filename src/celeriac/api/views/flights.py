"""The last minute of children that died, as their worker recorded it: what an incident draws beside its evidence."""

from __future__ import annotations

from celeriac.api.views.shape import Json, when
from celeriac.model.evidence import Evidence
from celeriac.model.incident import Incident
from celeriac.store import Store

AROUND = 5.0
"""Seconds around an incident's life within which a death belongs to it."""
MOST = 3


def flights(store: Store, incident: Incident) -> list[Json]:
    """The deaths of the incident's worker while it lasted that have a curve, the newest first, at most `MOST`."""
    worker = incident.root.subject.worker
    if worker is None:
        return []
    begins = min(incident.root.since, incident.first_seen) - AROUND
    ends = (incident.resolved_at or incident.last_seen) + AROUND
    deaths = [
        one
        for one in store.evidence(begins)
        if one.what == "child-gone" and one.source == "worker" and worker in one.nodes and begins <= one.at <= ends
    ]
    drawn = [shown for one in sorted(deaths, key=lambda one: one.at, reverse=True) if (shown := _flight(one))]
    return drawn[:MOST]


def _flight(death: Evidence) -> Json | None:
    curve = death.data.get("curve")
    if not isinstance(curve, (list, tuple)) or len(curve) < 2:
        return None
    return {
        "at": when(death.at),
        "child": death.pid,
        "cause": death.text("cause"),
        "task_id": death.text("task_id"),
        "task_name": death.text("task_name"),
        "limit": death.number("limit"),
        "peak": death.number("peak"),
        "curve": curve,
    }
