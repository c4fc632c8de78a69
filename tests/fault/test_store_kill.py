"""kill -9 of the writing process at any instant: what was committed stays, and the next process goes on."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from random import Random

import pytest

from celeriac.store import Batch, Store
from lab.lifecycle import life
from lab.store_writer import batch, task_ids

pytestmark = pytest.mark.timeout(300)

ROUNDS = 20
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}


def _killed_after(url: str, first: int, committed: int, seconds: float) -> int:
    """Let a writer commit some batches and `seconds` more, and kill it; the last batch it said was committed."""
    with subprocess.Popen(
        [sys.executable, "-m", "lab.store_writer", url, str(first)], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as writer:
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(committed)]
        killer = threading.Timer(seconds, writer.kill)
        killer.start()
        said += [int(line) for line in writer.stdout if line.endswith("\n")]
        killer.join()
    return said[-1]


def _check(path: Path) -> None:
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        connection.close()


def test_nothing_committed_is_lost_and_history_goes_on(tmp_path: Path) -> None:
    random = Random()
    path = tmp_path / "store.db"
    url = f"sqlite:///{path}"
    last = -1
    for _ in range(ROUNDS):
        last = _killed_after(url, last + 1, random.randint(1, 4), random.uniform(0.0, 0.05))
        _check(path)
        store = Store.open(url)
        try:
            committed = [name for number in range(last + 1) for name in task_ids(number)]
            found = store.find_task_ids(committed)
            assert len(found) == len(committed)
            assert {row.state for row in found.values()} == {"succeeded"}
            assert store.watermark() >= 1_000.0 + last
            assert sum(store.task_counts().values()) % len(task_ids(0)) == 0, "half a batch was committed"
            assert store.record(batch(last)).fresh == 0
        finally:
            store.close()


def test_a_killed_writer_leaves_the_store_free_for_others(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    _killed_after(url, 0, 1, 0.0)

    store = Store.open(url, busy_timeout=0.5)
    try:
        assert store.record(Batch(now=9_999.0, events=life("next", 9_999.0))).fresh == 4
    finally:
        store.close()
