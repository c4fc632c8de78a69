"""What a prefork worker's record tells of its tasks: each one whole, once, with the child that ran it."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from socket import gethostname
from typing import NamedTuple

import pytest

from lab.celery import Producer, Worker
from lab.record import Record, record
from lab.redis import RedisServer
from lab.wait import wait_until

pytestmark = pytest.mark.redis

DONE = ("received", "started", "succeeded")


class System(NamedTuple):
    """One worker and who talks to it."""

    redis: RedisServer
    worker: Worker
    producer: Producer
    record: Record


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    node = f"w-{uuid.uuid4().hex[:8]}@lab"
    with RedisServer() as redis, record(redis.url) as read, Producer(redis.url) as producer:
        env = {"LAB_INSTALL": '{"heartbeat": 0.5}'}
        with Worker(redis.url, node=node, app="lab.recorded", events=False, env=env) as worker:
            yield System(redis, worker, producer, read)
        read.read()
        assert read.holes(node) == {}


def test_a_task_is_received_started_and_ended_once_in_the_child_that_ran_it(system: System) -> None:
    task = system.producer.send("late")
    system.record.until_story(task, *DONE)
    ended = system.record.one("task-succeeded", task)
    child = int(str(ended.data["result"]))
    assert child in system.worker.children
    assert (ended.data["child"], system.record.one("task-started", task).data["child"]) == (child, child)
    assert (ended.worker, ended.pid) == (system.worker.node, system.worker.pid)
    assert isinstance(ended.data["runtime"], float)


def test_what_was_received_says_what_when_from_where_and_how_often(system: System) -> None:
    expires = datetime.now(UTC) + timedelta(hours=1)
    task = system.producer.send("noop", 1, "two", expires=expires)
    system.record.until_story(task, *DONE)
    data = system.record.one("task-received", task).data
    assert (data["name"], data["queue"], data["args"], data["kwargs"]) == ("lab.noop", "celery", "(1, 'two')", "{}")
    assert (data["retries"], data["redelivered"], data["root_id"], data["parent_id"]) == (0, False, task, None)
    assert datetime.fromisoformat(str(data["expires"])) == expires
    assert data["tag"]
    assert "payload" not in data


def test_a_secret_among_the_arguments_stays_in_the_process(system: System) -> None:
    task = system.producer.app.send_task("lab.login", args=("eve",), kwargs={"password": "hunter2"}).id
    system.record.until_story(task, *DONE)
    assert "eve" in str(system.record.one("task-received", task).data["args"])
    assert "hunter2" not in repr([event for event in system.record.events if event.task_id == task])


def test_a_failure_tells_what_was_raised(system: System) -> None:
    task = system.producer.send("boom")
    system.record.until_story(task, "received", "started", "failed")
    data = system.record.one("task-failed", task).data
    assert data["exception"] == "RuntimeError('boom')"
    assert str(data["traceback"]).rstrip().endswith("RuntimeError: boom")


def test_each_retry_is_an_attempt_of_its_own(system: System) -> None:
    task = system.producer.send("again", 2)
    told = sorted((*(("received", "started", "retried") * 2), *DONE))  # the next message may be there before `retried`
    system.record.until(lambda: sorted(system.record.story(task)) == told)
    events = [event for event in system.record.events if event.task_id == task]
    assert [event.data["retries"] for event in events if event.kind == "task-received"] == [0, 1, 2]


def test_a_message_that_is_rejected_is_told_with_where_it_goes(system: System) -> None:
    task = system.producer.send("reject")
    system.record.until(lambda: system.record.story(task)[-1:] == ["rejected"])
    assert system.record.one("task-rejected", task).data["requeue"] is False
    again = system.producer.send("reject", True)
    system.record.until_story(again, "received", "started", "rejected", *DONE)
    received = [event for event in system.record.events if (event.kind, event.task_id) == ("task-received", again)]
    assert [event.data["redelivered"] for event in received] == [False, True]


def test_a_task_that_celery_says_nothing_of_has_an_end_all_the_same(system: System) -> None:
    refused, ignored = system.producer.send("refuse"), system.producer.send("ignore")
    system.record.until_story(refused, "received", "started", "rejected")
    assert system.record.one("task-rejected", refused).data["requeue"] is False
    system.record.until_story(ignored, "received", "started", "ignored")


def test_a_task_whose_native_events_are_off_is_on_record(system: System) -> None:
    task = system.producer.send("unheard")
    system.record.until_story(task, *DONE)


def test_a_revoked_task_is_told_as_revoked_alone(system: System) -> None:
    task = str(uuid.uuid4())
    system.producer.app.control.revoke(task)
    wait_until(lambda: task in str(system.producer.app.control.inspect([system.worker.node]).revoked()))
    system.producer.send("noop", task_id=task)
    system.record.until_story(task, "revoked")
    assert system.record.one("task-revoked", task).data["expired"] is False


def test_an_expired_task_is_told_as_expired(system: System) -> None:
    task = system.producer.send("noop", expires=datetime.now(UTC) - timedelta(minutes=1))
    system.record.until_story(task, "revoked")
    assert system.record.one("task-revoked", task).data["expired"] is True


def test_a_running_task_that_is_terminated_ends_once(system: System) -> None:
    task = system.producer.send("nap", 60)
    system.record.until_story(task, "received", "started")
    system.producer.app.control.revoke(task, terminate=True)
    system.record.until_story(task, "received", "started", "revoked")
    after = system.producer.send("noop")
    system.record.until_story(after, *DONE)
    assert system.record.story(task) == ["received", "started", "revoked"]
    assert system.record.one("task-revoked", task).data["terminated"] is True


def test_a_hard_time_limit_fails_a_task_once(system: System) -> None:
    task = system.producer.send("nap", 60, time_limit=1)
    system.record.until_story(task, "received", "started", "failed")
    after = [system.producer.send("noop") for _ in range(4)]
    for one in after:
        system.record.until_story(one, *DONE)
    assert system.record.story(task) == ["received", "started", "failed"]
    assert "TimeLimitExceeded" in str(system.record.one("task-failed", task).data["traceback"])


def test_a_soft_time_limit_is_the_tasks_own_affair(system: System) -> None:
    task = system.producer.send("patient", 60)
    system.record.until_story(task, *DONE)
    assert system.record.one("task-succeeded", task).data["result"] == "'gave up'"


def test_a_child_that_is_killed_fails_its_task(system: System) -> None:
    task = system.producer.send("nap", 60)
    system.record.until_story(task, "received", "started")
    child = int(str(system.record.one("task-started", task).data["child"]))
    os.kill(child, signal.SIGKILL)
    system.record.until_story(task, "received", "started", "failed")
    failed = system.record.one("task-failed", task).data
    assert failed["child"] == child
    assert "SIGKILL" in str(failed["traceback"])


def test_what_a_child_publishes_is_on_its_workers_record(system: System) -> None:
    task = system.producer.send("spread", 20)
    system.record.until_story(task, *DONE)
    child = system.record.one("task-started", task).data["child"]

    def published() -> list[str | None]:
        return [e.task_id for e in system.record.events if (e.kind, e.data.get("parent_id")) == ("task-sent", task)]

    system.record.until(lambda: len(published()) == 20)
    sent = [event for event in system.record.events if event.task_id in published() and event.kind == "task-sent"]
    assert {(event.worker, event.pid) for event in sent} == {(f"gen{child}@{gethostname()}", child)}
    for each in published():
        system.record.until_story(str(each), *DONE)


def test_beats_carry_what_the_worker_does(system: System) -> None:
    naps = [system.producer.send("nap", 60) for _ in range(3)]
    for nap in naps[:2]:
        system.record.until_story(nap, "received", "started")

    def newest() -> tuple[object, ...]:
        beat = [event for event in system.record.events if event.kind == "worker-heartbeat"][-1]
        return tuple(beat.data[name] for name in ("freq", "active", "reserved", "slots", "prefetch", "pool"))

    system.record.until(lambda: newest() == (0.5, 2, 1, 2, 8, "prefork"))
    for nap in naps:
        system.producer.app.control.revoke(nap, terminate=True)
    system.record.until(lambda: newest() == (0.5, 0, 0, 2, 8, "prefork"))
    assert len([event for event in system.record.events if event.kind == "worker-online"]) == 1
