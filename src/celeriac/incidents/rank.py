"""Which finding comes first: a root cause, its consequences beneath it, then the next root."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from celeriac.model.finding import Finding

_SEVERITY = {"critical": 0, "warning": 1, "info": 2}
_CONFIDENCE = {"certain": 0, "likely": 1, "possible": 2}

Group = tuple[Finding, ...]


def rank(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings in the order people should read them."""
    return tuple(finding for group in groups(findings) for finding in group)


def groups(findings: Iterable[Finding]) -> tuple[Group, ...]:
    """One group for each incident: its root, then what follows from it. Of two findings with one key the graver one
    stays; a consequence whose cause is not among them is a root."""
    found = _by_key(findings)
    members: dict[str, list[Finding]] = {}
    for key in found:
        members.setdefault(_root_of(key, found), []).append(found[key])
    grouped = [_order(root, members[root], found) for root in members]
    return tuple(sorted(grouped, key=lambda group: _weight(group[0])))


def _by_key(findings: Iterable[Finding]) -> dict[str, Finding]:
    found: dict[str, Finding] = {}
    for finding in sorted(findings, key=_weight):
        found.setdefault(finding.key, finding)
    return found


def _root_of(key: str, found: dict[str, Finding]) -> str:
    """The end of the chain of causes; of a circle the same member, wherever it is entered."""
    seen = {key}
    while (cause := found[key].caused_by) is not None and cause in found:
        if cause in seen:
            return min(seen)
        seen.add(cause)
        key = cause
    return key


def _order(root: str, members: list[Finding], found: dict[str, Finding]) -> Group:
    rest = sorted((one for one in members if one.key != root), key=_weight)
    first = found[root]
    return (replace(first, caused_by=None) if first.caused_by is not None else first, *rest)


def _weight(finding: Finding) -> tuple[int, int, float, str, str]:
    return _SEVERITY[finding.severity], _CONFIDENCE[finding.confidence], finding.since, finding.kind, finding.key
