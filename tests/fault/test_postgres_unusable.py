"""A PostgreSQL that cannot be used, or not now: one clear line, in time, without a secret."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection

from celeriac.errors import SchemaVersionError, StoreError, StoreUnavailableError
from celeriac.store import Batch, Store
from lab.lifecycle import life
from lab.port import free_port
from lab.postgres import PostgresServer
from lab.server import celeriac
from lab.store_writer import task_ids

pytestmark = pytest.mark.postgres
SECRET = "hunter2"
LOCK = "SELECT pg_advisory_xact_lock(1667591273, hashtext('public'))"


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    name = postgres.create()
    yield name
    postgres.drop(name)


def _tables(server: PostgresServer, database: str) -> list[str]:
    found = server.ask("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1", database)
    return [name for (name,) in found]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (f"postgresql://lab:{SECRET}@127.0.0.1:{{port}}/nowhere", 'database "nowhere" does not exist. Create the'),
        (f"postgresql://nobody:{SECRET}@127.0.0.1:{{port}}/postgres", 'role "nobody" does not exist. Create the user'),
        (f"postgresql://lab:{SECRET}@127.0.0.1:{{free}}/postgres", "Connection refused. Check that PostgreSQL runs"),
        (f"postgresql://lab:{SECRET}@nowhere.invalid/postgres", "failed to resolve host"),
        (f"postgresql://lab@127.0.0.1:{{port}}/postgres?sslmode=require&password={SECRET}", "does not support SSL"),
    ],
    ids=["database", "user", "port", "host", "tls"],
)
def test_what_cannot_be_reached_is_said_and_may_be_tried_again(
    postgres: PostgresServer, address: str, says: str
) -> None:
    with pytest.raises(StoreUnavailableError, match="cannot be reached") as refused:
        Store.open(address.format(port=postgres.port, free=free_port()))

    message = str(refused.value)
    assert says in message
    assert "\n" not in message
    assert SECRET not in message


@pytest.mark.parametrize(
    ("query", "says"),
    [("?nonsense=1", "invalid connection option"), ("?options=-csearch_path%3Dnone", "has no schema to be in")],
)
def test_an_address_that_asks_for_what_is_not_there_is_refused(postgres: PostgresServer, query: str, says: str) -> None:
    with pytest.raises(StoreError, match=says) as refused:
        Store.open(postgres.url() + query)
    assert not refused.value.retryable


def test_tables_of_another_are_left_as_they_are_and_a_schema_beside_them_is_a_store(
    postgres: PostgresServer, database: str
) -> None:
    postgres.ask("CREATE TABLE tasks (invoice int)", database)
    postgres.ask("CREATE SCHEMA celeriac", database)
    with pytest.raises(StoreError, match="its schema public holds tasks of another") as refused:
        Store.open(postgres.url(database))
    assert "search_path" in refused.value.hint
    assert _tables(postgres, database) == ["tasks"]

    store = Store.open(postgres.url(database) + "?options=-csearch_path%3Dceleriac")
    try:
        assert store.record(Batch(now=1.0, events=life("t", 1.0))).fresh == 4
    finally:
        store.close()
    assert _tables(postgres, database) == ["tasks"]


def test_other_tables_in_the_same_schema_are_no_harm(postgres: PostgresServer, database: str) -> None:
    postgres.ask("CREATE TABLE invoices (n int)", database)
    Store.open(postgres.url(database)).close()
    assert {"invoices", "tasks"} <= set(_tables(postgres, database))


def test_a_store_from_a_newer_version_is_refused(postgres: PostgresServer, database: str) -> None:
    Store.open(postgres.url(database)).close()
    postgres.ask("UPDATE celeriac_version SET version_num = '9999'", database)
    with pytest.raises(SchemaVersionError, match=r"newer version of Celeriac \(schema 9999"):
        Store.open(postgres.url(database))


def test_a_database_in_another_encoding_is_refused(postgres: PostgresServer) -> None:
    name = f"latin_{uuid.uuid4().hex[:8]}"
    postgres.ask(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        with pytest.raises(StoreError, match=r"is encoded in LATIN1\. Use one in UTF8"):
            Store.open(postgres.url(name))
    finally:
        postgres.drop(name)


def test_a_user_who_may_not_create_tables_is_told_what_to_grant(postgres: PostgresServer, database: str) -> None:
    user = f"low_{uuid.uuid4().hex[:8]}"
    postgres.ask(f"CREATE ROLE {user} LOGIN")
    try:
        with pytest.raises(StoreError, match=r"permission denied for schema public\. GRANT CREATE"):
            Store.open(f"postgresql://{user}@127.0.0.1:{postgres.port}/{database}")
    finally:
        postgres.ask(f"DROP ROLE {user}")


def test_rights_on_the_tables_are_enough_where_another_user_upgrades(postgres: PostgresServer, database: str) -> None:
    Store.open(postgres.url(database)).close()
    user = f"low_{uuid.uuid4().hex[:8]}"
    postgres.ask(f"CREATE ROLE {user} LOGIN")
    postgres.ask(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}", database)
    postgres.ask(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {user}", database)
    store = Store.open(f"postgresql://{user}@127.0.0.1:{postgres.port}/{database}")
    try:
        assert store.record(Batch(now=1.0, events=life("t", 1.0))).fresh == 4
        assert store.prune(1e9) > 0
    finally:
        store.close()
    postgres.ask(f"DROP OWNED BY {user}", database)
    postgres.ask(f"DROP ROLE {user}")


def test_of_two_hosts_the_one_that_can_be_written_is_taken(postgres: PostgresServer, database: str) -> None:
    hosts = f"host=127.0.0.1:{free_port()}&host=127.0.0.1:{postgres.port}&target_session_attrs=read-write"
    store = Store.open(f"postgresql://lab@/{database}?{hosts}")
    try:
        assert store.record(Batch(now=1.0, events=life("t", 1.0))).fresh == 4
        assert store.place.endswith(f"{postgres.port}/{database}")
    finally:
        store.close()


def test_a_replica_is_named_as_such_and_what_was_to_be_written_may_be_tried_again(
    postgres: PostgresServer, database: str
) -> None:
    Store.open(postgres.url(database)).close()
    postgres.ask(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    store = Store.open(postgres.url(database))
    try:
        with pytest.raises(StoreUnavailableError, match="is read-only"):
            store.record(Batch(now=1.0, events=life("t", 1.0)))
    finally:
        store.close()


def test_a_statement_that_takes_too_long_is_ended(postgres: PostgresServer, database: str) -> None:
    store = Store.open(postgres.url(database) + "?options=-cstatement_timeout%3D200ms")
    try:
        with pytest.raises(StoreUnavailableError, match="did not answer in time"):
            store._read(lambda connection: connection.exec_driver_sql("SELECT pg_sleep(20)"))
        assert store.task_counts() == {}
    finally:
        store.close()


def test_a_store_that_another_process_writes_is_unavailable_in_time_and_then_works(
    postgres: PostgresServer, database: str
) -> None:
    store = Store.open(postgres.url(database), busy_timeout=0.2)
    other = psycopg.connect(postgres.url(database))
    try:
        other.execute(LOCK)
        with pytest.raises(StoreUnavailableError, match="locked by another process"):
            store.record(Batch(now=1.0, events=life("t", 1.0)))
        assert store.task_counts() == {}, "reading goes on"
        other.rollback()
        assert store.record(Batch(now=1.0, events=life("t", 1.0))).fresh == 4
    finally:
        other.close()
        store.close()


def test_a_process_stopped_while_it_writes_keeps_the_others_out_for_a_bounded_time(
    postgres: PostgresServer, database: str
) -> None:
    quick = postgres.url(database) + "?options=-cidle_in_transaction_session_timeout%3D500ms"
    held = threading.Event()
    stopped, other = Store.open(quick), Store.open(postgres.url(database))
    failed: list[BaseException] = []

    def hold(_: Connection) -> None:
        held.set()
        threading.Event().wait(2.0)

    def write() -> None:
        try:
            stopped._write(hold)
        except StoreUnavailableError as error:
            failed.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        held.wait(10)
        assert other.record(Batch(now=1.0, events=life("t", 1.0))).fresh == 4
        thread.join(10)
        assert [type(one) for one in failed] == [StoreUnavailableError]
        assert stopped.record(Batch(now=1.0, events=life("t", 1.0))).repeated == 4
    finally:
        thread.join(10)
        stopped.close()
        other.close()


def test_without_its_driver_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from celeriac.store import Store; from celeriac.errors import StoreError\n"
        "try: Store.open('postgresql://127.0.0.1/db')\n"
        "except StoreError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "a PostgreSQL store needs psycopg. Run: pip install 'celeriac[postgres]'\n"


def test_two_writers_and_one_killed_lose_nothing_that_was_committed(postgres: PostgresServer, database: str) -> None:
    url = postgres.url(database)
    Store.open(url).close()
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "lab.store_writer", url, first], stdout=subprocess.PIPE, text=True, env=environment
        )
        for first in ("0", "100000")
    ]
    said: list[list[int]] = []
    for writer in writers:
        assert writer.stdout is not None
        said.append([int(writer.stdout.readline()) for _ in range(5)])
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
        assert writer.stdout is not None
        said.append([int(line) for line in writer.stdout if line.endswith("\n")])
        writer.stdout.close()
        writer.wait(10)

    store = Store.open(url)
    try:
        committed = {name for numbers in said for number in numbers for name in task_ids(number)}
        assert store.find_task_ids(sorted(committed)).keys() == committed
        assert sum(store.task_counts().values()) % len(task_ids(0)) == 0, "half a batch was committed"
        assert store.balance()[0].published == store.task_counts()["succeeded"]
    finally:
        store.close()


def test_a_server_killed_and_started_again_is_found_by_the_next_read_and_write() -> None:
    with PostgresServer() as server:
        store = Store.open(server.url())
        try:
            store.record(Batch(now=1.0, events=life("t", 1.0)))
            assert store.task_counts() == {"succeeded": 1}
            server.kill()
            with pytest.raises(StoreUnavailableError, match="cannot be reached"):
                store.record(Batch(now=2.0, events=life("u", 2.0)))
            with pytest.raises(StoreUnavailableError, match="cannot be reached"):
                store.task_counts()
            server.start()
            assert store.task_counts() == {"succeeded": 1}
            assert store.record(Batch(now=2.0, events=life("u", 2.0))).fresh == 4
            server.stop()
            server.start()
            assert store.record(Batch(now=3.0, events=life("v", 3.0))).fresh == 4
            assert store.task_counts() == {"succeeded": 3}
        finally:
            store.close()


def test_db_check_and_upgrade_say_what_is_there(postgres: PostgresServer, database: str, tmp_path: Path) -> None:
    for url in (postgres.url(database), f"sqlite:///{tmp_path / 'store.db'}"):
        before = celeriac("db", "check", "--store", url, "--json")
        assert (before.code, before.json["schema"]) == (1, None)
        done = celeriac("db", "upgrade", "--store", url, "--json")
        assert (done.code, done.json["before"], done.json["schema"]) == (0, None, done.json["needed"])
        after = celeriac("db", "check", env={"CELERIAC_STORE__URL": url})
        assert (after.code, after.err) == (0, "")
        assert "as this version needs it" in after.out
    secret = f"postgresql://lab:{SECRET}@127.0.0.1:{free_port()}/x"
    away = celeriac("db", "check", env={"CELERIAC_STORE__URL": secret})
    assert (away.code, away.out) == (3, "")
    assert away.err.count("\n") == 1
    assert SECRET not in away.err


def test_a_read_sees_one_moment_and_cannot_write(postgres: PostgresServer, database: str) -> None:
    store = Store.open(postgres.url(database))

    def twice(connection: Connection) -> tuple[object, object]:
        before = connection.exec_driver_sql("SELECT count(*) FROM tasks").scalar()
        store.record(Batch(now=1.0, events=life("t", 1.0)))
        return before, connection.exec_driver_sql("SELECT count(*) FROM tasks").scalar()

    try:
        assert store._read(twice) == (0, 0)
        with pytest.raises(StoreUnavailableError, match="is read-only"):
            store._read(lambda connection: connection.exec_driver_sql("DELETE FROM tasks"))
        assert store.task_counts() == {"succeeded": 1}
    finally:
        store.close()
