"""A wait that ends early for good reasons."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from celeriac.worker.watch import Watch, Woken


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    yield watch
    watch.close()


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_an_end_is_told_once_and_left_to_the_parent(watch: Watch, child: subprocess.Popen[bytes]) -> None:
    watch.follow(child.pid)
    assert watch.wait(0.0) == Woken()
    child.kill()
    assert watch.wait(10.0) == Woken(ended=(child.pid,))
    assert watch.wait(0.0) == Woken()
    assert child.wait(timeout=10) == -9


@pytest.mark.parametrize("follows", [False, True])
def test_a_call_ends_the_wait(watch: Watch, child: subprocess.Popen[bytes], follows: bool) -> None:
    if follows:
        watch.follow(child.pid)
    caller = threading.Timer(0.05, watch.call)
    caller.start()
    began = time.monotonic()
    assert watch.wait(30.0) == Woken()
    assert time.monotonic() - began < 20.0
    caller.join()


def test_many_calls_are_one_and_never_block(watch: Watch, child: subprocess.Popen[bytes]) -> None:
    watch.follow(child.pid)
    for _ in range(100_000):
        watch.call()
    watch.wait(10.0)


def test_a_process_that_is_gone_is_not_followed(watch: Watch) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait(timeout=30)
    watch.follow(process.pid)
    assert watch.wait(0.0) == Woken()
