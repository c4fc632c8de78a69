"""The incident of the founding story, on real processes: the web is up, the broker is up, exports never arrive.

Variants that must not be confused: the worker's main process dies at its memory limit (nobody consumes; running work is
lost, or, in a solo pool that has not acknowledged yet, held), and a prefork child dies (one task failed, the worker
goes on).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.celery import Producer, Worker
from lab.cgroup import MemoryLimit
from lab.redis import RedisServer
from lab.server import Server, celeriac
from lab.wait import wait_until
from lab.web import Web

pytestmark = [pytest.mark.redis, pytest.mark.cgroup, pytest.mark.timeout(180)]


def waiting(server: Server) -> int:
    return next((int(one["ready"]) for one in server.get("queues")["items"] if one["name"] == "celery"), 0)


def sources(finding: dict[str, Any]) -> set[str]:
    return {fact["source"] for fact in finding["evidence"]}


def incident_with(server: Server, incident_id: str, *kinds: str) -> dict[str, Any]:
    def grown() -> dict[str, Any] | None:
        incident: dict[str, Any] = server.get(f"incidents/{incident_id}")
        return incident if set(kinds) <= {one["kind"] for one in incident["findings"]} else None

    found = wait_until(grown, 40, every=0.2, why=f"{kinds} in the incident")
    assert found is not None
    return found


def limited(worker: Worker, group: MemoryLimit) -> None:
    """Put the worker under the limit as a pod is: what blows it ends the main process, and the children with it.

    Version 1 groups have no `memory.oom.group`; marking the main process as the kernel's first choice does the same.
    """
    group.take(worker.pid, *worker.children)
    Path(f"/proc/{worker.pid}/oom_score_adj").write_text("1000")


def test_a_worker_killed_by_its_memory_limit_is_named_with_what_it_took() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        MemoryLimit(200) as group,
        Worker(redis.url, node="exports@lab") as worker,
        Producer(redis.url) as producer,
    ):
        limited(worker, group)
        server.know("exports@lab")
        bomb = producer.send("export", 1, 2000)
        with Web(redis.url):
            assert worker.process.wait(timeout=60) == -9
            incident = server.incident("worker-oom-killed", timeout=15)
            assert incident["cause"] == "container"
            assert sources(incident) & {"kernel", "cgroup"}
            assert incident["subject"]["worker"] == "exports@lab"

            wait_until(lambda: waiting(server) > 100, 60, why="the queue to climb")
            incident = incident_with(server, incident["id"], "queue-unconsumed", "task-lost")
            assert incident["impact"]["lost"] == [bomb]
            assert incident["impact"]["waiting"] > 50
            assert server.get(f"tasks/{bomb}")["verdict"] == "lost"
            assert [one["kind"] for one in server.incidents()] == ["worker-oom-killed"]
            paged = {one["signal"] for one in incident["would_have_paged"]}
            assert len(paged) == 3

            after = celeriac("diagnose", "--broker", redis.url, "--store", server.store, "--json")
            assert after.code == 1, after.err
            first, *consequences = after.json["findings"]
            assert (first["kind"], first["impact"]["lost"]) == ("worker-oom-killed", [bomb])
            assert {one["caused_by"] for one in consequences} == {first["id"]}
            assert "queue-unconsumed" in {one["kind"] for one in consequences}
            assert {"broker", "web / publishers"} <= {one["what"] for one in first["ruled_out"]}

            group.resize(600)
            worker.start()
            group.take(worker.pid, *worker.children)
            wait_until(lambda: waiting(server) < 20, 60, why="the queue to drain")
        server.incident("worker-oom-killed", "resolved", timeout=60)
        healed = celeriac("diagnose", "--broker", redis.url, "--store", server.store, "--json")
        assert (healed.code, healed.json["verdict"]) == (0, "healthy"), healed.out


def test_a_solo_pool_killed_before_it_acknowledged_holds_its_task_and_what_else_it_lost_is_unknown() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        MemoryLimit(150) as group,
        Worker(redis.url, pool="solo", node="exports@lab") as worker,
        Producer(redis.url) as producer,
    ):
        group.take(worker.pid)
        server.know("exports@lab")
        bomb = producer.send("export", 1, 1000)
        assert worker.process.wait(timeout=60) == -9
        incident = incident_with(server, server.incident("worker-oom-killed", timeout=15)["id"], "task-held")
        assert (incident["cause"], incident["impact"]["held"]) == ("container", [bomb])
        assert incident["impact"]["lost"] is None
        assert "lost tasks" in {one["what"] for one in incident["blind_spots"]}


def test_a_child_killed_by_the_memory_limit_is_a_failed_task_on_a_living_worker() -> None:
    with (
        RedisServer() as redis,
        Server(redis.url) as server,
        MemoryLimit(300) as group,
        Worker(redis.url, node="exports@lab") as worker,
        Producer(redis.url) as producer,
    ):
        group.take(worker.pid, *worker.children)
        server.know("exports@lab")
        bomb = producer.send("export", 1, 2000)
        with Web(redis.url):
            incident = server.incident("worker-oom-killed", timeout=30)
            assert incident["cause"] == "child"
            assert worker.process.poll() is None

            def failed() -> bool:
                return bomb in server.get(f"incidents/{incident['id']}")["impact"]["failed"]

            wait_until(failed, 20, why="the failed task to be named")
            assert server.get(f"incidents/{incident['id']}")["impact"]["lost"] == []
            wait_until(lambda: waiting(server) < 20, 30, why="consumption to go on")
        assert {one["kind"] for one in server.incidents()} == {"worker-oom-killed"}
        assert server.get(f"tasks/{bomb}")["verdict"] == "failed"


def test_without_a_store_the_lost_task_is_unknown_and_log_files_name_it() -> None:
    with (
        RedisServer() as redis,
        MemoryLimit(200) as group,
        Worker(redis.url, node="exports@lab") as worker,
        Producer(redis.url) as producer,
    ):
        limited(worker, group)
        bomb = producer.send("export", 1, 2000)
        assert worker.process.wait(timeout=60) == -9
        for number in range(3):
            producer.send("noop", number)

        blind = celeriac("diagnose", "--broker", redis.url, "--no-docker", "--json")
        assert blind.code == 1, blind.err
        first = blind.json["findings"][0]
        assert first["kind"] == "worker-oom-killed", blind.out
        assert first["impact"]["lost"] is None
        assert "lost tasks" in {one["what"] for one in blind.json["blind_spots"]}

        told = celeriac("diagnose", "--broker", redis.url, "--no-docker", "--logs", str(worker.log), "--json")
        assert told.json["findings"][0]["kind"] == "worker-oom-killed", told.out
        assert told.json["findings"][0]["impact"]["lost"] == [bomb], told.out


def test_without_a_store_a_started_result_names_the_lost_task() -> None:
    with RedisServer() as redis:
        conf = {"result_backend": redis.url, "task_track_started": True, "task_ignore_result": False}
        with (
            MemoryLimit(200) as group,
            Worker(redis.url, node="results@lab", conf=conf) as worker,
            Producer(redis.url, conf) as producer,
        ):
            limited(worker, group)
            bomb = producer.send("export", 1, 2000)
            assert worker.process.wait(timeout=60) == -9
            producer.send("noop")
            told = celeriac(
                *("diagnose", "--broker", redis.url, "--result-backend", redis.url, "--no-docker", "--json")
            )
            first = told.json["findings"][0]
            assert first["kind"] == "worker-oom-killed", told.out
            assert first["impact"]["lost"] == [bomb], told.out
