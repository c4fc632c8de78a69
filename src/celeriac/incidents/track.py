"""The track loop: ask the detectors at the watermark, and give every finding its life as an incident."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace

from celeriac.detectors import Detector
from celeriac.incidents.declare import declarations
from celeriac.incidents.lives import Live, judge_lives
from celeriac.incidents.playbook import playbook
from celeriac.incidents.rank import groups
from celeriac.model.finding import Finding
from celeriac.model.incident import Incident, IncidentState, acknowledged
from celeriac.model.ledger import Declaration
from celeriac.model.view import View
from celeriac.store import SavedIncident, Store
from celeriac.telemetry import DetectorFailed, IncidentChanged, emit

ACKNOWLEDGE = "acknowledge"
EVENTS = "events"
SEEN_AGAIN = 5.0
LEDGER_KINDS = frozenset({"task-lost", "task-held"})
"""The kinds that say where a task stands: while one of them cannot see, what was declared goes on."""


class TrackLoop:
    """One judgement a half second; recomputed from the store alone, so that a restart goes on where it stopped."""

    name = "track"
    interval = 0.5

    def __init__(self, store: Store, detectors: Sequence[Detector]) -> None:
        self._store = store
        self._detectors = tuple(detectors)
        self._listening_since: float | None = None
        self._declared: tuple[Declaration, ...] | None = None
        self._declared_at = 0.0

    def step(self, now: float) -> bool:
        """Judge once, and write what changed."""
        view = self._store.view(now, observed=self._observed(now))
        found, failed = ask(self._detectors, view)
        blind = failed | {one.kind for one in self._detectors if not self._sees(one, view, now)}
        stored = self._store.live_incidents()
        live = Live({one.kind: one.patience for one in self._detectors}, frozenset(blind))
        if view.broker is not None and not blind & LEDGER_KINDS:
            self._declare(declarations(view, found), now)
        wanted = self._store.open_requests(ACKNOWLEDGE)
        taken_on = _take_on(stored, {request.subject for request in wanted}, now)
        self._write(stored, judge_lives(taken_on, groups(found), view.at, live), now)
        for request in wanted:  # only now: an order that was not carried out must still stand after a crash
            self._store.settle_request(request.id, "done", now)
        return False

    def close(self) -> None:
        """Nothing is held."""

    def _observed(self, now: float) -> float:
        """Seconds for which events have been heard without a break: silence counts only while somebody listens."""
        deaf = any(one.name == EVENTS and not one.live(now) for one in self._store.sources())
        if self._listening_since is None or deaf:
            self._listening_since = now
        return now - self._listening_since

    def _sees(self, detector: Detector, view: View, now: float) -> bool:
        sources = {source.name: source for source in view.sources}
        return all(name in sources and sources[name].live(now) for name in detector.needs)

    def _declare(self, declared: tuple[Declaration, ...], now: float) -> None:
        """Tell the ledger what changed; now and then all of it, since what is heard of a task overwrites it."""
        if declared == self._declared and (not declared or now - self._declared_at < SEEN_AGAIN):
            return
        self._store.declare(declared, now)
        self._declared, self._declared_at = declared, now

    def _write(self, stored: Sequence[Incident], after: Sequence[Incident], now: float) -> None:
        known = {incident.id: incident for incident in stored}
        changed = [incident for incident in after if _differs(known.get(incident.id), incident)]
        removed = sorted(known.keys() - {incident.id for incident in after})
        if not changed and not removed:
            return
        self._store.save_incidents([SavedIncident(one, playbook(one.root)) for one in changed], removed, now)
        for incident in changed:
            before = known.get(incident.id)
            if incident.state is not (before.state if before else IncidentState.PENDING):
                emit(IncidentChanged(incident.id, incident.root.kind, incident.state.value, incident.root.summary))


def _take_on(incidents: Iterable[Incident], wanted: Container[str], now: float) -> tuple[Incident, ...]:
    """Acknowledge what somebody asked for: the request row is the order, the loop does the work."""
    return tuple(acknowledged(one, now) if one.id in wanted else one for one in incidents)


def _differs(stored: Incident | None, incident: Incident) -> bool:
    """True when the row must be written; that it was merely seen again is written now and then."""
    if stored is None or incident.last_seen - stored.last_seen >= SEEN_AGAIN:
        return True
    return replace(stored, last_seen=incident.last_seen) != incident


def ask(detectors: Iterable[Detector], view: View) -> tuple[tuple[Finding, ...], set[str]]:
    """Every finding that stands, and the kinds whose detector raised: those are unknown, not absent."""
    found: list[Finding] = []
    failed: set[str] = set()
    for detector in detectors:
        try:
            found += detector.judge(view)
        except Exception as error:  # a detector may be a plugin; the others must still be asked
            failed.add(detector.kind)
            emit(DetectorFailed(detector.kind, f"{type(error).__name__}: {error}"))
    return tuple(found), failed
