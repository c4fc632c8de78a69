"""The migrations make exactly the schema that the code uses, and two processes may start on one file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from celeriac.store import Store
from celeriac.store.schema import VERSION_TABLE, metadata


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
