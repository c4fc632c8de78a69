"""Through the store, any order and any cut into batches gives the same rows."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from celeriac.model.event import Event
from celeriac.model.task import fold_all
from celeriac.store import Batch, Store, TaskQuery
from lab.lifecycle import event, heartbeat, life

KINDS = ("sent", "received", "started", "succeeded", "failed", "retried", "rejected", "revoked", "cancelled")


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Whole lives of a few tasks, odd events of the same tasks, and heartbeats."""
    told: list[Event] = []
    for number in range(draw(st.integers(1, 4))):
        told += life(f"t{number}", float(draw(st.integers(1, 5))), end=draw(st.sampled_from(["succeeded", "failed"])))
    for _ in range(draw(st.integers(0, 8))):
        told.append(
            event(
                f"task-{draw(st.sampled_from(KINDS))}",
                draw(st.integers(1, 20)) / 2,
                task_id=f"t{draw(st.integers(0, 4))}",
                worker=draw(st.sampled_from(["celery@lab", "celery@b"])),
                data={"retries": draw(st.integers(0, 1))},
            )
        )
    told += [heartbeat(float(at), at) for at in range(draw(st.integers(0, 3)))]
    return list({one.id: one for one in told}.values())


def _rows(store: Store, history: list[Event]) -> tuple[object, ...]:
    ids = sorted({one.task_id for one in history if one.task_id})
    return (
        [store.task(task_id) for task_id in ids],
        sorted(store.tasks(TaskQuery(), limit=500).items, key=lambda row: row.id),
        store.task_counts(),
        store.workers(),
        [sorted(one.id for one in store.timeline(task_id)) for task_id in ids],
    )


def _told(history: list[Event], cuts: list[int]) -> tuple[tuple[object, ...], int]:
    """What a fresh store holds after the history, cut into batches at `cuts`; and how many events were new to it."""
    store = Store.open("sqlite://")
    try:
        edges = [0, *sorted(cuts), len(history)]
        batches = (tuple(history[a:b]) for a, b in pairwise(edges))
        fresh = sum(store.record(Batch(now=100.0, events=part)).fresh for part in batches)
        return _rows(store, history), fresh
    finally:
        store.close()


@settings(max_examples=60, deadline=None)
@given(histories(), st.randoms(use_true_random=False), st.lists(st.integers(0, 60), max_size=6))
def test_any_order_repetition_and_batching_gives_the_same_rows(
    history: list[Event], random: Random, cuts: list[int]
) -> None:
    shuffled = history * 2
    random.shuffle(shuffled)

    rows, fresh = _told(shuffled, [cut % (len(shuffled) + 1) for cut in cuts])
    straight, _ = _told(history, [])

    assert rows == straight
    assert fresh == len(history)


@settings(max_examples=60, deadline=None)
@given(histories())
def test_a_row_is_the_fold_of_its_events_and_the_counters_count_the_rows(history: list[Event]) -> None:
    (tasks, rows, counts, *_), _ = _told(history, [len(history) // 2])

    ids = sorted({one.task_id for one in history if one.task_id})
    assert tasks == [fold_all(name, tuple(one for one in history if one.task_id == name)) for name in ids]
    assert isinstance(rows, list)
    assert counts == Counter(row.state for row in rows)
