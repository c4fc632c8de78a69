"""A result backend in a database (celery/backends/database/models.py): one table, a row for each task; read-only.

The results themselves are pickles, and stay closed: how a task failed is read from its traceback. Chords have no count
here; Celery asks for their members' results again and again (celery/app/builtins.py, chord_unlock).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    DateTime,
    Engine,
    Select,
    cast,
    column,
    create_engine,
    inspect,
    make_url,
    select,
    table,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.sql.expression import ColumnElement

from celeriac.errors import BrokerError, BrokerUnavailableError, ConfigError, UnsupportedByBrokerError
from celeriac.model.outcome import ChordCount, Outcome
from celeriac.results.base import BackendHealth, Discovered, Outcomes

TABLE = "celery_taskmeta"
CHUNK = 500
"""Tasks asked about in one query, and rows of a page."""
_EXTENDED = ("worker", "name", "retries")
"""Columns that are there with `result_extended` alone."""
_RAISED = re.compile(r"^(?:[\w.]+\.)?(\w+)(?:: (.*))?$")


class DatabaseResults:
    """One thread's reader of the `celery_taskmeta` that the URL leads to."""

    def __init__(self, url: str, timeout: float) -> None:
        parsed = _parse(url)
        self._engine = _engine(_readable(parsed), timeout)
        self._is_postgres = self._engine.dialect.name == "postgresql"
        self.ping = (
            'psql RESULT_BACKEND_URL -c "SELECT 1"' if self._is_postgres else 'sqlite3 -readonly FILE "SELECT 1"'
        )
        self.label = parsed.set(query={}).render_as_string(hide_password=True)

    def health(self) -> BackendHealth:
        """Whether it would take a result now: it answers, and is no standby."""
        with self._reading() as connection:
            standby = self._is_postgres and connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar()
            connection.exec_driver_sql("SELECT 1")
        if standby:
            how = 'psql RESULT_BACKEND_URL -c "SELECT pg_is_in_recovery()"'
            return BackendHealth("read-only", "it is a standby, which takes no writes", how)
        return BackendHealth(None, "it answers", self.ping)

    def outcomes(self, ids: Sequence[str]) -> Outcomes:
        """What is stored of these tasks; nothing where no worker has made the table yet."""
        chunks = [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]
        found = [one for chunk in chunks for one in self._rows(column("task_id").in_(chunk))]
        return Outcomes(tuple(found))

    def started(self, pages: int) -> tuple[Outcome, ...]:
        """What is stored as STARTED among the newest rows of that many pages."""
        newest: Select[Any] = (
            select(column("id")).select_from(table(TABLE)).order_by(column("id").desc()).limit(pages * CHUNK)
        )
        return tuple(self._rows(column("status") == "STARTED", column("id").in_(newest.subquery().select())))

    def discover(self) -> Discovered:
        """No chord is counted here."""
        return Discovered(whole=True)

    def chords(self, groups: Sequence[str]) -> tuple[ChordCount, ...]:
        """No chord is counted here."""
        return ()

    def close(self) -> None:
        """Drop every connection."""
        self._engine.dispose()

    def _rows(self, *wanted: ColumnElement[bool]) -> list[Outcome]:
        with self._reading() as connection:
            names = {one["name"] for one in inspect(connection).get_columns(TABLE)} if _is_made(connection) else set()
            if not names:
                return []
            more: list[ColumnElement[Any]] = [column(name) for name in _EXTENDED if name in names]
            columns = (column("task_id"), column("status"), self._date(), column("traceback"), *more)
            rows = connection.execute(select(*columns).select_from(table(TABLE)).where(*wanted))
            return [_outcome(row) for row in rows.mappings()]

    def _date(self) -> ColumnElement[Any]:
        """A worker's UTC moment becomes its session's local time in PostgreSQL, whose sessions begin alike."""
        done = column("date_done", DateTime())
        return cast(done, DateTime(timezone=True)).label("date_done") if self._is_postgres else done

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except OperationalError as error:
            said = str(error.orig).strip().partition("\n")[0]
            cause = "auth" if "authentication" in said or "denied" in said else "down"
            raise BrokerUnavailableError(f"{self.label} cannot be reached: {said}", cause=cause) from error
        except SQLAlchemyError as error:
            raise BrokerError(f"{self.label} cannot be read: {type(error).__name__}") from error


def _is_made(connection: Connection) -> bool:
    return inspect(connection).has_table(TABLE)


def _outcome(row: Any) -> Outcome:
    done: datetime | None = row["date_done"]
    traceback: str | None = row["traceback"]
    return Outcome(
        task_id=row["task_id"],
        status=row["status"],
        at=None if done is None else (done if done.tzinfo else done.replace(tzinfo=UTC)).timestamp(),
        worker=row.get("worker"),
        name=row.get("name"),
        retries=row.get("retries"),
        error=_raised(traceback) if traceback and row["status"] != "SUCCESS" else None,
        traceback=traceback,
    )


def _raised(traceback: str) -> str | None:
    """`Type('message')` from the line after the last frame."""
    lines = traceback.strip().splitlines()
    frames = [place for place, line in enumerate(lines) if line.startswith("  ")]
    found = _RAISED.match(lines[frames[-1] + 1]) if frames and frames[-1] + 1 < len(lines) else None
    return None if found is None else f"{found[1]}({found[2]!r})" if found[2] else f"{found[1]}()"


def _parse(url: str) -> URL:
    try:
        return make_url(url.removeprefix("db+"))
    except (ArgumentError, ValueError) as error:
        raise ConfigError("the result backend's address is no URL", hint="Use db+postgresql://HOST/NAME") from error


def _readable(parsed: URL) -> URL:
    """By our own driver, and only to be read."""
    name = parsed.get_backend_name()
    if name == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if name == "sqlite" and parsed.database:
        file = Path(parsed.database).absolute().as_uri()
        return parsed.set(database=file, query={"mode": "ro", "uri": "true"})
    raise UnsupportedByBrokerError(
        f"result backends in {name} cannot be read", hint="Only PostgreSQL and files of SQLite can, beside Redis"
    )


def _engine(url: URL, timeout: float) -> Engine:
    """Neither waits for ever, nor writes."""
    options = f"-c statement_timeout={timeout * 1000:.0f} -c default_transaction_read_only=on"
    postgres = {"connect_timeout": max(2, round(timeout)), "options": options}
    arguments = postgres if url.get_backend_name() == "postgresql" else {"timeout": timeout}
    try:
        return create_engine(url, connect_args=arguments, pool_size=1, max_overflow=0, pool_pre_ping=True)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigError(
            f"{url.drivername} cannot be used: {error}", hint="pip install 'celeriac[postgres]'"
        ) from error
