"""An incident: a finding with a life. One enum, one pure transition.

(nothing) -> pending -> open -> acknowledged -> resolved
                |         |_______________________^
                +-> gone before its hold time: never an incident
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from celeriac.model.finding import Finding


class IncidentState(StrEnum):
    """Where an incident stands."""

    PENDING = "pending"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a finding must hold before it opens, and stay gone before it resolves, in seconds."""

    hold: float = 0.0
    keep_open: float = 10.0


@dataclass(frozen=True, slots=True)
class Incident:
    """One fingerprint's life. Times are Unix seconds at the watermark.

    `gone_since` is when the finding was first missing, None while it stands. `blind` is true while its input is
    stale: then nothing is known, and it neither opens nor resolves. `findings` are the root and its consequences.
    """

    id: str
    key: str
    state: IncidentState
    first_seen: float
    last_seen: float
    findings: tuple[Finding, ...]
    opened_at: float | None = None
    acknowledged_at: float | None = None
    resolved_at: float | None = None
    gone_since: float | None = None
    blind: bool = False
    reopened: int = 0

    @property
    def root(self) -> Finding:
        """The finding that names the incident."""
        return self.findings[0]

    @property
    def active(self) -> bool:
        """True while people should look at it."""
        return self.state in (IncidentState.OPEN, IncidentState.ACKNOWLEDGED)


def begin(incident_id: str, findings: tuple[Finding, ...], at: float, patience: Patience) -> Incident:
    """The incident a finding starts: open at once when nothing is to be held for."""
    root = findings[0]
    fresh = Incident(incident_id, root.key, IncidentState.PENDING, first_seen=at, last_seen=at, findings=findings)
    return seen(fresh, findings, at, patience)


def seen(incident: Incident, findings: tuple[Finding, ...], at: float, patience: Patience) -> Incident:
    """The finding stands at `at`: refresh the diagnosis, open when held long enough, reopen when it had resolved."""
    current = replace(incident, findings=findings, last_seen=at, gone_since=None, blind=False)
    if current.state is IncidentState.RESOLVED:
        return replace(
            current,
            state=IncidentState.OPEN,
            opened_at=at,
            resolved_at=None,
            acknowledged_at=None,
            reopened=current.reopened + 1,
        )
    if current.state is IncidentState.PENDING and at - current.first_seen >= patience.hold:
        return replace(current, state=IncidentState.OPEN, opened_at=at)
    return current


def missed(incident: Incident, at: float, patience: Patience) -> Incident | None:
    """The finding is gone at `at`, on fresh data: resolve when gone long enough; None when it never opened."""
    if incident.state is IncidentState.RESOLVED:
        return incident
    if incident.state is IncidentState.PENDING:
        return None
    since = incident.gone_since if incident.gone_since is not None else at
    if at - since >= patience.keep_open:
        return replace(incident, state=IncidentState.RESOLVED, resolved_at=at, gone_since=since, blind=False)
    return replace(incident, gone_since=since, blind=False)


def blinded(incident: Incident) -> Incident:
    """The detector's input is stale: nothing is known, so nothing resolves and the clock towards it starts anew."""
    return replace(incident, blind=True, gone_since=None)


def merged(incident: Incident, at: float) -> Incident | None:
    """The finding turned out to follow from another incident, and lives on there; None when it never opened."""
    if incident.state is IncidentState.PENDING:
        return None
    return replace(incident, state=IncidentState.RESOLVED, resolved_at=at, gone_since=at, blind=False)


def acknowledged(incident: Incident, at: float) -> Incident:
    """Somebody is on it."""
    if incident.state is not IncidentState.OPEN:
        return incident
    return replace(incident, state=IncidentState.ACKNOWLEDGED, acknowledged_at=at)
