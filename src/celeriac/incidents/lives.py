"""How findings and the incidents there are become the incidents there will be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from celeriac.model.event import fingerprint
from celeriac.model.finding import Finding
from celeriac.model.incident import Incident, IncidentState, Patience, begin, blinded, merged, missed, seen

ID_LENGTH = 10
"""Hex digits of an incident's id: short enough to say aloud, long enough for a million of them."""
REOPEN_WITHIN = 600.0
"""Seconds after resolving within which the same fingerprint reopens its incident instead of opening another."""

Group = tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Live:
    """What the judgement of lives needs to know of the detectors: their patience, and which kinds cannot see now."""

    patience: Mapping[str, Patience]
    blind: frozenset[str] = frozenset()

    def patience_of(self, finding: Finding) -> Patience:
        """The patience of the finding's kind."""
        return self.patience.get(finding.kind, Patience())


def judge_lives(before: Iterable[Incident], groups: Sequence[Group], at: float, live: Live) -> tuple[Incident, ...]:
    """Every incident after the judgement at `at`. Pending ones whose finding went are not in it."""
    found = {group[0].key: group for group in groups}
    followed = {finding.key for group in groups for finding in group[1:]}
    result: list[Incident] = []
    for incident in sorted(before, key=lambda one: -one.first_seen):
        group = found.get(incident.key)
        if group is not None and _goes_on(incident, at):
            result.append(seen(incident, group, at, live.patience_of(group[0])))
            del found[incident.key]
        else:
            after = _without_finding(incident, at, live, followed)
            result += [after] if after else []
    result += [
        begin(fingerprint(key, at)[:ID_LENGTH], group, at, live.patience_of(group[0])) for key, group in found.items()
    ]
    return tuple(result)


def _goes_on(incident: Incident, at: float) -> bool:
    return incident.resolved_at is None or at - incident.resolved_at <= REOPEN_WITHIN


def _without_finding(incident: Incident, at: float, live: Live, followed: set[str]) -> Incident | None:
    if incident.state is IncidentState.RESOLVED:
        return incident
    if incident.key in followed:
        return merged(incident, at)
    if incident.root.kind in live.blind:
        return blinded(incident)
    return missed(incident, at, live.patience_of(incident.root))
