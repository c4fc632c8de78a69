"""The monitor itself is killed, cut off, told nothing, out of disk: it says what is true and what is missing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import pytest
import redis as redis_py

from lab.celery import Worker
from lab.ledger import Ledger, integrity, ledger
from lab.need import need, need_root
from lab.redis import RedisServer
from lab.server import Server, celeriac
from lab.traffic import Traffic
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]

ROUNDS = 5
RATE = 40.0


@pytest.mark.parametrize("seed", [20])
def test_a_monitor_killed_at_random_instants_misses_nothing_unseen(seed: int) -> None:
    random, node = Random(seed), "survives-kill@lab"
    with (
        RedisServer() as redis,
        Worker(redis.url, node=node) as worker,
        Server(redis.url) as server,
        ledger(server.store, node, worker.pid) as books,
    ):
        _heard(server, node)
        with Traffic(redis.url, RATE) as traffic:
            for _ in range(ROUNDS):
                time.sleep(random.uniform(0.2, 2.5))
                before = books.starts
                server.kill()
                assert integrity(server.path) == "ok"
                assert set(before) <= set(books.starts)
                time.sleep(random.uniform(0.1, 1.0))
                server.start()
            sent = traffic.stop()
        _executed(redis, books, sent)

        assert len(books.starts) + books.missing == sent
        assert books.missing > 0
        assert {gap.cause for gap in books.gaps} == {"monitor-down"}
        incident = server.incident("monitor-gap")
        assert incident["cause"] == "monitor-down"
        assert server.get("pulse")["state"] == "gap"
        assert {one["kind"] for one in server.incidents("open", "acknowledged")} == {"monitor-gap"}
        assert integrity(server.path) == "ok"
        assert "Traceback" not in server.log


@pytest.mark.parametrize("whose", ["ours", "every subscriber's"])
def test_a_cut_connection_is_made_again_and_the_hole_is_counted(whose: str) -> None:
    node = f"survives-cut-{whose.partition(' ')[0].replace(chr(39), '')}@lab"
    with (
        RedisServer() as redis,
        Worker(redis.url, node=node) as worker,
        Server(redis.url) as server,
        ledger(server.store, node, worker.pid) as books,
    ):
        _heard(server, node)
        pid = server.process.pid
        with Traffic(redis.url, RATE) as traffic:
            wait_until(lambda: len(books.starts) > 20, 20, why="events to be recorded")
            for _ in range(3):
                _cut(redis.client(), everyone=whose != "ours")
                time.sleep(1.0)
            sent = traffic.stop()
        _executed(redis, books, sent)

        assert len(books.starts) + books.missing == sent
        assert books.missing > 0
        assert {gap.cause for gap in books.gaps} == {"reconnect"}
        assert server.incident("monitor-gap")["cause"] == "reconnect"
        whole = f"{books.missing} task starts of {node} missing"
        wait_until(
            lambda: whole in server.incident("monitor-gap")["summary"], why="the incident to have the whole size"
        )
        assert server.process.poll() is None
        assert server.process.pid == pid
        assert "Traceback" not in server.log


def test_a_worker_without_events_is_named_and_is_no_problem_and_nobody_turns_them_on() -> None:
    node = "survives-mute@lab"
    with (
        RedisServer() as redis,
        Worker(redis.url, node=node, events=False) as worker,
        Server(redis.url) as server,
        Traffic(redis.url, 5),
        ledger(server.store, node, worker.pid) as books,
    ):
        incident = server.incident("events-disabled")
        assert incident["severity"] == "info"
        assert incident["subject"]["worker"] == node
        looked = celeriac("diagnose", "--broker", redis.url, "--json", "--for", "7")
        assert (looked.code, looked.json["verdict"], looked.err) == (0, "healthy", "")
        assert [one["kind"] for one in looked.json["findings"]] == ["events-disabled"]
        assert {one["kind"] for one in server.incidents()} == {"events-disabled"}
        assert books.starts == ()


def test_events_are_turned_on_when_asked_to() -> None:
    node = "survives-asked@lab"
    with (
        RedisServer() as redis,
        Worker(redis.url, node=node, events=False) as worker,
        Server(redis.url, "--enable-events") as server,
        Traffic(redis.url, 5),
        ledger(server.store, node, worker.pid) as books,
    ):
        wait_until(lambda: books.starts, 20, why="task events to arrive")
        wait_until(lambda: server.incidents("open") == [], 30, every=0.3, why="nothing to be wrong")


def test_a_full_disk_is_said_once_shown_as_stale_and_outlived(tmp_path: Path) -> None:
    need_root("mounting a small file system")
    node = "survives-full@lab"
    with (
        RedisServer() as redis,
        Worker(redis.url, node=node) as worker,
        _on_small_disk(redis.url, tmp_path) as (server, disk),
    ):
        _heard(server, node)
        with _filled(disk / "ballast"):
            stale = wait_until(lambda: _stale(server), 30, every=0.3, why="the dashboard to say stale")
            assert "Collector behind" in stale["because"]
            worker.kill()
            time.sleep(2)
            told = _failures(server)
            assert told
            assert len(told) == len(set(told)), f"said more than once: {told}"
            assert all("Free space on its disk" in error for _, error in told)
            assert server.get("pulse")["state"] == "stale"
            assert server.incidents("open") == []
        lost = server.incident("worker-lost", timeout=30)
        assert lost["subject"]["worker"] == node
        wait_until(lambda: server.get("pulse")["state"] in ("live", "idle"), 30, every=0.3, why="reading to go on")
        assert server.process.poll() is None
        assert "Traceback" not in server.log


def _heard(server: Server, node: str) -> None:
    """Wait for a heartbeat with figures: what a worker did before its first is a beginning, not a hole."""
    server.know(node)

    def figures() -> bool:
        return any(one["node"] == node and one["processed"] is not None for one in server.get("workers")["items"])

    wait_until(figures, 20, why=f"{node}'s first heartbeat")


def _executed(redis: RedisServer, books: Ledger, sent: int) -> None:
    """Wait until every task ran and the books were balanced at a heartbeat after that."""
    client = redis.client()
    wait_until(lambda: client.llen("celery") == 0 and client.hlen("unacked") == 0, 60, why=f"{sent} tasks to run")
    ended = time.time()
    wait_until(lambda: books.judged_until(ended), 30, every=0.2, why="two heartbeats after the last task")


def _cut(client: redis_py.Redis, *, everyone: bool) -> None:
    if everyone:
        client.client_kill_filter(_type="pubsub")
        return
    ours = [one for one in client.client_list() if one["name"] == "celeriac" and one["psub"] != "0"]
    assert len(ours) == 1
    client.client_kill_filter(_id=ours[0]["id"])


@contextmanager
def _on_small_disk(broker: str, folder: Path) -> Iterator[tuple[Server, Path]]:
    """A server whose store lies on a disk of its own, in a mount namespace that ends with it; and the way there.

    48 MB: a write-ahead log grows to 32 MB before its first checkpoint, so less would be full without a fault.
    """
    mount = f'mount -t tmpfs -o size=48m tmpfs {folder} && exec "$@"'
    under = (need("unshare"), "--mount", "sh", "-c", mount, "sh")
    with Server(broker, store=folder / "celeriac.db", under=under) as server:
        yield server, Path(f"/proc/{server.process.pid}/root{folder}")


@contextmanager
def _filled(ballast: Path) -> Iterator[None]:
    """All that is left of the disk, taken."""
    with ballast.open("wb", buffering=0) as file:
        with suppress(OSError):
            while file.write(b"\0" * 4096):
                pass
        yield
    ballast.unlink()


def _stale(server: Server) -> dict[str, str] | None:
    pulse: dict[str, str] = server.get("pulse")
    return pulse if pulse["state"] == "stale" else None


def _failures(server: Server) -> list[tuple[str, str]]:
    """(loop, error) of each failure told in the log."""
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    return [(one["loop"], one["error"]) for one in lines if one["event"] == "loop-failed"]
