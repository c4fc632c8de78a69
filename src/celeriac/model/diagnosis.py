"""A diagnosis: ranked findings, what was found healthy, what could not be seen; and its public JSON (CONTRACT.md)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from celeriac.clock import rfc3339
from celeriac.model.finding import LIST_LIMIT, BlindSpot, Finding, Impact

SCHEMA = "celeriac.diagnosis/1"
Verdict = Literal["healthy", "problem", "unknown"]


@dataclass(frozen=True, slots=True)
class Healthy:
    """Something that was looked at and is well."""

    what: str
    fact: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`findings` come ranked: a root cause, then its consequences, then the next root. Times are Unix seconds."""

    verdict: Verdict
    as_of: float
    observed: float
    findings: tuple[Finding, ...] = ()
    healthy: tuple[Healthy, ...] = ()
    blind_spots: tuple[BlindSpot, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The public form, `celeriac.diagnosis/1`."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "as_of": rfc3339(self.as_of),
            "observed_seconds": self.observed,
            "findings": [finding_json(finding) for finding in self.findings],
            "healthy": [asdict(one) for one in self.healthy],
            "blind_spots": [asdict(one) for one in self.blind_spots],
        }


def finding_json(finding: Finding, caused_by: str | None = None) -> dict[str, Any]:
    """One finding in its public form; `caused_by` replaces the finding's own (an incident's id)."""
    return {
        "id": finding.key,
        "kind": finding.kind,
        "cause": finding.cause,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "caused_by": caused_by or finding.caused_by,
        "subject": asdict(finding.subject),
        "summary": finding.summary,
        "since": rfc3339(finding.since),
        "evidence": [{**asdict(fact), "at": rfc3339(fact.at)} for fact in finding.evidence],
        "ruled_out": [asdict(one) for one in finding.ruled_out],
        "impact": impact_json(finding.impact),
        "fix": [asdict(one) for one in finding.fix],
        "verify": [asdict(one) for one in finding.verify],
        "prevent": [asdict(one) for one in finding.prevent],
        "would_have_paged": [
            {**asdict(one), "at": None if one.at is None else rfc3339(one.at)} for one in finding.paging
        ],
        "blind_spots": [asdict(one) for one in finding.blind_spots],
        "playbook": finding.kind,
    }


def impact_json(impact: Impact) -> dict[str, Any]:
    """The impact in its public form: lists cut to 100 ids, each with its full count; null is "could not be known"."""
    shown: dict[str, Any] = {}
    for name in ("lost", "failed", "held", "requeued", "running_twice", "unknown"):
        ids: tuple[str, ...] | None = getattr(impact, name)
        shown[name] = None if ids is None else list(ids[:LIST_LIMIT])
        shown[f"{name}_count"] = None if ids is None else len(ids)
    if impact.held_count is not None:
        shown["held_count"] = impact.held_count
    return shown | {
        "held_until": None if impact.held_until is None else rfc3339(impact.held_until),
        "waiting": impact.waiting,
        "task_names": dict(impact.task_names),
    }
