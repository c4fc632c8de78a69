"""Incidents: the list, and one with its whole diagnosis."""

from __future__ import annotations

from celeriac.api.views.flights import flights
from celeriac.api.views.freshness import fresh
from celeriac.api.views.shape import Json, listing, when
from celeriac.model.diagnosis import SCHEMA, finding_json
from celeriac.model.incident import Incident, IncidentState
from celeriac.store import IncidentRow, Store

ACTIVE = frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED})
SHOWN = ACTIVE | {IncidentState.RESOLVED}
ACKNOWLEDGE = "acknowledge"
"""The kind of the request row by which somebody takes an incident on."""


def incidents(
    store: Store,
    now: float,
    *,
    states: frozenset[IncidentState] = SHOWN,
    kind: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Json:
    """Incidents, newest first. Pending ones are no incidents yet and are left out unless asked for."""
    judged, gaps = fresh(store, now)
    page = store.incidents(states=states, kind=kind, after=after, limit=limit)
    return listing((incident_row(row.incident) for row in page.items), judged, gaps, after=page.next)


def incident(store: Store, now: float, incident_id: str) -> Json | None:
    """One incident: its root finding's fields, `findings` (the root, then its consequences), `flights` (the memory of
    children that died in it), life, log and playbook.

    None when there is none of that id.
    """
    row = store.incident(incident_id)
    if row is None:
        return None
    judged, _ = fresh(store, now)
    return {
        "schema": SCHEMA,
        **finding_json(row.incident.root),
        **_life(row.incident),
        "as_of": when(judged.as_of),
        "stale": judged.stale,
        "findings": _findings(row.incident),
        "flights": flights(store, row.incident),
        "log": _log(store, incident_id),
        "playbook_text": row.playbook,
        "acknowledge_requested": _requested(store, row),
    }


def incident_row(incident: Incident) -> Json:
    """One line of the list."""
    root = incident.root
    return {
        **_life(incident),
        "kind": root.kind,
        "cause": root.cause,
        "severity": root.severity,
        "confidence": root.confidence,
        "summary": root.summary,
        "since": when(root.since),
        "subject": {"worker": root.subject.worker, "queue": root.subject.queue, "broker": root.subject.broker},
        "consequences": len(incident.findings) - 1,
        "lost_count": None if root.impact.lost is None else len(root.impact.lost),
        "held_count": root.impact.held_count
        if root.impact.held_count is not None
        else (None if root.impact.held is None else len(root.impact.held)),
        "waiting": root.impact.waiting,
    }


def _life(incident: Incident) -> Json:
    return {
        "id": incident.id,
        "state": incident.state.value,
        "first_seen": when(incident.first_seen),
        "last_seen": when(incident.last_seen),
        "opened_at": when(incident.opened_at),
        "acknowledged_at": when(incident.acknowledged_at),
        "resolved_at": when(incident.resolved_at),
        "no_data": incident.blind,
        "reopened": incident.reopened,
    }


def _findings(incident: Incident) -> list[Json]:
    root, *consequences = incident.findings
    return [
        {**finding_json(root), "id": incident.id},
        *(finding_json(one, caused_by=incident.id) for one in consequences),
    ]


def _log(store: Store, incident_id: str) -> list[Json]:
    return [
        {"at": when(entry.at), "from": entry.from_state, "to": entry.to_state, "summary": entry.summary}
        for entry in store.incident_log(incident_id)
    ]


def _requested(store: Store, row: IncidentRow) -> bool:
    """True while somebody's acknowledgement waits for the owning loop."""
    if row.incident.state is not IncidentState.OPEN:
        return False
    return any(request.subject == row.incident.id for request in store.open_requests(ACKNOWLEDGE))
