"""How findings become incidents: opened once, refined, never flapping, never resolved on stale data."""

from __future__ import annotations

from celeriac.incidents.lives import Live, judge_lives
from celeriac.model.finding import Finding, Subject, finding_key
from celeriac.model.incident import Incident, IncidentState, Patience

DEATH = finding_key("worker", "celery@web-1")
QUEUE = finding_key("queue", "celery")
LIVE = Live({"worker-lost": Patience(0, 10), "queue-unconsumed": Patience(5, 10), "worker-oom-killed": Patience(0, 10)})


def finding(kind: str, key: str, caused_by: str | None = None) -> Finding:
    return Finding(
        kind, key, "critical", "certain", Subject(worker="celery@web-1"), f"{kind}!", since=0.0, caused_by=caused_by
    )


def run(*steps: tuple[float, tuple[tuple[Finding, ...], ...]], live: Live = LIVE) -> tuple[Incident, ...]:
    incidents: tuple[Incident, ...] = ()
    for at, groups in steps:
        incidents = judge_lives(incidents, groups, at, live)
    return incidents


LOST = (finding("worker-lost", DEATH),)
OOM = (finding("worker-oom-killed", DEATH), finding("queue-unconsumed", QUEUE, DEATH))
UNCONSUMED = (finding("queue-unconsumed", QUEUE),)


def test_a_finding_without_hold_opens_at_once() -> None:
    (incident,) = run((1.0, (LOST,)))
    assert (incident.state, incident.opened_at) == (IncidentState.OPEN, 1.0)


def test_a_finding_gone_before_its_hold_never_was_an_incident() -> None:
    assert run((1.0, (UNCONSUMED,)), (3.0, (UNCONSUMED,)), (4.0, ())) == ()


def test_late_evidence_refines_the_incident_it_belongs_to() -> None:
    (incident,) = run((1.0, (LOST,)), (2.0, (OOM,)))
    assert (incident.root.kind, incident.opened_at) == ("worker-oom-killed", 1.0)


def test_a_consequence_opened_before_its_cause_was_known_is_merged_into_it() -> None:
    incidents = run((0.0, (UNCONSUMED,)), (6.0, (UNCONSUMED,)), (7.0, (OOM,)))
    by_key = {incident.key: incident.state for incident in incidents}
    assert by_key == {QUEUE: IncidentState.RESOLVED, DEATH: IncidentState.OPEN}


def test_a_flickering_finding_keeps_its_incident_open() -> None:
    (incident,) = run((0.0, (LOST,)), (5.0, ()), (9.0, (LOST,)), (15.0, ()), (24.0, ()))
    assert (incident.state, incident.reopened) == (IncidentState.OPEN, 0)


def test_an_incident_resolves_when_its_finding_stayed_gone() -> None:
    (incident,) = run((0.0, (LOST,)), (5.0, ()), (15.0, ()))
    assert (incident.state, incident.resolved_at) == (IncidentState.RESOLVED, 15.0)


def test_stale_input_resolves_nothing_and_says_no_data() -> None:
    blind = Live(LIVE.patience, frozenset({"worker-lost"}))
    (incident,) = run((0.0, (LOST,)), (5.0, ()), live=blind)
    assert (incident.state, incident.blind) == (IncidentState.OPEN, True)
    (later,) = judge_lives((incident,), (), 500.0, blind)
    assert later.state is IncidentState.OPEN
    (seen,) = judge_lives((later,), (), 501.0, LIVE)
    assert (seen.state, seen.gone_since) == (IncidentState.OPEN, 501.0)


def test_a_repeat_soon_after_reopens_and_a_late_one_is_another_incident() -> None:
    resolved = run((0.0, (LOST,)), (5.0, ()), (15.0, ()))
    (soon,) = judge_lives(resolved, (LOST,), 60.0, LIVE)
    assert (soon.state, soon.reopened, soon.id) == (IncidentState.OPEN, 1, resolved[0].id)
    late = judge_lives(resolved, (LOST,), 5000.0, LIVE)
    assert sorted(one.state for one in late) == [IncidentState.OPEN, IncidentState.RESOLVED]
