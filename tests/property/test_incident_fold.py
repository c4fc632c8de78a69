"""No incident skips a state, resolves unseen, or forgets when it opened."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from celeriac.model.finding import Finding, Subject
from celeriac.model.incident import (
    Incident,
    IncidentState,
    Patience,
    acknowledged,
    begin,
    blinded,
    missed,
    seen,
)

FINDINGS = (Finding("worker-lost", "k", "critical", "certain", Subject(worker="celery@a"), "gone", since=0.0),)
ALLOWED = {
    IncidentState.PENDING: {IncidentState.OPEN},
    IncidentState.OPEN: {IncidentState.ACKNOWLEDGED, IncidentState.RESOLVED},
    IncidentState.ACKNOWLEDGED: {IncidentState.RESOLVED},
    IncidentState.RESOLVED: {IncidentState.OPEN},
}
turns = st.lists(
    st.tuples(st.sampled_from(["seen", "missed", "blinded", "acknowledged"]), st.floats(0.0, 8.0)), max_size=40
)
patiences = st.builds(Patience, hold=st.floats(0.0, 5.0), keep_open=st.floats(0.0, 10.0))


def _turn(incident: Incident, what: str, at: float, patience: Patience) -> Incident | None:
    match what:
        case "seen":
            return seen(incident, FINDINGS, at, patience)
        case "missed":
            return missed(incident, at, patience)
        case "blinded":
            return blinded(incident)
        case _:
            return acknowledged(incident, at)


def _live(steps: list[tuple[str, float]], patience: Patience) -> list[tuple[str, float, Incident]]:
    """Each turn of a life with its time and the incident after it."""
    at = 100.0
    incident: Incident | None = begin("i", FINDINGS, at, patience)
    life = [("begun", at, incident)] if incident else []
    for what, seconds in steps:
        at += seconds
        incident = _turn(life[-1][2], what, at, patience)
        if incident is None:
            break
        life.append((what, at, incident))
    return life


@given(turns, patiences)
def test_no_life_skips_a_state(steps: list[tuple[str, float]], patience: Patience) -> None:
    states = [incident.state for _, _, incident in _live(steps, patience)]

    assert all(after is before or after in ALLOWED[before] for before, after in pairwise(states))


@given(turns, patiences)
def test_times_fit_the_state(steps: list[tuple[str, float]], patience: Patience) -> None:
    for _, at, incident in _live(steps, patience):
        assert (incident.opened_at is None) == (incident.state is IncidentState.PENDING)
        assert (incident.resolved_at is not None) == (incident.state is IncidentState.RESOLVED)
        assert incident.state is not IncidentState.ACKNOWLEDGED or incident.acknowledged_at is not None
        assert incident.first_seen <= incident.last_seen <= at


@given(turns, patiences)
def test_nothing_resolves_before_it_was_gone_for_its_keep_open_time(
    steps: list[tuple[str, float]], patience: Patience
) -> None:
    gone: float | None = None
    before = IncidentState.PENDING
    for what, at, incident in _live(steps, patience):
        if what == "missed":
            gone = at if gone is None else gone
        elif what in ("seen", "blinded", "begun"):
            gone = None
        if incident.state is IncidentState.RESOLVED and before is not IncidentState.RESOLVED:
            assert what == "missed"
            assert gone is not None
            assert at - gone >= patience.keep_open
        before = incident.state


@given(turns, patiences)
def test_the_same_turn_at_the_same_instant_changes_nothing_more(
    steps: list[tuple[str, float]], patience: Patience
) -> None:
    life = _live(steps, patience)
    what, at, incident = life[-1]
    if what == "begun":
        return

    again = _turn(incident, what, at, patience)

    if patience.keep_open > 0 and patience.hold > 0:
        assert again == incident
