"""The result backend: it closes tasks whose end nobody heard, says which chords cannot finish, and may itself fail."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from lab.celery import Worker
from lab.redis import RedisServer
from lab.script import run
from lab.server import Server
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]

IMPATIENT = {
    "result_backend_transport_options": {
        "retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
    }
}


@contextmanager
def watched(folder: Path) -> Iterator[tuple[RedisServer, RedisServer, Server]]:
    """A broker, a result backend of its own, and a server that reads both."""
    with RedisServer() as broker, RedisServer() as results:
        file = folder / "celeriac.toml"
        file.write_text(f'[results]\nurl = "{results.url}"\ninterval = 0.5\n', encoding="utf-8")
        with Server(broker.url, "--config", str(file)) as server:
            yield broker, results, server


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RedisServer, RedisServer, Server]]:
    """The same, without a worker, for every test that does not mind the others."""
    with watched(tmp_path_factory.mktemp("quiet")) as running:
        yield running


def verdict(server: Server, task: str) -> str:
    return str(server.get(f"tasks/{task}")["verdict"])


def until_verdict(server: Server, task: str, wanted: str) -> None:
    wait_until(lambda: verdict(server, task) == wanted, 40, every=0.2, why=f"{task} to be {wanted}")


def chorded(broker: RedisServer, results: RedisServer, program: str) -> dict[str, Any]:
    imported = "from lab.chorded import app, start_chord\n"
    return run(imported + dedent(program), broker=broker.url, LAB_RESULTS=results.url, LAB_RECORDED="1")


def env(results: RedisServer, *, recorded: bool = True) -> Mapping[str, str]:
    return {"LAB_RESULTS": results.url, **({"LAB_RECORDED": "1"} if recorded else {})}


def findings(server: Server, kind: str) -> list[dict[str, Any]]:
    """What open incidents say of `kind`, as roots and as consequences."""
    opened = (server.get(f"incidents/{one['id']}") for one in server.incidents("open"))
    return [one for incident in opened for one in (incident, *incident["findings"]) if one["kind"] == kind]


def test_a_chord_whose_member_was_lost_is_told_with_the_member_and_one_that_is_slow_is_not(tmp_path: Path) -> None:
    doomed, steady = (f"{name}-{uuid.uuid4().hex[:8]}@lab" for name in ("doomed", "steady"))
    with (
        watched(tmp_path) as (broker, results, server),
        Worker(broker.url, node=doomed, app="lab.chorded", env=env(results), concurrency=1) as worker,
        Worker(broker.url, node=steady, app="lab.chorded", env=env(results), queues=("slow",)),
    ):
        server.know(doomed)
        slow = chorded(broker, results, 'tell(**start_chord(0.0, 90.0, queue="slow"))')
        chord = chorded(broker, results, "tell(**start_chord(0.0, 0.0, 90.0))")
        until_verdict(server, chord["members"][2], "running")
        until_verdict(server, chord["members"][1], "succeeded")
        worker.kill()
        [told] = (
            wait_until(lambda: findings(server, "chord-incomplete"), 60, every=0.3, why="the chord to be told") or []
        )
        assert (told["cause"], told["severity"]) == ("member-lost", "critical")
        assert told["impact"]["lost"] == [chord["members"][2]]
        assert told["subject"]["task_id"] == chord["body"]
        assert f"celeriac rescue --task {chord['members'][2]}" in [one["command"] for one in told["fix"]]
        assert slow["members"][1] not in str(told)


def test_tasks_that_ran_while_the_backend_was_away_are_listed_and_it_resolves(tmp_path: Path) -> None:
    node = f"unsaved-{uuid.uuid4().hex[:8]}@lab"
    with (
        watched(tmp_path) as (broker, results, server),
        Worker(broker.url, node=node, app="lab.chorded", env=env(results), conf=IMPATIENT, concurrency=1),
    ):
        server.know(node)
        task = chorded(broker, results, 'tell(id=app.send_task("lab.part", (1, 3.0)).id)')["id"]
        until_verdict(server, task, "running")
        results.stop()
        incident = server.incident("result-backend-down")
        assert (incident["cause"], incident["confidence"]) == ("unreachable", "certain")
        until_verdict(server, task, "failed")
        wait_until(
            lambda: task in server.incident("result-backend-down")["impact"]["failed"], 20, why="it to be listed"
        )
        results.start()
        server.incident("result-backend-down", "resolved", timeout=40)
        assert {one["kind"] for one in server.incidents()} == {"result-backend-down"}


def test_a_full_backend_is_told_from_one_that_is_away(
    quiet: tuple[RedisServer, RedisServer, Server],
) -> None:
    _, results, server = quiet
    client = results.client()
    client.config_set("maxmemory", 1)
    assert server.incident("result-backend-down")["cause"] == "full"
    client.config_set("maxmemory", 0)
    server.incident("result-backend-down", "resolved", timeout=40)


def test_an_end_that_nobody_heard_is_closed_by_the_result(tmp_path: Path) -> None:
    node = f"unheard-{uuid.uuid4().hex[:8]}@lab"
    with (
        watched(tmp_path) as (broker, results, server),
        Worker(broker.url, node=node, app="lab.chorded", env=env(results, recorded=False)),
    ):
        server.know(node)
        program = 'app.conf.task_send_sent_event = True\ntell(id=app.send_task("lab.part", (1, 3.0)).id)'
        task = chorded(broker, results, program)["id"]
        until_verdict(server, task, "running")
        server.kill()
        stored = results.client()
        wait_until(lambda: b"SUCCESS" in (stored.get(f"celery-task-meta-{task}") or b""), 30, why="the task to end")
        server.start()
        until_verdict(server, task, "succeeded")
        assert "result-backend" in {one["source"] for one in server.get(f"tasks/{task}")["timeline"]}


def test_what_is_called_off_while_no_worker_has_dropped_it_is_not_over(
    quiet: tuple[RedisServer, RedisServer, Server],
) -> None:
    broker, results, server = quiet
    program = """
    id = app.send_task("lab.part", (1,), queue="nobody").id
    app.backend.mark_as_revoked(id, "revoked")
    tell(id=id)
    """
    task = chorded(broker, results, program)["id"]

    def called_off() -> bool:
        return "revoked at" in server.get(f"tasks/{task}")["because"]

    wait_until(called_off, 40, every=0.2, why="the order to be seen")
    assert verdict(server, task) == "waiting"
