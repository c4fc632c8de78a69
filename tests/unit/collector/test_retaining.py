"""Retention keeps up with ingest: it pauses only when less than a whole share was past its age."""

from __future__ import annotations

from celeriac.collector import RetainLoop
from celeriac.collector.retaining import SHARE
from celeriac.model.event import Event
from celeriac.store import Batch, Store

DAY = 86_400.0


def test_old_rows_go_share_by_share_until_only_the_young_are_left() -> None:
    store = Store.open("sqlite://")
    try:
        old = tuple(
            Event(f"old{n}", "task-started", 1.0 + n, 1.0 + n, "native", "w@h", 1, f"t{n}") for n in range(SHARE + 10)
        )
        young = Event("young", "task-started", 2 * DAY, 2 * DAY, "native", "w@h", 1, "young")
        store.record(Batch(2 * DAY, events=(*old, young)))
        loop = RetainLoop(store)
        assert loop.step(2 * DAY) is True
        assert loop.step(2 * DAY) is False
        assert [event.id for event in store.timeline("young")] == ["young"]
        assert store.timeline("t0") == ()
        assert store.task("t0") is not None
    finally:
        store.close()
