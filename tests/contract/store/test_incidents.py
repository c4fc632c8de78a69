"""Keeping incidents, their tasks and their log; and what people ask for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from celeriac.errors import NotFoundError
from celeriac.model.finding import Fact, Finding, Impact, Subject
from celeriac.model.incident import Incident, IncidentState, Patience, acknowledged, begin, missed, seen
from celeriac.model.source import SourceMark
from celeriac.store import Batch, LogEntry, Request, SavedIncident, Store

EAGER = Patience(hold=0.0, keep_open=0.0)


def _finding(*, kind: str = "worker-lost", lost: tuple[str, ...] | None = ("t1",), held: int = 1) -> Finding:
    impact = Impact(lost=lost, held=tuple(f"h{number}" for number in range(held)), task_names=(("lab.add", 2),))
    facts = (Fact(1.0, "process", "pid 7 is gone", "ps -p 7"),)
    return Finding(
        kind, f"key-{kind}", "critical", "likely", Subject("celery@a"), "gone", 1.0, evidence=facts, impact=impact
    )


def _incident(name: str = "i1", at: float = 100.0, **facts: object) -> Incident:
    return begin(name, (_finding(**facts),), at, EAGER)  # type: ignore[arg-type]


def _save(store: Store, *incidents: Incident, now: float = 100.0, removed: tuple[str, ...] = ()) -> None:
    store.save_incidents([SavedIncident(one, f"# {one.root.kind}") for one in incidents], removed, now)


def test_an_incident_comes_back_whole_with_its_playbook(store: Store) -> None:
    incident = _incident()
    _save(store, incident)

    row = store.incident("i1")

    assert row is not None
    assert (row.incident, row.playbook) == (incident, "# worker-lost")
    assert store.incident("i2") is None


def test_every_change_of_state_is_logged_once(store: Store) -> None:
    incident = _incident()
    _save(store, incident, now=100.0)
    _save(store, seen(incident, incident.findings, 101.0, EAGER), now=101.0)
    taken = acknowledged(incident, 102.0)
    _save(store, taken, now=102.0)
    over = missed(taken, 103.0, EAGER)
    assert over is not None
    _save(store, over, now=103.0)

    assert store.incident_log("i1") == (
        LogEntry(100.0, "i1", None, "open", "gone"),
        LogEntry(102.0, "i1", "open", "acknowledged", "gone"),
        LogEntry(103.0, "i1", "acknowledged", "resolved", "gone"),
    )


def test_tasks_know_their_incidents_and_their_part_in_them(store: Store) -> None:
    incident = _incident()
    _save(store, incident, _incident("i2", lost=None, kind="task-held"))
    assert store.incidents_of_task("t1") == (("i1", "lost"),)
    assert store.incidents_of_task("h0") == (("i2", "held"), ("i1", "held"))

    _save(store, replace(incident, findings=(_finding(lost=("t2",), held=0),)))
    assert store.incidents_of_task("t1") == ()
    assert store.incidents_of_task("t2") == (("i1", "lost"),)


def test_no_more_than_a_thousand_tasks_of_a_list_are_linked(store: Store) -> None:
    _save(store, _incident(held=1_200))

    assert store.incidents_of_task("h999") == (("i1", "held"),)
    assert store.incidents_of_task("h1000") == ()
    row = store.incident("i1")
    assert row is not None
    assert len(row.incident.root.impact.held or ()) == 1_200


def test_an_incident_that_never_opened_leaves_nothing(store: Store) -> None:
    _save(store, begin("i1", (_finding(),), 100.0, Patience(hold=5.0)))
    _save(store, removed=("i1",))

    assert store.incident("i1") is None
    assert store.incident_log("i1") == ()
    assert store.incidents_of_task("t1") == ()


def test_being_seen_again_is_no_change_to_show(store: Store) -> None:
    incident = _incident()
    _save(store, incident)
    before = store.revisions()["incidents"]

    _save(store, seen(incident, incident.findings, 105.0, EAGER), now=105.0)
    assert store.revisions()["incidents"] == before

    _save(store, replace(incident, findings=(_finding(held=2),)))
    assert store.revisions()["incidents"] == before + 1


def test_pages_and_filters_of_incidents_newest_first(store: Store) -> None:
    for number in range(7):
        _save(store, _incident(f"i{number}", kind="task-held" if number % 2 else "worker-lost"))
    over = missed(_incident("i6"), 200.0, EAGER)
    assert over is not None
    _save(store, over, now=200.0)

    first = store.incidents(limit=3)
    rest = store.incidents(after=first.next, limit=10)
    still_open = store.incidents(states=frozenset({IncidentState.OPEN}), kind="worker-lost")

    assert [row.incident.id for row in (*first.items, *rest.items)] == [f"i{number}" for number in range(6, -1, -1)]
    assert rest.next is None
    assert [row.incident.id for row in still_open.items] == ["i4", "i2", "i0"]
    assert [row.seq for row in first.items] == sorted((row.seq for row in first.items), reverse=True)


def test_live_incidents_are_the_unresolved_and_those_that_may_reopen(store: Store) -> None:
    lately, long_ago = missed(_incident("lately"), 9_000.0, EAGER), missed(_incident("long-ago"), 2_000.0, EAGER)
    assert lately is not None
    assert long_ago is not None
    _save(store, _incident("open"), lately, long_ago)
    store.record(Batch(now=10_000.0, marks=(SourceMark("events", 10_000.0),)))

    assert {incident.id for incident in store.live_incidents()} == {"open", "lately"}


def test_a_request_waits_until_it_is_settled_once(store: Store) -> None:
    name = store.request("acknowledge", "i1", "ada", 5.0)
    assert store.request("acknowledge", "i1", "ada", 5.0) == name
    store.request("rescue", "w1", "ada", 6.0)

    assert store.open_requests("acknowledge") == (Request(name, "acknowledge", "i1", "ada", 5.0),)
    store.settle_request(name, "acknowledged", 7.0)
    assert store.open_requests("acknowledge") == ()
    with pytest.raises(NotFoundError, match="no open request"):
        store.settle_request(name, "acknowledged", 8.0)
