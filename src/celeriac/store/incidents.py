"""Keep incidents: their rows, the tasks they touched, and the log of their changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, delete, insert, select, update

from celeriac.model.incident import Incident
from celeriac.store.codec import pack, unpack
from celeriac.store.incident_rows import SavedIncident
from celeriac.store.revisions import bump
from celeriac.store.rows import CHUNK
from celeriac.store.schema import incident_log, incident_tasks, incidents

ROLES = ("lost", "failed", "held", "requeued", "running_twice", "unknown")
"""The lists of an Impact, as the parts a task can have in an incident."""
ROLE_LIMIT = 1_000


def save(connection: Connection, saved: Sequence[SavedIncident], removed: Sequence[str], now: float) -> None:
    """Write `saved`, drop `removed` (those that never opened), and log every change of state."""
    changed = [_save(connection, one, now) for one in saved]
    for start in range(0, len(removed), CHUNK):
        _remove(connection, removed[start : start + CHUNK])
    if any(changed) or removed:
        bump(connection, "incidents")


def _save(connection: Connection, saved: SavedIncident, now: float) -> bool:
    """True when something changed that people would see; being seen again is no change."""
    new = saved.incident
    row = connection.execute(
        select(incidents.c.body, incidents.c.playbook).where(incidents.c.id == new.id)
    ).one_or_none()
    old = None if row is None else unpack(Incident, row.body)
    if old == new and row is not None and row.playbook == saved.playbook:
        return False
    _write(connection, saved, known=old is not None)
    if old is None or old.state is not new.state:
        _log(connection, old, new, now)
    touched = roles(new)
    if old is None or roles(old) != touched:
        _rewrite_roles(connection, new.id, touched)
    return old is None or row is None or row.playbook != saved.playbook or replace(old, last_seen=new.last_seen) != new


def roles(incident: Incident) -> frozenset[tuple[str, str]]:
    """Which tasks the incident touched, and how: (task id, role), at most `ROLE_LIMIT` a role and finding."""
    return frozenset(
        (task_id, role)
        for finding in incident.findings
        for role in ROLES
        for task_id in (getattr(finding.impact, role) or ())[:ROLE_LIMIT]
    )


def _write(connection: Connection, saved: SavedIncident, *, known: bool) -> None:
    incident = saved.incident
    values = {
        "kind": incident.root.kind,
        "state": incident.state.value,
        "resolved_at": incident.resolved_at,
        "playbook": saved.playbook,
        "body": pack(incident),
    }
    if known:
        connection.execute(update(incidents).where(incidents.c.id == incident.id).values(values))
    else:
        connection.execute(insert(incidents).values(id=incident.id, **values))


def _log(connection: Connection, old: Incident | None, new: Incident, now: float) -> None:
    connection.execute(
        insert(incident_log).values(
            at=now,
            incident=new.id,
            from_state=None if old is None else old.state.value,
            to_state=new.state.value,
            summary=new.root.summary,
        )
    )


def _rewrite_roles(connection: Connection, incident_id: str, touched: frozenset[tuple[str, str]]) -> None:
    connection.execute(delete(incident_tasks).where(incident_tasks.c.incident == incident_id))
    rows = [{"incident": incident_id, "task_id": task_id, "role": role} for task_id, role in sorted(touched)]
    if rows:
        connection.execute(insert(incident_tasks), rows)


def _remove(connection: Connection, ids: Sequence[str]) -> None:
    connection.execute(delete(incidents).where(incidents.c.id.in_(ids)))
    connection.execute(delete(incident_tasks).where(incident_tasks.c.incident.in_(ids)))
    connection.execute(delete(incident_log).where(incident_log.c.incident.in_(ids)))
