"""What is no store, or none we may use: one clear line, at once, and the file stays as it was."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from celeriac.errors import SchemaVersionError, StoreError, StoreUnavailableError
from celeriac.store import Batch, Store, TaskQuery
from lab.lifecycle import life
from lab.need import need, need_root


def _store(path: Path) -> None:
    """A store with history at `path`."""
    store = Store.open(f"sqlite:///{path}")
    for number in range(50):
        store.record(Batch(now=100.0, events=life(f"t{number}", float(number))))
    store.close()


def _text(path: Path) -> None:
    path.write_text("this is my shopping list, and no database\n" * 100)


def _halved(path: Path) -> None:
    _store(path)
    os.truncate(path, path.stat().st_size // 2)


def _scribbled(path: Path) -> None:
    _store(path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(16 * 4096))


def _foreign(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE invoices (id INTEGER); INSERT INTO invoices VALUES (1);")
    connection.close()


@pytest.mark.parametrize("make", [_text, _halved, _scribbled, _foreign])
def test_a_file_that_is_no_store_is_refused_and_left_as_it_is(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "store.db"
    make(path)
    before = path.read_bytes()

    with pytest.raises(StoreError) as refused:
        Store.open(f"sqlite:///{path}")

    message = str(refused.value)
    assert f"{path} is not a Celeriac store: " in message
    assert message.endswith("Move it away or choose another with --store")
    assert "\n" not in message
    assert path.read_bytes() == before


def test_damage_that_shows_only_later_is_one_clear_line_too(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    _store(path)
    store = Store.open(f"sqlite:///{path}")
    try:
        store.tasks(TaskQuery())
        with path.open("r+b") as file:
            file.seek(0)
            file.write(b"\xff" * path.stat().st_size)
        with pytest.raises(StoreError) as refused:
            for _ in range(3):
                store.record(Batch(now=200.0, events=life("more", 150.0)))
                store.timeline("t1")
        assert "\n" not in str(refused.value)
    finally:
        store.close()


def test_a_store_from_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    _store(path)
    connection = sqlite3.connect(path)
    connection.executescript("UPDATE celeriac_version SET version_num = '9999';")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(SchemaVersionError, match=r"written by a newer version of Celeriac \(schema 9999"):
        Store.open(f"sqlite:///{path}")

    assert path.read_bytes() == before


def test_an_empty_file_without_migration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaVersionError, match="celeriac db upgrade"):
        Store.open(f"sqlite:///{tmp_path / 'store.db'}", migrate=False)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:///{folder}/none/store.db", "does not exist"),
        ("sqlite:///{folder}", "is a directory"),
        ("sqlite:////proc/store.db", "cannot be"),
        ("mysql://host/db", "not supported"),
        ("nonsense", "no URL"),
    ],
)
def test_a_place_that_cannot_be_used_is_named(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as refused:
        Store.open(url.format(folder=tmp_path))

    assert "\n" not in str(refused.value)


def test_a_read_only_file_system_is_named(tmp_path: Path) -> None:
    need_root("mounting a read-only file system")
    code = (
        "import sys; from celeriac.store import Store; from celeriac.errors import StoreError\n"
        "try: Store.open(sys.argv[1])\n"
        "except StoreError as error: print(error)"
    )
    mount = f'mount -t tmpfs -o ro tmpfs {tmp_path} && exec "$0" -c "$1" sqlite:///{tmp_path}/store.db'

    done = subprocess.run(
        [need("unshare"), "--mount", "sh", "-c", mount, sys.executable, code],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "cannot be written" in done.stdout
    assert done.stdout.count("\n") == 1


def test_a_store_that_another_process_holds_is_unavailable_in_time_and_then_works(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = Store.open(f"sqlite:///{path}", busy_timeout=0.2)
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="locked by another process"):
            store.record(Batch(now=1.0, events=life("t", 1.0)))
        assert store.task_counts() == {}, "reading goes on"
        other.execute("ROLLBACK")
        assert store.record(Batch(now=1.0, events=life("t", 1.0))).fresh == 4
    finally:
        other.close()
        store.close()


def test_a_closed_store_refuses_work_and_leaves_no_thread(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    store.close()
    store.close()

    with pytest.raises(StoreError, match="is closed"):
        store.record(Batch(now=1.0))
    assert not [thread for thread in threading.enumerate() if thread.name == "celeriac-writer"]
    assert [one.name for one in tmp_path.iterdir()] == ["store.db"]
