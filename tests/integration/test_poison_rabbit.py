"""The poison guard on RabbitMQ: the count is kept in a queue of its own, and a quorum queue's own count is shown."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator

import pytest
from kombu import Connection

from celeriac.transport import open_park
from lab.celery import Producer, Worker
from lab.rabbit import RabbitServer
from lab.rabbit_stage import VirtualHost
from lab.record import record
from lab.wait import wait_until


@pytest.fixture
def host(rabbit: RabbitServer) -> Iterator[VirtualHost]:
    """A place of its own: another test's record queue, with other arguments, would refuse these recorders."""
    with VirtualHost(rabbit) as host:
        yield host


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_three_deaths_set_it_aside(host: VirtualHost, kind: str) -> None:
    name, node = f"q-{uuid.uuid4().hex[:8]}", f"w-{uuid.uuid4().hex[:12]}@lab"
    conf = {"task_default_queue": name, "task_default_queue_type": kind}
    options = {"LAB_INSTALL": json.dumps({"poison": "park"})}
    with (
        Worker(
            host.url, app="lab.poisonous", node=node, queues=(name,), conf=conf, env=options, concurrency=1
        ) as worker,
        Producer(host.url, conf) as producer,
        record(host.url) as read,
    ):
        task_id = producer.send("crash")
        read.until(lambda: any(event.kind == "task-parked" for event in read.events), timeout=60)
        assert read.story(task_id) == [*["received", "started", "rejected"] * 3, "received", "parked"]
        told = [one for one in read.evidence if one.what == "poison" and one.data["task_id"] == task_id][-1]
        assert told.data["count"] == 3 and told.data["parked"] is True
        assert told.data["delivery_count"] == (3 if kind == "quorum" else None)
        read.until_story(producer.send("noop"), "received", "started", "succeeded")
        assert worker.process.poll() is None

        def settled() -> bool:
            listed = host.server.ctl("list_queues", "-p", host.name, "name", "messages", "--no-table-headers")
            return [name, "0"] in [line.split() for line in listed.splitlines()]

        wait_until(settled, why="the message to be acknowledged", timeout=20)
    with Connection(host.url) as connection:
        park = open_park(connection)
        (one,) = park.read(10)
        said = json.loads(one.body)
        assert (said["task_id"], said["cause"] in ("segfault", "signal"), len(said["deaths"])) == (task_id, True, 3)
        assert said["payload"]["headers"]["id"] == task_id and said["at"] <= time.time()
        park.acknowledge((one.tag,))
        park.close()
