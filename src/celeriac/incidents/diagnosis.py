"""Put a diagnosis together: ask every detector, rank what they found, say what is well and what was not seen."""

from __future__ import annotations

from collections.abc import Iterable

from celeriac.detectors import Detector
from celeriac.detectors.liveness import Standing, lives
from celeriac.incidents.blindness import blind_spots
from celeriac.incidents.rank import rank
from celeriac.incidents.track import ask
from celeriac.incidents.wellness import wellness
from celeriac.model.diagnosis import Diagnosis, Verdict
from celeriac.model.finding import BlindSpot, Finding
from celeriac.model.view import View

UNREACHABLE = "broker-unreachable"


def diagnose(view: View, detectors: Iterable[Detector], *, only: str | None = None) -> Diagnosis:
    """The diagnosis as of the view. `only` keeps the findings of one kind; the verdict is then about that kind."""
    found, failed = ask(detectors, view)
    ranked = rank(found)
    shown = tuple(finding for finding in ranked if only in (None, finding.kind))
    unasked = tuple(BlindSpot(kind, "its detector failed", f"whether there is a {kind}") for kind in sorted(failed))
    return Diagnosis(
        verdict=_verdict(view, shown),
        as_of=view.at,
        observed=view.observed,
        findings=shown,
        healthy=wellness(view, ranked),
        blind_spots=(*blind_spots(view, shown), *unasked),
    )


def _verdict(view: View, findings: tuple[Finding, ...]) -> Verdict:
    if any(finding.severity != "info" and not _is_ours(view, finding) for finding in findings):
        return "problem"
    return "unknown" if view.broker is None or _workers_unjudged(view) else "healthy"


def _is_ours(view: View, finding: Finding) -> bool:
    """True when the broker refuses *our* password and never let us in: that says nothing about the user's system."""
    return view.broker is None and finding.kind == UNREACHABLE and finding.cause == "auth"


def _workers_unjudged(view: View) -> bool:
    """True when there are workers, or connections as of workers, and of none can be said whether it lives."""
    here = [life for life in lives(view) if life.standing not in (Standing.LEFT, Standing.ENDED)]
    if here:
        return all(life.takes_work is None for life in here)
    look = view.broker
    return look is not None and any(one.waiting or one.subscribed for one in look.consumers or ())
