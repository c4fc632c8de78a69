"""`diagnose` on a living system: the broker is as it was before, and nobody there had to wait for it."""

from __future__ import annotations

from typing import Any

import pytest
import redis as redis_py

from lab.celery import Producer, Worker
from lab.redis import RedisServer
from lab.server import celeriac
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(90)]

WAITING = {"brpop", "blpop", "blmove", "bzpopmin", "keys", "monitor", "save", "wait", "sort", "flushdb", "debug"}
WRITING = {"set", "lpush", "rpush", "lpop", "rpop", "hset", "hdel", "zadd", "zrem", "config|set", "client|kill"}
DEADLINES = b"_kombu.binding_deadlines"
"""Workers of kombu 5.7 renew their own times in it; only who stands in it is compared."""


def test_no_key_is_left_or_changed() -> None:
    node = "no-trace@lab"
    with RedisServer() as redis, Producer(redis.url) as producer:
        client = redis.client()
        with Worker(redis.url, node=node) as worker:
            for number in range(20):
                producer.send("noop", number, queue="elsewhere", priority=number % 10)
            producer.send("nap", 60)
            producer.send("nap", 60)
            producer.send("nap", 60)
            wait_until(lambda: worker.output.count("received") == 3, 20, why="the worker to have all three")
            wait_until(lambda: client.hlen("unacked") == 1, 20, why="one task to wait in the worker")
            before = _contents(client)
            looked = celeriac("diagnose", "--broker", redis.url, "--json", "--for", "5")
            assert looked.err == ""
            assert [one["what"] for one in looked.json["healthy"] if node in one["what"]] == [f"worker {node}"]
            assert _contents(client) == before
            assert worker.process.poll() is None
        assert "celeriac" not in {one["name"] for one in client.client_list()}


def test_no_command_is_sent_that_others_wait_for() -> None:
    with RedisServer() as redis, Producer(redis.url) as producer:
        client = redis.client()
        for number in range(20):
            producer.send("noop", number)
        before = _contents(client)
        client.config_resetstat()
        looked = celeriac("diagnose", "--broker", redis.url, "--json", "--for", "3")
        sent = {name.removeprefix("cmdstat_") for name in client.info("commandstats")}
        assert looked.code in (0, 1)
        assert {"info", "llen"} <= sent
        assert sent & (WAITING | WRITING) == set()
        assert _contents(client) == before


def _contents(client: redis_py.Redis) -> dict[bytes, Any]:
    found: dict[bytes, Any] = {key: client.dump(key) for key in client.scan_iter() if key != DEADLINES}
    return found | {DEADLINES: set(client.zrange(DEADLINES, 0, -1))}
