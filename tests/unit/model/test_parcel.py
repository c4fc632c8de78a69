"""What a parcel's items become."""

from __future__ import annotations

from celeriac.model.event import NATIVE, Event
from celeriac.model.parcel import Item, Sender, pack, unpack
from celeriac.model.task import fold_all

WORKER = Sender("b" * 32, "worker", "w@lab", 100, "lab", born=1.0)


def _recorded(*items: Item) -> tuple[Event, ...]:
    return unpack(pack(WORKER, 1, items, 20.0), seen=21.0).events


def test_what_a_pool_process_publishes_carries_the_origin_that_celerys_own_event_has() -> None:
    (sent,) = _recorded(Item("task-sent", 10.0, "t", {"name": "a", "child": 104}))
    assert (sent.worker, sent.pid, sent.data) == ("gen104@lab", 104, {"name": "a"})


def test_a_publish_told_by_both_ways_is_one_delivery() -> None:
    recorded = _recorded(
        Item("task-sent", 10.0, "t", {"name": "a", "child": 104, "retries": 0}),
        Item("task-received", 11.0, "t", {"name": "a", "retries": 0}),
        Item("task-started", 12.0, "t", {"child": 105}),
        Item("task-succeeded", 13.0, "t", {"child": 105, "peak": 4096}),
    )
    native = (
        Event("n1", "task-sent", 10.01, 21.0, NATIVE, "gen104@lab", 104, "t", {"name": "a", "retries": 0}),
        Event("n2", "task-received", 11.001, 21.0, NATIVE, "w@lab", 100, "t", {"name": "a", "retries": 0}),
        Event("n3", "task-started", 12.0, 21.0, NATIVE, "w@lab", 100, "t"),
        Event("n4", "task-succeeded", 13.0, 21.0, NATIVE, "w@lab", 100, "t"),
    )
    (attempt,) = fold_all("t", recorded + native).attempts
    assert (attempt.delivery, attempt.state, attempt.child, attempt.peak_rss) == ("first", "succeeded", 105, 4096)
    assert fold_all("t", native + recorded) == fold_all("t", recorded + native)
