"""What recorders tell, kept: accounts, holes that close, the memory of tasks; and books on what Celery itself told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from celeriac.model.event import RECORDED
from celeriac.model.gap import Gap
from celeriac.model.parcel import Parcel, Sender
from celeriac.model.recording import begun, holes, note
from celeriac.model.source import SourceMark
from celeriac.store import Batch, Store
from lab.lifecycle import event, life

SENDER = Sender("b" * 32, "worker", "celery@lab", 7, "lab", 100.0)
MIB = 2**20


def ends(store: Store, name: str, *peaks: int, worker: str = "celery@lab", at: float = 1000.0) -> None:
    """Tasks of one name that ended, each with its peak in MB."""
    told = []
    for number, peak in enumerate(peaks):
        task_id = f"{name}-{worker}-{at}-{number}"
        told.append(event("task-received", at, task_id=task_id, data={"name": name}))
        told.append(replace(event("task-succeeded", at + 1, task_id=task_id, data={"peak": peak * MIB}), worker=worker))
    store.record(Batch(at, events=tuple(told), marks=(SourceMark("record", at),)))


def test_an_account_is_given_back_as_it_was_and_its_holes_with_it(store: Store) -> None:
    account = begun(SENDER, 101.0, 1.0)
    for first in (1, 11):
        account = note(account, Parcel(SENDER, first, 5, 101.0 + first), 102.0 + first)
    store.record(Batch(103.0, recordings=(account,)))

    (back,) = store.recordings([SENDER.boot, "nobody"]).values()
    assert back == account
    assert [gap.size for gap in holes(back, 200.0)] == [5]


def test_a_hole_that_proved_to_be_none_is_forgotten(store: Store) -> None:
    gap = Gap("g", "record", "celery@lab", 7, 1.0, 2.0, 5, "trimmed", 3.0)
    store.record(Batch(3.0, gaps=(gap,)))
    store.record(Batch(4.0, gaps=(replace(gap, size=3),)))
    assert [one.size for one in store.gaps(0)] == [3]
    store.record(Batch(5.0, filled=("g",)))
    assert store.gaps(0) == ()


def test_peaks_are_ranked_by_name_and_the_greatest_names_its_worker(store: Store) -> None:
    ends(store, "small", *([50] * 20))
    ends(store, "mixed", *range(1, 101))
    ends(store, "mixed", 300, worker="celery@other")

    mixed, small = store.memory()
    assert (mixed.name, mixed.tasks, mixed.max, mixed.worker) == ("mixed", 101, 300 * MIB, "celery@other")
    assert mixed.p50 == pytest.approx(51 * MIB, rel=0.06)
    assert mixed.p95 == pytest.approx(96 * MIB, rel=0.06)
    assert (small.name, small.p50, small.p95, small.max) == ("small", 50 * MIB, 50 * MIB, 50 * MIB)


def test_a_peak_counts_once_however_often_its_end_comes_and_for_a_week(store: Store) -> None:
    ends(store, "a", 10)
    ends(store, "a", 10)
    assert [one.tasks for one in store.memory()] == [1]
    store.record(Batch(9 * 86_400.0, marks=(SourceMark("record", 9 * 86_400.0),)))
    assert store.memory() == ()


def test_an_end_that_carries_no_peak_or_whose_task_has_no_name_counts_nowhere(store: Store) -> None:
    store.record(Batch(1000.0, events=life("t", 1.0)))
    store.record(Batch(1000.0, events=(event("task-succeeded", 5.0, task_id="bare", data={"peak": MIB}),)))
    assert store.memory() == ()


def test_the_books_are_kept_on_starts_that_celery_told(store: Store) -> None:
    native = event("task-started", 5.0, task_id="t")
    inside = replace(event("task-started", 6.0, task_id="u"), source=RECORDED, id="boot:1")
    store.record(Batch(7.0, events=(native, inside)))
    assert store.starts("celery@lab", 7, 0.0) == (5.0,)


def test_a_publish_that_failed_makes_no_worker(store: Store) -> None:
    told = replace(event("task-unpublished", 5.0, task_id="t", data={"exception": "refused"}), source=RECORDED)
    store.record(Batch(7.0, events=(told,)))
    assert store.workers() == ()
    assert store.task_counts() == {"failed": 1}


def test_one_life_is_found_by_its_node_and_pid(store: Store) -> None:
    store.record(Batch(7.0, events=(event("task-started", 5.0, task_id="t"),)))
    found = store.worker("celery@lab", 7)
    assert found is not None and found.recorded_at is None
    assert store.worker("celery@lab", 8) is None


def test_retention_lets_go_of_accounts_peaks_and_agents_that_are_long_silent(store: Store) -> None:
    ends(store, "a", 10)
    account = note(begun(SENDER, 101.0, 1.0), Parcel(SENDER, 1, 5, 101.0), 101.0)
    marks = (SourceMark("process@hostb", 100.0), SourceMark("process", 100.0))
    store.record(Batch(101.0, recordings=(account,), marks=marks))
    while store.prune(200 * 86_400.0):
        pass
    assert store.recordings([SENDER.boot]) == {}
    assert [one.name for one in store.sources()] == ["process", "record"]
    assert store.memory() == ()
