"""A store with an incident whose tasks are held by a dead worker."""

from __future__ import annotations

from celeriac.model.finding import Finding, Impact, Subject, finding_key
from celeriac.model.incident import Incident, IncidentState
from celeriac.model.source import SourceMark
from celeriac.store import Batch, SavedIncident, Store
from lab.dashboard import NODE, NOW, look

HELD_INCIDENT = "feed5eed"


def fill_held(store: Store, now: float = NOW) -> None:
    """One open `task-held` incident."""
    finding = Finding(
        "task-held",
        finding_key("task-held", NODE),
        "warning",
        "certain",
        Subject(worker=NODE),
        f"1 task is held by {NODE}, which is dead",
        now - 60,
        "prefetched",
        impact=Impact(held=("held-1",)),
    )
    incident = Incident(HELD_INCIDENT, finding.key, IncidentState.OPEN, now - 50, now, (finding,), opened_at=now - 50)
    marks = tuple(SourceMark(name, now) for name in ("broker", "events"))
    store.record(Batch(now, look=look(now, 3), marks=marks))
    store.save_incidents([SavedIncident(incident, "")], (), now)
