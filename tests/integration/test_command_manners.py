"""How the command behaves at its edges: nothing to do, a search that cannot be read, Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from celeriac.model.event import Event
from celeriac.model.source import SourceMark
from celeriac.store import Batch, Store
from lab.redis import RedisServer
from lab.server import Server, celeriac
from lab.wait import wait_until

pytestmark = pytest.mark.redis


def test_without_a_command_the_help_is_shown_as_help() -> None:
    shown = celeriac()
    assert shown.code == 2
    assert "  diagnose   " in shown.err and len(shown.err.splitlines()) > 15


def test_a_search_that_cannot_be_read_is_wrong_usage() -> None:
    with RedisServer() as redis, Server(redis.url) as server:
        asked = celeriac("tasks", "colour:red", "--store", server.store)
        assert (asked.code, asked.out, len(asked.err.splitlines())) == (2, "", 1)


def test_a_task_whose_fate_cannot_be_told_is_no_success(tmp_path: Path) -> None:
    url, now = f"sqlite:///{tmp_path / 'celeriac.db'}", time.time()
    store = Store.open(url)
    started = Event("e", "task-started", now - 400, now - 400, "native", "unheard@lab", 7, "t1")
    store.record(Batch(now, events=(started,), marks=(SourceMark("events", now),)))
    store.close()
    asked = celeriac("task", "t1", "--store", url, "--json")
    assert (asked.code, asked.json["verdict"]) == (3, "unknown")


def test_ctrl_c_in_the_middle_of_a_look_ends_it_without_a_word(tmp_path: Path) -> None:
    with (
        RedisServer() as redis,
        subprocess.Popen(
            [sys.executable, "-m", "celeriac", "diagnose", "--broker", redis.url, "--for", "60"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        ) as looking,
    ):  # fmt: skip
        client = redis.client()
        wait_until(lambda: any(one["name"] == "celeriac" for one in client.client_list()), 30, why="it to look")
        looking.send_signal(signal.SIGINT)
        out, err = looking.communicate(timeout=20)
        assert (looking.returncode, out, err.strip()) == (130, "", "")
        assert not any(tmp_path.iterdir())
