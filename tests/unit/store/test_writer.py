"""The one writing thread: order, errors, bounds, end."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import StaticPool

from celeriac.errors import StoreError, StoreUnavailableError
from celeriac.store import writer as writer_module
from celeriac.store.writer import Writer


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    yield made
    made.dispose()


@pytest.fixture
def writer(engine: Engine) -> Iterator[Writer]:
    made = Writer(engine, "here")
    yield made
    made.close()


def _add(connection: Connection) -> int:
    connection.execute(text("CREATE TABLE IF NOT EXISTS numbers (n INTEGER)"))
    connection.execute(text("INSERT INTO numbers VALUES (1)"))
    return int(connection.execute(text("SELECT count(*) FROM numbers")).scalar_one())


def test_the_result_comes_back_and_work_runs_on_the_one_thread(writer: Writer) -> None:
    assert [writer.submit(_add) for _ in range(3)] == [1, 2, 3]
    assert writer.submit(lambda _: threading.current_thread().name) == "celeriac-writer"


def test_work_that_raises_is_undone_and_the_next_runs(writer: Writer) -> None:
    def fail(connection: Connection) -> None:
        _add(connection)
        raise LookupError("half-way")

    writer.submit(_add)
    with pytest.raises(LookupError, match="half-way"):
        writer.submit(fail)

    assert writer.submit(_add) == 2


def test_what_the_driver_raises_is_translated(writer: Writer) -> None:
    with pytest.raises(StoreError, match=r"the store here cannot do this: no such table: absent$"):
        writer.submit(lambda connection: connection.execute(text("SELECT * FROM absent")))


def test_a_writer_that_hangs_does_not_hang_its_callers(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(engine, "here")
    release, ran = threading.Event(), threading.Event()
    blocked = threading.Thread(target=writer.submit, args=(lambda _: release.wait(20),))
    blocked.start()
    monkeypatch.setattr(writer_module, "PATIENCE", 0.05)

    with pytest.raises(StoreUnavailableError, match="did not answer in time"):
        writer.submit(lambda _: ran.set())

    release.set()
    blocked.join()
    writer.close()
    assert not ran.is_set(), "work whose caller was told that it failed must not run later"


def test_close_finishes_what_was_submitted_first(engine: Engine) -> None:
    writer = Writer(engine, "here")
    results: list[int] = []
    callers = [threading.Thread(target=lambda: results.append(writer.submit(_add))) for _ in range(10)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    writer.close()

    assert sorted(results) == list(range(1, 11))
    with pytest.raises(StoreError, match="the store here is closed"):
        writer.submit(_add)
