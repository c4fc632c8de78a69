"""The process source on real workers and real signals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from celeriac.evidence.processes import ProcessSource
from lab.celery import Producer, Worker
from lab.need import need_root
from lab.redis import RedisServer
from lab.wait import wait_until
from lab.witness import Witness, witness

pytestmark = pytest.mark.redis
HOST = socket.gethostname()


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture
def seen() -> Iterator[Witness]:
    with witness(ProcessSource(HOST)) as looking:
        yield looking


def test_a_worker_is_found_with_its_name_pool_and_children(server: RedisServer, seen: Witness) -> None:
    with Worker(server.url, node="w1@%h", concurrency=2, env={"HOSTNAME": "inside"}) as worker:
        level = seen.await_("process", pid=worker.pid)
        assert level.nodes == (f"w1@{HOST}", "w1@inside")
        assert level.host == HOST
        assert level.data["pool"] == "prefork"
        assert level.data["namespace_pid"] == worker.pid
        assert level.data["parent"] == os.getpid()
        assert level.data["stdout"] == str(worker.log)
        assert level.data["children"] == tuple(sorted(worker.children))
        for child in worker.children:
            assert seen.find("process", pid=child) is None, "a pool process is no worker"


def test_a_stopped_worker_shows_its_state_and_the_signal_that_waits(server: RedisServer, seen: Witness) -> None:
    with Worker(server.url, pool="solo") as worker:
        worker.process.send_signal(signal.SIGSTOP)
        stopped = seen.await_("process", pid=worker.pid, state="T")
        assert "is stopped (SIGSTOP)" in stopped.fact
        assert stopped.data["stops"] is None
        worker.process.send_signal(signal.SIGTERM)
        assert seen.await_("process", pid=worker.pid, stops="terminated").id == stopped.id


def test_a_worker_blocked_on_a_log_pipe_that_nobody_reads_shows_where_it_waits(
    server: RedisServer, seen: Witness, tmp_path: Path
) -> None:
    pipe = tmp_path / "log"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with Worker(server.url, pool="solo", args=("-f", str(pipe)), ready=False) as worker:
            with Producer(server.url) as producer:
                for _ in range(600):
                    producer.send("noop")
            blocked = seen.await_("process", timeout=30, pid=worker.pid, wchan="anon_pipe_write")
            assert blocked.data["state"] == "S"
    finally:
        os.close(reader)


def test_a_killed_worker_is_gone_once_with_its_last_look(server: RedisServer, seen: Witness) -> None:
    with Worker(server.url) as worker:
        level = seen.await_("process", pid=worker.pid)
        worker.kill()
        gone = seen.await_("process-gone", pid=worker.pid)
        assert gone.nodes == level.nodes
        assert gone.data["started"] == level.data["started"]
        assert gone.data["children"] == level.data["children"]
        between = gone.data["between"]
        assert isinstance(between, tuple)
        assert between[0] <= between[1] == gone.at
        assert seen.find("oom-count") is None


def test_a_zombie_is_gone_and_names_the_signal(server: RedisServer, seen: Witness) -> None:
    with Worker(server.url, pool="solo") as worker:
        seen.await_("process", pid=worker.pid)
        os.kill(worker.pid, signal.SIGKILL)  # not reaped: this test is its parent
        gone = seen.await_("process-gone", pid=worker.pid)
        assert Path(f"/proc/{worker.pid}").exists()
        assert gone.data["signal"] == signal.SIGKILL
        assert gone.fact.endswith("is gone, killed by SIGKILL")


def test_a_killed_pool_process_is_gone_and_its_main_lives(server: RedisServer, seen: Witness) -> None:
    with Worker(server.url, concurrency=2) as worker:
        seen.await_("process", pid=worker.pid)
        child, killed = worker.children[0], time.time()
        os.kill(child, signal.SIGKILL)
        gone = seen.await_("child-gone", pid=child)
        assert gone.at - killed < 2.0, "though Celery reaps it later"
        assert gone.data["parent"] == worker.pid
        assert gone.data["signal"] in (signal.SIGKILL, None), "known unless it was reaped at once"
        assert isinstance(gone.data["rss"], int) and gone.data["rss"] > 1 << 20
        assert seen.find("process-gone", pid=worker.pid) is None


def test_a_pool_process_that_came_and_ended_between_two_looks_is_gone_once(server: RedisServer) -> None:
    source = ProcessSource(HOST)
    with Worker(server.url, concurrency=1) as worker:
        (first,) = worker.children
        assert worker.pid in _pids(source, 10.0)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: worker.children and first not in worker.children, timeout=30, why="another pool process")
        worker.stop()
        wait_until(lambda: _state(worker.pid) == "T", why="a main that reaps nobody")
        (child,) = worker.children
        os.kill(child, signal.SIGSEGV)
        wait_until(lambda: _state(child) == "Z", why="its end")
        edges = (one for one in source.look(10.1).evidence if one.what == "child-gone")
        gone = {one.pid: one.data for one in edges if one.number("parent") == worker.pid}
        assert gone.keys() == {first, child}
        assert (gone[child]["signal"], gone[child]["rss"]) == (signal.SIGSEGV, None)
        assert not [one for one in source.look(10.2).evidence if one.what == "child-gone"]
    source.close()


def test_a_pool_process_that_outlives_its_main_is_not_taken_for_a_worker(server: RedisServer) -> None:
    source = ProcessSource(HOST)
    with Worker(server.url, concurrency=1) as worker, Producer(server.url) as producer:
        (child,) = worker.children
        producer.send("nap", 30)
        wait_until(lambda: "lab.nap" in worker.output)
        assert worker.pid in _pids(source, 10.0)
        worker.kill()
        assert child not in _pids(source, 20.0)
        assert child not in _pids(source, 30.0), "also when the whole table is searched again"
        os.kill(child, 0)


def test_a_restarted_worker_is_another_life(server: RedisServer, seen: Witness) -> None:
    with Worker(server.url, pool="solo") as worker:
        before = seen.await_("process", pid=worker.pid)
        worker.term()
        worker.start()
        after = seen.await_("process", pid=worker.pid)
        assert after.id != before.id
        assert after.number("started") > (before.number("started") or 0.0)  # type: ignore[operator]


def test_programs_that_mention_a_worker_are_none(seen: Witness) -> None:
    shell = ["sh", "-c", "read line; : celery -A lab.app worker"]
    with subprocess.Popen(shell, stdin=subprocess.PIPE) as process:
        seen.look()
        assert seen.find("process", pid=process.pid) is None


def test_a_user_without_rights_still_sees_workers_and_says_what_is_closed(server: RedisServer, tmp_path: Path) -> None:
    need_root("giving up root")
    engine = tmp_path / "engine"  # pytest's directories are closed to other users
    with Worker(server.url) as worker, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(engine))
        said = subprocess.run(
            [sys.executable, "-W", "error", "-c", _AS_NOBODY, str(worker.pid)],
            env={**os.environ, "DOCKER_HOST": f"unix://{engine}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert said.returncode == 0, said.stderr
    closed = said.stdout
    assert "main seen: True" in closed
    assert (
        f"process: environment of w1@lab (pid {worker.pid}): the environment of process {worker.pid} is closed"
        in closed
    )
    assert "kernel: kernel log: /dev/kmsg: Operation not permitted; dmesg:" in closed
    assert f"docker: containers: the engine at unix://{engine} does not answer: Permission denied" in closed


_AS_NOBODY = """
import os, sys, time
import docker
from celeriac.evidence.open import host_sources
from celeriac.settings.tree import EvidenceSettings
sources = host_sources(EvidenceSettings(), docker=True)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for source in sources:
    look = source.look(time.time())
    if source.name == "process":
        print("main seen:", any(fact.pid == int(sys.argv[1]) for fact in look.evidence))
    for spot in look.blind_spots:
        print(f"{source.name}: {spot.what}: {spot.why}")
    source.close()
"""


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def _pids(source: ProcessSource, at: float) -> set[int | None]:
    source.look(at)
    return {main.pid for main in source.mains()}
