"""The migrations make exactly the schema that the code uses, and two processes may start on one file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from celeriac.store import Store, migrate
from celeriac.store.schema import VERSION_TABLE, metadata

SENT, STARTED = '[1.0,0,"sent","gen1@web",9,0,""]', '[2.0,3,"started","celery@web",7,-1,""]'


def test_the_migrated_schema_is_the_one_the_code_names(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    Store.open(url).close()
    engine = create_engine(url, poolclass=NullPool)

    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


def test_opening_again_keeps_what_is_there_and_needs_no_migration(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    store = Store.open(url)
    name = store.request("acknowledge", "i1", "ada", 1.0)
    store.close()

    again = Store.open(url, migrate=False)
    try:
        assert [one.id for one in again.open_requests("acknowledge")] == [name]
    finally:
        again.close()


def test_processes_that_start_at_once_on_a_new_file_all_succeed(tmp_path: Path) -> None:
    code = (
        "import sys; from celeriac.store import Store\n"
        "store = Store.open(sys.argv[1])\n"
        "for n in range(20): store.request('ask', sys.argv[2], str(n), 1.0)\n"
        "store.close()"
    )
    url = f"sqlite:///{tmp_path / 'store.db'}"
    writers = [
        subprocess.Popen([sys.executable, "-c", code, url, str(number)], stderr=subprocess.PIPE, env=os.environ)
        for number in range(4)
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert (writer.returncode, errors) == (0, b"")

    store = Store.open(url)
    try:
        assert len(store.open_requests("ask")) == 80
    finally:
        store.close()


def test_two_stores_in_memory_are_two(tmp_path: Path) -> None:
    one, other = Store.open("sqlite://"), Store.open("sqlite://")
    try:
        one.request("ask", "x", "ada", 1.0)
        assert other.open_requests("ask") == ()
    finally:
        one.close()
        other.close()


def test_a_store_of_the_first_version_is_brought_up_with_all_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO tasks (id, name, state, updated_at, rest) VALUES ('t', 'lab.add', 'started', 2.0, ?)",
            (f"[[{SENT},{STARTED}],false,null,null,null,null,null]",),
        )
        connection.exec_driver_sql(
            "INSERT INTO workers VALUES ('celery@web', 7, 2.0, ?)",
            ('{"node":"celery@web","pid":7,"first_seen":1.0,"heartbeat_seen":2.0,"heartbeat_at":2.0}',),
        )

    store = Store.open(f"sqlite:///{path}")
    try:
        task = store.task("t")
        assert task is not None and [mark.what for mark in task.marks] == ["sent", "started"]
        assert task.last is not None and (task.last.child, task.last.peak_rss) == (None, None)
        (worker,) = store.workers()
        assert (worker.recorded_at, worker.room) == (None, None)
        assert store.find_task_ids(["t"])["t"].peak_rss is None
        assert store.memory() == ()
    finally:
        store.close()
