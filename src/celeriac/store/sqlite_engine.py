"""SQLite: a file in WAL, or a database in memory."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool, StaticPool

from celeriac.errors import StoreError
from celeriac.store.engines import READERS, Engines
from celeriac.store.faults import translated
from celeriac.store.schema import VERSION_TABLE
from celeriac.store.sqlite_faults import not_a_store

_DURABLE = (
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "wal_autocheckpoint = 8000",
    "journal_size_limit = 67108864",
    "cache_size = -32000",
)
"""A checkpoint every 32 MB of journal, not 4: keys are random, so the same pages come again and again. A journal that
grew behind a long read is cut back to 64 MB."""


def engines(url: URL, busy_timeout: float) -> Engines:
    """The engines for `url`. Nothing is written; raises StoreError when there is no place for a store."""
    if not url.database or url.database == ":memory:":
        return Engines("in memory", True, _writer(url, busy_timeout, durable=False), None)
    path = Path(url.database)
    empty = _look(path)
    return Engines(str(path), empty, _writer(url, busy_timeout, durable=True), _reader(url, busy_timeout))


def _look(path: Path) -> bool:
    """Look before the first write, so that what is not ours stays as it is; true when nothing is there."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise StoreError(
            f"there is no store at {path}: the directory {folder} does not exist",
            hint="Create it or choose another with --store",
        )
    if path.is_dir():
        raise StoreError(f"{path} is a directory, not a file", hint="Choose a file with --store")
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise StoreError(f"the store {path} cannot be written", hint="Check its permissions and its directory's")
    return not path.exists() or not path.stat().st_size or _has_no_tables(path)


def _has_no_tables(path: Path) -> bool:
    with translated(str(path)):
        looking = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            tables = {name for (name,) in looking.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            whole = looking.execute("PRAGMA quick_check(1)").fetchone()[0] if _small(path) else "ok"
        finally:
            looking.close()
    if whole != "ok":
        raise not_a_store(str(path), "the file is damaged")
    if tables and VERSION_TABLE not in tables:
        raise not_a_store(str(path), f"it holds other tables ({', '.join(sorted(tables)[:3])})")
    return not tables


def _small(path: Path) -> bool:
    """A whole check reads the whole file: 32 MB take about 0.1 s, a year of history would take minutes."""
    return path.stat().st_size <= 32 * 2**20


def _writer(url: URL, busy_timeout: float, *, durable: bool) -> Engine:
    engine = create_engine(url, poolclass=StaticPool, connect_args=_arguments(busy_timeout))
    pragmas = _DURABLE if durable else ()
    _prepare(engine, busy_timeout, "BEGIN IMMEDIATE", pragmas)
    return engine


def _reader(url: URL, busy_timeout: float) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=busy_timeout,
        connect_args=_arguments(busy_timeout),
    )
    _prepare(engine, busy_timeout, "BEGIN", ("query_only = ON",))
    return engine


def _arguments(busy_timeout: float) -> dict[str, object]:
    return {"check_same_thread": False, "timeout": busy_timeout, "isolation_level": None}


def _prepare(engine: Engine, busy_timeout: float, begin: str, pragmas: tuple[str, ...]) -> None:
    """The driver's own implicit BEGIN is off: it would start transactions late and never for reads."""

    def opened(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in (f"busy_timeout = {int(busy_timeout * 1000)}", *pragmas):
            connection.execute(f"PRAGMA {pragma}").close()

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", opened)
    event.listen(engine, "begin", begun)
