"""PostgreSQL: tables of ours in the current schema of a database that may be shared, by several servers too.

Whoever writes takes one advisory lock first, and so they write one after the other as with SQLite: a fold reads rows
and writes them back. Read committed, for only then does a statement see what was committed while it waited.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from sqlalchemy import URL, Connection, Engine, bindparam, create_engine, event, text
from sqlalchemy.pool import QueuePool

from celeriac.errors import StoreError
from celeriac.store.engines import READERS, Engines
from celeriac.store.faults import translated
from celeriac.store.nul import INSTEAD, NUL
from celeriac.store.schema import VERSION_TABLE, metadata

PATIENCE = 30
"""Seconds for one statement, and for a transaction whose process does nothing: one that was stopped must not keep the
others from writing."""
_CONNECTION = {
    "application_name": "celeriac",
    "client_encoding": "utf8",
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
"""libpq's own parameters (postgresql.org/docs/current/libpq-connect.html); the URL's query may say otherwise."""
_SESSION = {
    "statement_timeout": f"{PATIENCE}s",
    "idle_in_transaction_session_timeout": f"{PATIENCE}s",
    "timezone": "UTC",
    "jit": "off",
}
_POOL: Mapping[str, Any] = {"poolclass": QueuePool, "max_overflow": 0, "pool_pre_ping": True}
"""A connection is tried before it is used: the server may have been started anew."""
_LOCK = "SELECT pg_advisory_xact_lock(1667591273, hashtext(current_schema()))"
"""The number is ours alone by chance: "cele" in ASCII. A database may hold a store in each schema."""
_NAMES = (*metadata.tables, *(index.name for table in metadata.tables.values() for index in table.indexes))
_OURS = text(
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname IN :names"
).bindparams(bindparam("names", [VERSION_TABLE, *_NAMES], expanding=True))


def engines(url: URL, busy_timeout: float) -> Engines:
    """The engines for `url`. Nothing is written; raises StoreError when there is no place for a store."""
    if find_spec("psycopg") is None:
        raise StoreError("a PostgreSQL store needs psycopg", hint="Run: pip install 'celeriac[postgres]'")
    place = _place(url)
    with translated(place):
        reader = _reader(url, busy_timeout)
        try:
            with reader.begin() as connection:
                empty = _look(connection, place)
        except BaseException:
            reader.dispose()
            raise
        return Engines(place, empty, _writer(url, busy_timeout), reader)


def _place(url: URL) -> str:
    """Where the store is: a query may hold a password too."""
    host = url.host or url.query.get("host") or "localhost"
    port = f":{url.port}" if url.port else ""
    return f"postgresql://{host if isinstance(host, str) else ','.join(host)}{port}/{url.database or ''}"


def _look(connection: Connection, place: str) -> bool:
    """Look before the first write, so that what is not ours stays as it is; true when nothing of ours is there."""
    schema, encoding = connection.exec_driver_sql("SELECT current_schema(), current_setting('server_encoding')").one()
    if schema is None:
        raise StoreError(f"the store {place} has no schema to be in", hint="Create the one that its search_path names")
    if encoding != "UTF8":
        raise StoreError(
            f"the database {place} is encoded in {encoding}",
            hint="Use one in UTF8: CREATE DATABASE celeriac ENCODING 'UTF8' TEMPLATE template0",
        )
    found = set(connection.scalars(_OURS))
    if found and VERSION_TABLE not in found:
        raise StoreError(
            f"{place} is not a Celeriac store: its schema {schema} holds {', '.join(sorted(found)[:3])} of another",
            hint="Give Celeriac a database of its own, or a schema: add ?options=-csearch_path%3DNAME to the address",
        )
    return not found


def _writer(url: URL, busy_timeout: float) -> Engine:
    address = _prepared(url, {"lock_timeout": f"{int(busy_timeout * 1000)}ms"})
    engine = create_engine(address, isolation_level="READ COMMITTED", pool_size=1, **_POOL)

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(_LOCK)

    event.listen(engine, "connect", _opened)
    event.listen(engine, "begin", begun)
    return engine


def _reader(url: URL, busy_timeout: float) -> Engine:
    engine = create_engine(
        _prepared(url, {}), isolation_level="REPEATABLE READ", pool_size=READERS, pool_timeout=busy_timeout, **_POOL
    )

    def opened(connection: Any, record: object) -> None:
        _opened(connection, record)
        connection.read_only = True

    event.listen(engine, "connect", opened)
    return engine


def _opened(connection: Any, _record: object) -> None:
    """No row holds NUL (store/nul.py), and the driver would refuse to ask for one."""
    from psycopg.types.string import StrDumperUnknown

    class Text(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace(NUL, INSTEAD))

    connection.adapters.register_dumper(str, Text)


def _prepared(url: URL, session: Mapping[str, str]) -> URL:
    """The address with what we want of a connection; what it says itself comes last, and so it wins."""
    wanted = " ".join(f"-c {name}={value}" for name, value in {**_SESSION, **session}.items())
    own = url.query.get("options", "")
    options = f"{wanted} {own if isinstance(own, str) else ' '.join(own)}".rstrip()
    return url.set(drivername="postgresql+psycopg", query={**_CONNECTION, **url.query, "options": options})
