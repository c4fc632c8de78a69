"""Golden files, one for each incident kind: a view goes in, the findings come out, and calm stays calm."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from celeriac.detectors import BUILTIN
from celeriac.incidents import diagnose
from celeriac.model.diagnosis import Diagnosis
from celeriac.model.view import View
from celeriac.model.wire import decode, encode

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Case:
    """One case of one file."""

    kind: str
    name: str
    view: dict[str, Any]
    verdict: str
    findings: list[dict[str, Any]]


def cases() -> list[Case]:
    """Every case of every file."""
    found = []
    for path in sorted(HERE.glob("*.json")):
        found += [Case(path.stem, **case) for case in json.loads(path.read_text(encoding="utf-8"))["cases"]]
    return found


def shown(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    """What a golden file keeps of each finding; a cause is named by its kind."""
    kinds = {finding.key: finding.kind for finding in diagnosis.findings}
    return [
        {
            "kind": finding.kind,
            "cause": finding.cause,
            "severity": finding.severity,
            "confidence": finding.confidence,
            "caused_by": kinds.get(finding.caused_by or ""),
            "summary": finding.summary,
        }
        for finding in diagnosis.findings
    ]


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.kind}: {case.name}")
def test_the_view_comes_to_these_findings(case: Case) -> None:
    diagnosis = diagnose(decode(View, case.view), BUILTIN)
    assert shown(diagnosis) == case.findings
    assert diagnosis.verdict == case.verdict


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.kind}: {case.name}")
def test_the_view_survives_the_wire(case: Case) -> None:
    view = decode(View, case.view)
    assert decode(View, json.loads(json.dumps(encode(view)))) == view


@pytest.mark.parametrize("kind", [detector.kind for detector in BUILTIN])
def test_every_kind_has_a_case_that_raises_it_and_one_that_does_not(kind: str) -> None:
    told = [kind in {finding["kind"] for finding in case.findings} for case in cases() if case.kind == kind]
    assert True in told and False in told
