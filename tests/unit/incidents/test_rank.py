"""A root, what follows from it, then the next root."""

from __future__ import annotations

from typing import Any

from celeriac.incidents.rank import groups, rank
from celeriac.model.finding import Finding, Subject


def finding(key: str, **changes: Any) -> Finding:
    usual: dict[str, Any] = {"kind": "worker-lost", "severity": "critical", "confidence": "certain", "since": 100.0}
    return Finding(key=key, subject=Subject(), summary=key, **(usual | changes))


def keys(*findings: Finding) -> list[list[str]]:
    return [[one.key for one in group] for group in groups(findings)]


def test_consequences_stand_beneath_their_root_however_deep() -> None:
    found = (finding("c", caused_by="b", since=3.0), finding("a", since=9.0), finding("b", caused_by="a", since=4.0))
    assert keys(*found) == [["a", "c", "b"]]


def test_a_consequence_without_its_cause_is_a_root() -> None:
    (group,) = groups([finding("b", caused_by="gone")])
    assert group[0].caused_by is None


def test_roots_come_gravest_surest_oldest_first() -> None:
    found = (
        finding("warning", severity="warning", since=1.0),
        finding("younger", since=50.0),
        finding("likely", confidence="likely", since=1.0),
        finding("older", since=40.0),
    )
    assert [one.key for one in rank(found)] == ["older", "younger", "likely", "warning"]


def test_of_one_key_the_graver_finding_stays() -> None:
    found = rank([finding("k", kind="worker-silent", severity="warning"), finding("k")])
    assert [one.kind for one in found] == ["worker-lost"]


def test_a_circle_of_causes_loses_nothing() -> None:
    found = rank([finding("a", caused_by="b"), finding("b", caused_by="a")])
    assert sorted(one.key for one in found) == ["a", "b"]
