"""Lists, a task and the status, from a real store through the API's own views."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from rich.console import RenderableType

from celeriac.api import views
from celeriac.cli import render
from celeriac.model.broker import BrokerLook
from celeriac.model.event import Event
from celeriac.model.finding import Finding
from celeriac.model.incident import Patience, begin
from celeriac.model.queue import QueueSample
from celeriac.model.source import SourceMark
from celeriac.store import Batch, SavedIncident, Store

Read = Callable[[RenderableType], str]
NOW = 1_795_255_331.0
TASK = "7c9d3e51-22aa-4f0b-9c63-1f4e0ad1c001"
NODE = "exports@web-1"
WAITING = QueueSample("celery", NOW, ready=1487, unacked=4)
LOOK = BrokerLook(NOW, NOW, "valkey", "9.1.2", "master", 0.0004, held_count=4, queues=(WAITING,))


def happened(kind: str, seconds_ago: float, **data: object) -> Event:
    """One event of the sample worker, or of the sample task."""
    task_id = TASK if kind.startswith("task-") else None
    at = NOW - seconds_ago
    return Event(f"{kind}{seconds_ago}", kind, at, at, "event", NODE, 4121, task_id, data)


@pytest.fixture
def store() -> Iterator[Store]:
    """A store in memory: one worker, one task that runs, 1,487 messages that wait."""
    opened = Store.open("sqlite://")
    opened.record(
        Batch(
            NOW,
            events=(
                happened("task-sent", 20.0, name="exports.csv", queue="celery"),
                happened("task-received", 19.0, name="exports.csv", args="[1, 2000]"),
                happened("task-started", 18.0),
                happened("worker-heartbeat", 1.0, processed=812, active=1, freq=2.0),
            ),
            look=LOOK,
            marks=tuple(SourceMark(name, NOW) for name in ("broker", "events")),
        )
    )
    yield opened
    opened.close()


@pytest.fixture
def empty() -> Iterator[Store]:
    """A store that nothing was ever recorded in."""
    opened = Store.open("sqlite://")
    yield opened
    opened.close()


def test_the_queue_list_tells_depth_growth_and_who_takes_it(store: Store, read: Read) -> None:
    heading, row = read(render.queues(views.queues(store, NOW))).splitlines()
    assert heading.split() == ["QUEUE", "STATE", "READY", "UNACKED", "OLDEST", "GROWTH", "CONSUMERS"]
    assert row.split()[:4] == ["celery", "unknown", "1,487", "4"]


def test_the_worker_list_tells_who_lives_and_why(store: Store, read: Read) -> None:
    text = read(render.workers(views.workers(store, NOW)))
    assert NODE in text
    assert "alive" in text
    assert "812" in text


def test_a_worker_that_is_recorded_is_called_so(store: Store, read: Read) -> None:
    shown = views.workers(store, NOW)
    assert ", recorded" not in read(render.workers(shown))
    told = {**shown, "items": [{**one, "recorded": True} for one in shown["items"]]}
    assert "heartbeat 1 s ago, recorded" in " ".join(read(render.workers(told)).split())


def test_an_attempt_tells_what_it_took_in_memory_where_that_is_known(store: Store, read: Read) -> None:
    shown = views.task(store, NOW, TASK)
    assert " took " not in read(render.task(shown))
    told = {**shown, "attempts": [{**one, "peak_rss": 498 * 2**20} for one in shown["attempts"]]}
    assert "took 498 MB at most" in " ".join(read(render.task(told)).split())


def test_the_task_list_keeps_ids_whole(store: Store, read: Read) -> None:
    text = read(render.tasks(views.tasks(store, NOW)))
    assert f"{TASK}  running" in text
    assert "exports.csv" in text
    assert text.endswith("1 task: 1 running")


def test_a_search_without_a_hit_says_what_was_searched(store: Store, read: Read) -> None:
    assert read(render.tasks(views.tasks(store, NOW, query="name:other"))).startswith("No task fits: name:other")


def test_a_task_is_told_with_its_verdict_and_its_timeline(store: Store, read: Read) -> None:
    lines = read(render.task(views.task(store, NOW, TASK))).splitlines()
    assert lines[0] == f"RUNNING    exports.csv  {TASK}"
    assert any(line.startswith("attempts   1. first on exports@web-1") for line in lines)
    timeline = [line.split()[-3] for line in lines if line.endswith("[event]")]
    assert timeline == ["sent", "received", "started"]


def test_a_task_nobody_saw_is_never_seen_and_not_pending(store: Store, read: Read) -> None:
    assert read(render.task(views.task(store, NOW, "no-such-id"))).startswith("NEVER-SEEN name unknown  no-such-id")


def test_the_incident_list_tells_state_time_and_what(store: Store, root: Finding, read: Read) -> None:
    opened = begin("inc-1", (root,), NOW, Patience())
    store.save_incidents((SavedIncident(opened, ""),), (), NOW)
    text = read(render.incidents(views.incidents(store, NOW)))
    assert text.splitlines()[0].split() == ["STATE", "OPENED", "ID", "WHAT"]
    assert "inc-1" in text
    assert "worker-oom-killed" in text


def test_the_status_says_what_is_wrong_and_how_fresh_it_is(store: Store, root: Finding, read: Read) -> None:
    store.save_incidents((SavedIncident(begin("inc-1", (root,), NOW, Patience()), ""),), (), NOW)
    text = read(render.status(views.status(store, NOW)))
    assert text.startswith("PROBLEM    exports@web-1's main process was killed")
    assert "incidents  worker-oom-killed inc-1" in text
    assert "broker     valkey 9.1.2, PING 0.4 ms, 4 messages delivered" in text
    assert "fresh      live: " in text


@pytest.mark.parametrize("name", ["queues", "workers", "tasks", "incidents"])
def test_an_empty_list_of_a_store_that_read_nothing_says_so(name: str, empty: Store, read: Read) -> None:
    view, rendering = getattr(views, name), getattr(render, name)
    text = read(rendering(view(empty, NOW)))
    assert text.startswith("No ")
    assert "because nothing is known" in text


def test_the_status_of_a_store_that_read_nothing_is_unknown(empty: Store, read: Read) -> None:
    assert read(render.status(views.status(empty, NOW))).startswith("UNKNOWN    ")


def test_a_stale_list_says_when_it_was_true(store: Store, read: Read) -> None:
    text = read(render.queues(views.queues(store, NOW + 20.0)))
    assert "Stale: what is shown was true at" in text
