"""What the store keeps of incidents, as values."""

from __future__ import annotations

from dataclasses import dataclass

from celeriac.model.incident import Incident


@dataclass(frozen=True, slots=True)
class SavedIncident:
    """An incident to keep, with its playbook as rendered for it."""

    incident: Incident
    playbook: str


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """An incident on record. `seq` grows with each new one and never changes."""

    incident: Incident
    playbook: str
    seq: int


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One change of an incident's state, at Unix seconds. `from_state` is None for its first."""

    at: float
    incident: str
    from_state: str | None
    to_state: str
    summary: str


@dataclass(frozen=True, slots=True)
class Request:
    """Something a person asked for; the loop that owns the work does it and settles the row with its `outcome`."""

    id: str
    kind: str
    subject: str
    by: str
    at: float
    settled_at: float | None = None
    outcome: str | None = None
