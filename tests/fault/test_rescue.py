"""A killed worker's held tasks are back in their queue within seconds, once, and run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import time
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from celeriac.model.event import RECORDED, Event
from celeriac.model.ledger import Declaration, Term
from celeriac.model.source import SourceMark
from celeriac.store import Batch, Store
from lab.celery import Producer, Worker
from lab.port import free_port
from lab.redis import RedisServer
from lab.server import Server, celeriac
from lab.views import worker
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]
GOAL = 10.0


class Scene(NamedTuple):
    """A worker that runs two tasks and holds four more."""

    redis: RedisServer
    server: Server
    worker: Worker
    producer: Producer
    tasks: list[str]

    def waiting(self) -> int:
        return int(self.redis.client().llen("celery"))

    def verdict(self, task_id: str) -> str:
        return str(self.server.get(f"tasks/{task_id}")["verdict"])


@contextmanager
def scene(auto: str = "off", **conf: Any) -> Iterator[Scene]:
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer())
        under = ("env", f"CELERIAC_RECOVERY__AUTO_RESCUE={auto}")
        server = stack.enter_context(Server(redis.url, under=under))
        worker = stack.enter_context(Worker(redis.url, node=f"w-{uuid4().hex[:8]}@lab", conf=conf))
        producer = stack.enter_context(Producer(redis.url))
        server.know(worker.node)
        tasks = [producer.send("nap", 30) for _ in range(6)]
        made = Scene(redis, server, worker, producer, tasks)
        wait_until(lambda: [made.verdict(one) for one in tasks[:2]] == ["running"] * 2, 30, why="two tasks to run")
        wait_until(lambda: [made.verdict(one) for one in tasks[2:]] == ["reserved"] * 4, 30, why="four to be held")
        yield made


def test_what_never_started_is_back_within_ten_seconds_of_the_death_and_runs_once() -> None:
    with scene("never-started") as it:
        it.worker.kill()
        wait_until(lambda: it.waiting() == 4, GOAL, why="four tasks to be back")
        entries = it.server.get("audit")["items"]
        assert {one["subject"] for one in entries} == set(it.tasks[2:])
        assert {(one["act"], one["outcome"]) for one in entries} == {("restore", "restored")}
        wait_until(
            lambda: {it.verdict(one) for one in it.tasks[2:]} == {"waiting"}, 15, why="them to be told as waiting"
        )
        with Worker(it.redis.url, node=f"w-{uuid4().hex[:8]}@lab", concurrency=4):
            wait_until(lambda: {it.verdict(one) for one in it.tasks[2:]} == {"running"}, 30, why="them to run")
            truth = it.server.get(f"tasks/{it.tasks[2]}")
            assert [one["delivery"] for one in truth["attempts"]] == ["first", "redelivery"]


def test_what_had_started_with_late_ack_stays_until_all_is_asked_for() -> None:
    with scene("never-started", task_acks_late=True) as it:
        it.worker.kill()
        wait_until(lambda: it.waiting() == 4, 30, why="four tasks to be back")
        dry = celeriac("rescue", "--store", it.server.store, "--broker", it.redis.url, "--dry-run", "--json")
        plan = {one["task_id"]: one for one in dry.json["tasks"]}
        assert set(plan) == set(it.tasks[:2])
        assert all(one["will"] and "repeated" in one["because"] for one in plan.values())
        assert it.waiting() == 4
        done = celeriac("rescue", "--store", it.server.store, "--broker", it.redis.url, "--yes")
        assert done.code == 0, done
        assert it.waiting() == 6


def test_a_frozen_worker_keeps_what_it_holds() -> None:
    with scene("all") as it:
        it.worker.stop()
        try:
            it.server.incident("worker-silent", timeout=25)
            asked = celeriac("rescue", "--store", it.server.store, "--broker", it.redis.url, "--yes", "--json")
            assert asked.code == 0
            assert asked.json["restored"] == 0
            assert it.waiting() == 0
        finally:
            it.worker.cont()


def test_where_no_server_runs_the_command_does_it_and_another_time_there_is_nothing_left() -> None:
    with scene() as it:
        it.worker.kill()
        it.server.incident("worker-lost", timeout=20)
        command = ("rescue", "--worker", it.worker.node, "--store", it.server.store, "--broker", it.redis.url)
        wait_until(lambda: _will(celeriac(*command, "--dry-run", "--json").json) == 4, 20, every=0.2)
        it.server.kill()
        unasked = celeriac(*command)
        assert unasked.code == 1
        assert "--yes" in unasked.err
        assert it.waiting() == 0
        elsewhere = celeriac(*command, "--yes", "--broker", it.redis.url.replace("/0", "/1"))
        assert (elsewhere.code, it.waiting()) == (2, 0)
        assert "newest look was not at" in elsewhere.err
        assert celeriac(*command, "--yes").code == 0
        assert it.waiting() == 4
        again = celeriac(*command, "--yes", "--json")
        assert (again.code, again.json["tasks"]) == (0, [])


def test_a_lost_task_is_published_again_only_when_that_is_asked_for(tmp_path: Path) -> None:
    payload = {
        "body": "W1tdLCB7fSwge31d",
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "headers": {"id": "one", "task": "lab.noop", "retries": 0},
        "properties": {},
        "routing_key": "celery",
    }
    now = time()
    url = f"sqlite:///{tmp_path}/celeriac.db"
    store = Store.open(url)
    sent = Event("e1", "task-sent", now - 60, now - 60, RECORDED, task_id="one", data={"payload": payload})
    store.record(Batch(now - 60, (sent,)))
    store.declare([Declaration("one", Term.LOST, "flushed", "the broker was emptied", now - 50)], now)
    store.close()
    with RedisServer() as redis:
        command = ("rescue", "--task", "one", "--store", url, "--broker", redis.url)
        unasked = celeriac(*command, "--yes")
        assert unasked.code == 1
        assert "--republish --yes" in unasked.err
        assert redis.client().llen("celery") == 0
        assert celeriac(*command, "--republish", "--yes").code == 0
        assert json.loads(redis.client().lindex("celery", 0) or "")["headers"]["id"] == "one"
        again = celeriac(*command, "--republish", "--yes", "--json")
        assert again.code == 1
        assert again.json["because"] == "it is published, not lost"


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (("--worker", "celery@web1"), "no worker celery@web1 was heard of in the last day. Did you mean celery@web-1?"),
        (
            ("--worker", "xyz", "--dry-run"),
            "no worker xyz was heard of in the last day. `celeriac workers` shows those that were",
        ),
        (("--task", "7c9d", "--yes"), "no task 7c9d was ever heard of. Did you mean 7c9d1c1e?"),
        (("--task", "other", "--republish"), "no task other was ever heard of. `celeriac tasks` shows those that were"),
    ],
)
def test_a_name_that_nobody_has_is_wrong_usage_and_the_near_ones_are_told(
    named: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    now, url = time(), f"sqlite:///{tmp_path}/celeriac.db"
    store = Store.open(url)
    sent = Event("e1", "task-sent", now - 60, now - 60, RECORDED, task_id="7c9d1c1e", data={"name": "lab.noop"})
    store.record(Batch(now, (sent,), workers=(worker(heard=now),), marks=(SourceMark("events", now),)))
    store.close()
    asked = celeriac("rescue", *named, "--store", url, "--broker", f"redis://127.0.0.1:{free_port()}/0")
    assert (asked.code, asked.out, asked.err) == (2, "", f"celeriac: {said}\n")


def _will(outcome: dict[str, Any]) -> int:
    return sum(one["will"] for one in outcome["tasks"])
