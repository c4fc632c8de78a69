"""The curves an incident draws are of its own worker's children, in its own time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from celeriac.api.views.flights import MOST, flights
from celeriac.model.evidence import Evidence
from celeriac.store import Batch, Store
from lab.dashboard import LOST, NOW, flown, outage

DIED = NOW - 300


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store.open("sqlite://")
    yield opened
    opened.close()


def told(store: Store, *facts: Evidence) -> list[dict[str, object]]:
    store.record(Batch(NOW, evidence=facts))
    return flights(store, outage(DIED))


def test_a_childs_last_minute_stands_in_its_workers_incident(store: Store) -> None:
    (drawn,) = told(store, *flown(DIED))
    assert (drawn["child"], drawn["task_name"], drawn["task_id"]) == (4130, "exports.csv", LOST)
    assert drawn["limit"] == 96 * 2**20


@pytest.mark.parametrize("change", [{"nodes": ("celery@other",)}, {"at": DIED - 60}, {"source": "process"}])
def test_another_workers_child_or_another_time_is_no_part_of_it(store: Store, change: dict[str, Any]) -> None:
    death, _ = flown(DIED)
    assert told(store, replace(death, **change)) == []


def test_a_death_without_a_curve_draws_nothing(store: Store) -> None:
    death, _ = flown(DIED)
    assert told(store, replace(death, data={**death.data, "curve": None})) == []


def test_a_crash_loop_draws_only_the_newest(store: Store) -> None:
    deaths = [replace(flown(DIED + step)[0], id=f"gone-{step}", pid=step) for step in range(6)]
    assert [one["child"] for one in told(store, *deaths)] == [5, 4, 3][:MOST]
