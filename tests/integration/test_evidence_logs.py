"""The log source on the log of a real worker."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from celeriac.evidence.logs import LogSource, Tail
from lab.celery import Producer, Worker
from lab.redis import RedisServer
from lab.wait import wait_until


@pytest.mark.redis
def test_a_real_workers_log_tells_its_tasks_and_its_goodbye() -> None:
    with RedisServer() as server, Worker(server.url, concurrency=1) as worker, Producer(server.url) as producer:
        source = LogSource((worker.log,))
        began = time.time()
        good, bad = producer.send("noop"), producer.send("boom")
        wait_until(lambda: "raised unexpected" in worker.output and "succeeded" in worker.output)
        worker.term()
        events = source.events(time.time())
        assert {(event.task_id, event.kind) for event in events} == {
            (good, "task-received"),
            (good, "task-succeeded"),
            (bad, "task-received"),
            (bad, "task-failed"),
        }
        assert {event.worker for event in events} == {"w1@lab"}
        assert all(began - 1 < event.at < time.time() for event in events)
        words = [fact.data["signature"] for fact in source.look(time.time()).evidence]
        assert words == ["warm-shutdown"]
        assert source.events(time.time()) == ()


def test_a_log_is_followed_through_growth_cutting_and_replacement(tmp_path: Path) -> None:
    log = tmp_path / "w.log"
    tail = Tail(log)
    log.write_text("one\ntwo\nhal")
    assert tail.read() == ["one", "two"]
    with log.open("a") as file:
        file.write("f\n")
    assert tail.read() == ["half"]
    log.write_text("cut\n")
    assert tail.read() == ["cut"]
    (tmp_path / "new").write_text("a longer first line\n")
    (tmp_path / "new").rename(log)
    assert tail.read() == ["a longer first line"]
    assert tail.skipped == 0


def test_a_long_log_is_read_from_its_tail_and_says_so(tmp_path: Path) -> None:
    log = tmp_path / "w.log"
    line = b"x" * 1023 + b"\n"
    log.write_bytes(line * (21 << 10))
    source = LogSource((log, tmp_path / "none.log"))
    spots = source.look(1000.0).blind_spots
    assert [(spot.what, spot.why) for spot in spots] == [
        (f"log {log}", f"its first {1 << 20:,} bytes were not read"),
        (f"log {tmp_path / 'none.log'}", "No such file or directory"),
    ]
