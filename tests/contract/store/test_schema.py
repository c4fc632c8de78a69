"""The migrations make exactly the schema that the code uses, and two processes may start on one file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from celeriac.model.ledger import Term
from celeriac.store import Store, migrate
from celeriac.store.schema import VERSION_TABLE, metadata
from lab.postgres import PostgresServer

SENT, STARTED = '[1.0,0,"sent","gen1@web",9,0,""]', '[2.0,3,"started","celery@web",7,-1,""]'


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a store can be made, and none is yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create()
    yield server.url(name).replace(":", "+psycopg:", 1)
    server.drop(name)


def test_the_migrated_schema_is_the_one_the_code_names(url: str) -> None:
    Store.open(url).close()
    engine = create_engine(url, poolclass=NullPool)

    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


def test_opening_again_keeps_what_is_there_and_needs_no_migration(url: str) -> None:
    store = Store.open(url)
    name = store.request("acknowledge", "i1", "ada", 1.0)
    store.close()

    again = Store.open(url, migrate=False)
    try:
        assert [one.id for one in again.open_requests("acknowledge")] == [name]
    finally:
        again.close()


def test_processes_that_start_at_once_on_a_new_store_all_succeed(url: str) -> None:
    code = (
        "import sys; from celeriac.store import Store\n"
        "store = Store.open(sys.argv[1])\n"
        "for n in range(20): store.request('ask', sys.argv[2], str(n), 1.0)\n"
        "store.close()"
    )
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


def test_a_store_of_the_first_version_is_brought_up_with_all_it_holds(url: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO tasks (id, name, state, updated_at, rest) VALUES ('t', 'lab.add', 'started', 2.0, :rest)"
            ),
            {"rest": f"[[{SENT},{STARTED}],false,null,null,null,null,null]"},
        )
        connection.execute(
            text("INSERT INTO workers VALUES ('celery@web', 7, 2.0, :body)"),
            {"body": '{"node":"celery@web","pid":7,"first_seen":1.0,"heartbeat_seen":2.0,"heartbeat_at":2.0}'},
        )

    assert Store.schema(url) == migrate.Schema(Store.schema(url).place, "0001")
    store = Store.open(url)
    try:
        task = store.task("t")
        assert task is not None and [mark.what for mark in task.marks] == ["sent", "started"]
        assert task.last is not None and (task.last.child, task.last.peak_rss) == (None, None)
        (worker,) = store.workers()
        assert (worker.recorded_at, worker.room) == (None, None)
        assert store.find_task_ids(["t"])["t"].peak_rss is None
        assert store.memory() == ()
        assert (store.balance()[0].terms[Term.RUNNING], Store.schema(url).current) == (1, True)
    finally:
        store.close()


def test_postgres_compares_every_text_byte_by_byte(postgres: PostgresServer, migrated: str) -> None:
    other = postgres.ask(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND table_name <> 'celeriac_version' AND data_type IN ('character varying', 'text')"
        " AND collation_name IS DISTINCT FROM 'C'",
        migrated,
    )
    assert other == []
