"""The reader of the result backend, over what real workers stored: ends, chords, health. It writes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from celeriac.errors import BrokerUnavailableError, UnsupportedByBrokerError
from celeriac.model.outcome import Outcome
from celeriac.results.base import ResultBackend
from celeriac.results.open import open_results
from celeriac.results.redis import END, LONGEST
from celeriac.settings import ResultSettings
from lab.celery import Worker
from lab.redis import RedisServer, ValkeyServer
from lab.script import run
from lab.wait import wait_until

pytestmark = pytest.mark.redis
PREFIXED = {"result_backend_transport_options": {"global_keyprefix": "shop"}}


@pytest.fixture(scope="module", params=[RedisServer, ValkeyServer])
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with request.param() as running:
        yield running


def reader(server: RedisServer, prefix: str = "") -> ResultBackend:
    found = open_results(ResultSettings(url=SecretStr(server.url), global_keyprefix=prefix))
    assert found is not None
    return found


def one(backend: ResultBackend, task: str) -> Outcome:
    (found,) = backend.outcomes([task, "nobody"]).found
    return found


@pytest.mark.parametrize("prefix", ["", "shop"])
def test_ends_and_chords_are_read_as_celery_stores_them(server: RedisServer, prefix: str) -> None:
    server.client().flushall()
    env, conf = {"LAB_RESULTS": server.url}, PREFIXED if prefix else {}
    program = """
        from lab.chorded import start_chord
        tell(good=app.send_task("lab.noop").id, bad=app.send_task("lab.boom").id, **start_chord(0.0, 0.0, 60.0))
        """
    with Worker(server.url, app="lab.chorded", env=env, conf=conf, concurrency=1):
        told = run(program, broker=server.url, conf=conf, **env)
        backend = reader(server, prefix)
        wait_until(lambda: [chord.done for chord in backend.chords([told["group"]])] == [2], 30, why="two results")
        before = contents(server)
        (chord,) = backend.chords([told["group"], "no-chord"])
        assert (chord.size, chord.counted) == (3, frozenset(told["members"][:2]))
        assert chord.expires_in is not None and 80_000 < chord.expires_in <= 86_400
        assert told["group"] in found_groups(backend)
        good, bad = one(backend, told["good"]), one(backend, told["bad"])
        assert (good.status, good.error, bad.status, bad.error) == ("SUCCESS", None, "FAILURE", "RuntimeError('boom')")
        assert good.at is not None and bad.traceback is not None
        backend.close()
        assert contents(server) == before


def found_groups(backend: ResultBackend) -> set[str]:
    found: set[str] = set()
    whole = False
    while not whole:
        page = backend.discover()
        found, whole = found | set(page.groups), page.whole
    return found


def contents(server: RedisServer) -> dict[Any, Any]:
    client = server.client()
    return {key: client.dump(key) for key in client.keys("*celery-task*")}


def test_a_chord_of_an_older_celery_is_counted_without_names(server: RedisServer) -> None:
    client = server.client()
    client.flushall()
    client.mset({"celery-taskset-meta-old.s": 3, "celery-taskset-meta-old.t": 1})
    client.rpush("celery-taskset-meta-old.j", "one", "two")
    (chord,) = reader(server).chords(["old"])
    assert (chord.size, chord.done, chord.counted, chord.expires_in) == (4, 2, None, None)


def test_a_long_result_is_read_at_its_two_ends_and_a_foreign_one_is_counted_as_unread(server: RedisServer) -> None:
    client = server.client()
    client.flushall()
    done = "2026-11-21T18:00:00.500000+00:00"
    meta: dict[str, Any] = {
        "status": "SUCCESS",
        "result": "x" * LONGEST,
        "traceback": None,
        "children": [],
        "date_done": done,
    }
    client.set("celery-task-meta-long", json.dumps({**meta, "task_id": "long"}))
    client.set("celery-task-meta-pickled", b"\x80\x04pickled")
    client.set("celery-task-meta-odd", b"[" + b"7," * LONGEST + b"7]")
    read = reader(server).outcomes(["long", "pickled", "odd"])
    assert [(outcome.task_id, outcome.status, outcome.at) for outcome in read.found] == [
        ("long", "SUCCESS", 1795284000.5)
    ]
    assert read.unread == 2
    assert END < LONGEST


def test_a_full_backend_a_replica_and_one_that_cannot_save_take_no_results() -> None:
    with RedisServer() as redis:
        backend, client = reader(redis), redis.client()
        assert backend.health().cause is None
        client.config_set("maxmemory", 1)
        assert backend.health().cause == "full"
        client.config_set("maxmemory", 0)
        client.replicaof("127.0.0.1", 1)
        assert backend.health().cause == "read-only"
        client.replicaof("NO", "ONE")
        assert backend.health().cause is None
        redis.stop()
        with pytest.raises(BrokerUnavailableError):
            backend.health()


def test_another_backend_is_told_and_none_is_none() -> None:
    assert open_results(ResultSettings()) is None
    with pytest.raises(UnsupportedByBrokerError):
        open_results(ResultSettings(url=SecretStr("cache+memcached://127.0.0.1:11211/")))
