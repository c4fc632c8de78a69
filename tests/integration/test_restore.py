"""Putting a held message back: once, to the right place, and never against a later holder of the lease."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from celeriac.brokers.base import Claim
from celeriac.errors import BrokerError
from celeriac.worker.payload import to_publish
from lab.app import make_app
from lab.broker import opened
from lab.celery import Worker
from lab.holding import holding
from lab.redis import RedisServer
from lab.wait import wait_until

pytestmark = pytest.mark.redis


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture
def url(server: RedisServer) -> str:
    server.client().flushall()
    return server.url


def test_a_held_message_goes_to_where_the_next_consumer_takes_it_and_says_that_it_was_rescued(url: str) -> None:
    with holding(url) as holder, opened(url) as broker:
        holder.publish("first")
        claim = holder.take()
        holder.publish("second")
        assert broker.restore(claim, 1) == "restored"
        back, other = holder.waiting()
        assert (back["headers"]["id"], other["headers"]["id"]) == ("first", "second")
        assert back["headers"]["redelivered"] is True
        assert back["properties"]["delivery_info"]["redelivered"] is True
        assert back["headers"]["celeriac_rescued"] == 1
        assert holder.held() == 0
        again = holder.take()
        assert broker.restore(again, 1) == "restored"
        assert holder.waiting()[0]["headers"]["celeriac_rescued"] == 2


def test_a_repeated_restore_answers_the_same_and_pushes_nothing(url: str) -> None:
    with holding(url) as holder, opened(url) as broker:
        holder.publish("one")
        claim = holder.take()
        assert [broker.restore(claim, 1) for _ in range(3)] == ["restored"] * 3
        assert len(holder.waiting()) == 1


def test_what_was_acknowledged_is_gone_and_what_is_delivered_anew_is_somebody_elses(url: str) -> None:
    with holding(url) as holder, opened(url) as broker:
        assert broker.restore(Claim("no-such-tag", "one", 1.0), 1) == "gone"
        holder.publish("one")
        claim = holder.take()
        assert broker.restore(replace(claim, since=claim.since - 5), 1) == "taken-again"
        assert broker.restore(replace(claim, task_id="another"), 1) == "changed"
        assert (holder.held(), holder.waiting()) == (1, [])


def test_a_stale_fence_is_refused(url: str) -> None:
    with holding(url) as holder, opened(url) as broker:
        holder.publish("one")
        holder.publish("two")
        first, second = holder.take(), holder.take()
        assert broker.restore(first, 8) == "restored"
        assert broker.restore(second, 7) == "fenced"
        assert holder.held() == 1
        assert broker.restore(second, 8) == "restored"


def test_a_message_that_leads_nowhere_stays_where_it_is(server: RedisServer, url: str) -> None:
    with holding(url) as holder, opened(url) as broker:
        holder.publish("one")
        claim = holder.take()
        server.client().delete("_kombu.binding.celery-x")
        assert broker.restore(claim, 1) == "unroutable"
        assert (holder.held(), holder.waiting()) == (1, [])


@pytest.mark.parametrize("options", [{}, {"global_keyprefix": "shop:"}])
def test_topics_priorities_and_prefixes_are_followed_as_kombu_does(url: str, options: dict[str, Any]) -> None:
    prefix = options.get("global_keyprefix", "")
    with (
        holding(url, "orders", "topic", "order.#", **options) as holder,
        opened(url, global_keyprefix=prefix) as broker,
    ):
        holder.publish("one", priority=5)
        claim = holder.take()
        assert broker.restore(claim, 1) == "restored"
        assert [one["headers"]["id"] for one in holder.waiting(3)] == ["one"]


def test_kombus_own_sweep_and_two_rescuers_racing_double_nothing(url: str) -> None:
    count = 60
    with holding(url, timeout=0.001) as holder, opened(url) as one, opened(url) as two:
        for number in range(count):
            holder.publish(f"task-{number}")
        claims = [holder.take() for _ in range(count)]
        outcomes: list[str] = []
        start = threading.Barrier(3)

        def rescue(broker: Any, order: int) -> None:
            start.wait(10)
            outcomes.extend(broker.restore(claim, 1) for claim in claims[::order])

        rescuers = [threading.Thread(target=rescue, args=pair) for pair in ((one, 1), (two, -1))]
        for rescuer in rescuers:
            rescuer.start()
        start.wait(10)
        wait_until(holder.sweep, timeout=20, every=0.001)
        for rescuer in rescuers:
            rescuer.join(20)
        waiting = [message["headers"]["id"] for message in holder.waiting()]
        assert sorted(waiting) == sorted(f"task-{number}" for number in range(count))
        assert set(outcomes) <= {"restored", "gone"}


def test_a_user_without_eval_is_told_what_to_allow(server: RedisServer, url: str) -> None:
    client = server.client()
    client.acl_setuser("looker", enabled=True, passwords=["+secret"], keys=["*"], commands=["+@all", "-eval"])
    with (
        holding(url) as holder,
        opened(url.replace("redis://", "redis://looker:secret@")) as broker,
    ):
        holder.publish("one")
        claim = holder.take()
        with pytest.raises(BrokerError, match="EVAL"):
            broker.restore(claim, 1)
        assert holder.held() == 1


def test_a_recorded_payload_runs_again_in_a_real_worker(url: str) -> None:
    app = make_app(url)
    payload = to_publish(app, app.amqp.as_task_v2("lost-one", "lab.noop", args=(1, 2)), {})["payload"]
    node = f"w-{uuid4().hex[:8]}@lab"
    with opened(url) as broker, Worker(url, node=node, concurrency=1) as worker:
        broker.publish(payload)
        wait_until(lambda: "lab.noop[lost-one] succeeded" in worker.output, 20, why="it to run")


def test_a_payload_is_published_under_its_id_and_one_without_a_queue_is_refused(url: str) -> None:
    payload = {
        "body": "W1tdLCB7fSwge31d",
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "headers": {"id": "one", "task": "lab.noop"},
        "properties": {"delivery_tag": "once"},
        "exchange": "celery-x",
        "routing_key": "celery",
    }
    with holding(url) as holder, opened(url) as broker:
        broker.publish(payload)
        broker.publish(payload)
        (message,) = holder.waiting()
        assert message["headers"]["id"] == message["properties"]["correlation_id"] == "one"
        taken = holder.queue.get()
        assert taken is not None
        assert taken.payload == [[], {}, {}]
        with pytest.raises(BrokerError, match="leads to no queue"):
            broker.publish(payload | {"routing_key": "elsewhere"})
