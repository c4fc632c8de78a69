"""The seam between a store and the database that holds it."""

from __future__ import annotations

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from celeriac.errors import StoreError
from celeriac.store import postgres_engine, sqlite_engine
from celeriac.store.engines import Engines

_KINDS = {
    "sqlite": sqlite_engine.engines,
    "sqlite+pysqlite": sqlite_engine.engines,
    "postgresql": postgres_engine.engines,
    "postgresql+psycopg": postgres_engine.engines,
}
_HINT = "Use sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"


def connect(url: str, busy_timeout: float) -> Engines:
    """The engines for `url`. Nothing is written; raises StoreError when there is no place for a store, and
    StoreUnavailableError when its server cannot be reached."""
    parsed = _parse(url)
    if parsed.drivername not in _KINDS:
        raise StoreError(f"{parsed.drivername} stores are not supported", hint=_HINT)
    return _KINDS[parsed.drivername](parsed, busy_timeout)


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StoreError("the store's address is no URL", hint=_HINT) from error
