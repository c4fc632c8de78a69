"""What a recorder inside adds to the views: the child, the memory, the room, and one history of two tellers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from celeriac.api import views
from celeriac.api.freshness import Traffic, judge
from celeriac.cli import render
from celeriac.cli.render import console
from celeriac.model.event import NATIVE, RECORDED, Event
from celeriac.model.evidence import Evidence
from celeriac.model.gap import Gap
from celeriac.model.source import SourceMark
from celeriac.store import Batch, Store

NOW = 1_795_255_331.0
NODE, MAIN, CHILD = "celery@web-1", 4121, 4130
MIB = 2**20


def told(kind: str, at: float, source: str, number: int, **data: Any) -> Event:
    task_id = "t" if kind.startswith("task-") else None
    return Event(f"{source}:{number}", kind, at, at, source, NODE, MAIN, task_id, data)


def pool(limit: int | None = 512 * MIB) -> Evidence:
    data = {
        "parent": MAIN,
        "main_rss": 60 * MIB,
        "children": [[CHILD, 400 * MIB, 0.5, "t", "exports.csv"], [4131, 50 * MIB, 0.0, None, None]],
        "limit": limit,
        "usage": 500 * MIB,
    }
    return Evidence("pool", NOW, "worker", "pool-memory", "web-1", "", "", MAIN, (NODE,), data=data)


@pytest.fixture
def store() -> Iterator[Store]:
    """One task that both Celery's own events and the recorder told."""
    opened = Store.open("sqlite://")
    curve = [[0.0, 60 * MIB], [1.0, 400 * MIB]]
    inside = (
        told("task-sent", NOW - 5, RECORDED, 1, name="exports.csv", queue="celery"),
        told("task-received", NOW - 4, RECORDED, 2, name="exports.csv", args="(1,)", kwargs="{}", retries=0),
        told("task-started", NOW - 3, RECORDED, 3, child=CHILD),
        told("task-succeeded", NOW - 1, RECORDED, 4, child=CHILD, peak=400 * MIB, curve=curve, runtime=2.0),
        told("worker-heartbeat", NOW, RECORDED, 5, freq=2.0, processed=1, active=0, reserved=3, prefetch=8, slots=2),
    )
    native = (
        told("task-received", NOW - 4, NATIVE, 1, name="exports.csv", retries=0),
        told("task-started", NOW - 3, NATIVE, 2),
        told("task-succeeded", NOW - 1 + 0.2, NATIVE, 3, runtime=2.0),
    )
    marks = (SourceMark("record", NOW), SourceMark("events", NOW), SourceMark("broker", NOW))
    opened.record(Batch(NOW, events=(*inside, *native), evidence=(pool(),), marks=marks))
    yield opened
    opened.close()


def test_a_task_told_twice_has_one_history_and_says_which_child_ran_it(store: Store) -> None:
    found = views.task(store, NOW, "t")
    assert [(entry["what"], entry["source"]) for entry in found["timeline"]] == [
        ("sent", "record"),
        ("received", "record"),
        ("started", "record"),
        ("succeeded", "record"),
    ]
    (attempt,) = found["attempts"]
    assert (attempt["pid"], attempt["child"], attempt["peak_rss"]) == (CHILD, CHILD, 400 * MIB)
    assert found["where"]["pid"] == CHILD
    assert found["curve"][-1] == [1.0, 400 * MIB]
    assert found["payload"] == "redacted"
    (row,) = views.tasks(store, NOW)["items"]
    assert row["peak_rss"] == 400 * MIB


def test_a_worker_shows_its_room_and_its_children(store: Store) -> None:
    (row,) = views.workers(store, NOW)["items"]
    assert (row["recorded"], row["slots"], row["prefetch"], row["reserved"]) == (True, 2, 8, 3)
    assert row["memory"]["limit"] == 512 * MIB
    assert row["memory"]["children"][0] == {
        "pid": CHILD,
        "rss": 400 * MIB,
        "cpu": 0.5,
        "task_id": "t",
        "task_name": "exports.csv",
    }


def test_a_workers_own_processes_are_summed_beside_what_its_group_uses(store: Store) -> None:
    (row,) = views.workers(store, NOW)["items"]
    memory = row["memory"]
    assert memory["rss"] == memory["main_rss"] + sum(child["rss"] for child in memory["children"] if child["rss"])
    assert memory["largest"] == 400 * MIB


def test_a_worker_without_a_recorder_leaves_it_unknown() -> None:
    store = Store.open("sqlite://")
    beat = told("worker-heartbeat", NOW, NATIVE, 1, freq=2.0, processed=1, active=0)
    store.record(Batch(NOW, events=(beat,), evidence=(pool(),), marks=(SourceMark("events", NOW),)))
    (row,) = views.workers(store, NOW)["items"]
    store.close()
    assert (row["recorded"], row["slots"], row["memory"], row["pool"]) == (False, None, None, None)


def test_memory_by_name_says_what_share_of_the_limit_the_greatest_took(store: Store) -> None:
    found = views.memory(store, NOW)
    (row,) = found["names"]
    assert (row["name"], row["tasks"], row["max"], row["worker"]) == ("exports.csv", 1, 400 * MIB, NODE)
    assert (row["limit"], row["share"]) == (512 * MIB, 0.7812)
    assert found["as_of"] is not None


def test_memory_without_a_known_limit_has_no_share(store: Store) -> None:
    later = Evidence(**{name: getattr(pool(None), name) for name in Evidence.__dataclass_fields__} | {"at": NOW + 1})
    store.record(Batch(NOW + 1, evidence=(later,)))
    (row,) = views.memory(store, NOW + 1)["names"]
    assert (row["limit"], row["share"]) == (None, None)


def test_the_list_of_workers_ends_with_what_tasks_take(store: Store) -> None:
    shown = views.workers(store, NOW) | {"memory": views.memory(store, NOW)["names"]}
    target = console()
    with target.capture() as said:
        target.print(render.workers(shown))
    assert "exports.csv" in said.get()
    assert "78%" in said.get()


def test_a_hole_in_the_record_is_counted_in_events_not_in_starts() -> None:
    gap = Gap("g", "record", NODE, MAIN, NOW - 9, NOW - 8, 1204, "buffer-full", NOW - 5)
    judged = judge((SourceMark("record", NOW),), NOW, [gap], Traffic(NOW, 1, 0), NOW)
    assert judged.because == "Live, with a hole in the history: 1,204 events missing"


def test_an_agent_that_is_gone_makes_nothing_here_stale() -> None:
    marks = (SourceMark("events", NOW), SourceMark("process@hostb", NOW - 600))
    assert judge(marks, NOW, [], Traffic(NOW, 1, 0), NOW).state == "live"
