"""What is old goes, a little at a time; what is not stays."""

from __future__ import annotations

import pytest

from celeriac.model.broker import BrokerLook
from celeriac.model.event import Event
from celeriac.model.evidence import Evidence
from celeriac.model.finding import Finding, Subject
from celeriac.model.incident import Patience, begin, missed
from celeriac.model.queue import QueueSample
from celeriac.store import Batch, SavedIncident, Store
from lab.lifecycle import heartbeat, life

DAY = 86_400.0
NOW = 1000 * DAY


def _record(store: Store, events: tuple[Event, ...], **more: object) -> None:
    store.record(Batch(now=NOW, events=events, **more))  # type: ignore[arg-type]


def _prune(store: Store) -> int:
    """Prune until nothing is left to; how many rows went."""
    gone = 0
    while step := store.prune(NOW, limit=7):
        assert step <= 7
        gone += step
    return gone


def test_event_rows_go_after_a_day_and_their_tasks_stay(store: Store) -> None:
    _record(store, life("old", NOW - 2 * DAY) + life("new", NOW - 100))

    assert _prune(store) == 4
    assert store.timeline("old") == ()
    assert len(store.timeline("new")) == 4
    assert store.task_counts() == {"succeeded": 2}


@pytest.mark.parametrize(
    ("end", "days", "kept"),
    [("succeeded", 6, True), ("succeeded", 8, False), ("failed", 89, True), ("failed", 91, False)],
)
def test_ended_tasks_go_after_a_week_and_failed_ones_after_a_season(
    store: Store, end: str, days: int, kept: bool
) -> None:
    _record(store, life("t", NOW - days * DAY, end=end))

    _prune(store)

    assert (store.task("t") is not None) == kept
    assert store.task_counts() == ({end: 1} if kept else {})


def test_a_prune_is_bounded_and_says_when_it_is_done(store: Store) -> None:
    _record(store, tuple(one for number in range(20) for one in life(f"t{number}", NOW - 8 * DAY)))

    assert store.prune(NOW, limit=10) == 10
    assert _prune(store) == 80 - 10 + 20
    assert store.prune(NOW) == 0


def test_looks_are_thinned_after_an_hour_and_go_after_a_day(store: Store) -> None:
    for age in (DAY + 5, 3640, 3639, 3630, 10, 9):
        sample = QueueSample("celery", NOW - age, ready=1)
        look = BrokerLook(NOW - age, NOW - age, "redis", "7", "master", 0.0, queues=(sample,))
        _record(store, (), look=look)

    _prune(store)

    assert [NOW - sample.at for queue in store.queues(0.0) for sample in queue.samples] == [3640, 3630, 10, 9]


def test_levels_nobody_looked_at_for_a_day_and_edges_of_last_month_go(store: Store) -> None:
    def fact(name: str, days: float, what: str) -> Evidence:
        return Evidence(name, NOW - days * DAY, "process", what, "host", what, "ps")

    facts = (fact("a", 2, "process"), fact("b", 2, "process-gone"), fact("c", 31, "process-gone"))
    _record(store, (heartbeat(NOW - 31 * DAY),), evidence=facts)

    _prune(store)

    assert [one.id for one in store.evidence(0.0)] == ["b"]


def test_of_endless_edges_the_newest_stay(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("celeriac.store.retention.EDGES_KEPT", 3)
    facts = [Evidence(f"e{age}", NOW - age, "worker", "child-gone", "host", "", "") for age in range(9)]
    _record(store, (), evidence=(*facts, Evidence("level", NOW - 99, "worker", "pool-memory", "host", "", "")))

    _prune(store)

    assert [one.id for one in store.evidence(0.0)] == ["level", "e2", "e1", "e0"]


def test_incidents_resolved_a_year_ago_go_with_all_that_hangs_on_them(store: Store) -> None:
    finding = Finding("worker-lost", "k", "critical", "likely", Subject("celery@a"), "gone", 1.0)
    patience = Patience(keep_open=0.0)
    resolved = missed(begin("old", (finding,), NOW - 400 * DAY, patience), NOW - 366 * DAY, patience)
    assert resolved is not None
    still = begin("open", (finding,), NOW - 400 * DAY, patience)
    store.save_incidents([SavedIncident(resolved, ""), SavedIncident(still, "")], (), NOW - 366 * DAY)

    _prune(store)

    assert store.incident("old") is None
    assert store.incident_log("old") == ()
    assert store.incident("open") is not None
