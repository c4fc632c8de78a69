"""What incidents say of a task."""

from __future__ import annotations

from celeriac.api.surroundings import Role
from celeriac.model.incident import IncidentState
from celeriac.store import Store


def roles(store: Store, task_id: str) -> tuple[Role, ...]:
    """Every part the task has in an incident, the newest incident first."""
    found = []
    for incident_id, name in store.incidents_of_task(task_id):
        row = store.incident(incident_id)
        if row is not None:
            active = row.incident.state is not IncidentState.RESOLVED
            found.append(Role(incident_id, name, active, row.incident.root.summary))
    return tuple(found)
