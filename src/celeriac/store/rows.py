"""Writing and reading rows: insert-or-replace, and lookups by many keys, in the dialect at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, Row, Select, Table, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from celeriac.store.codec import pack_rows

CHUNK = 500
"""Keys per lookup; SQLite allows 32,766 values in one statement, planning one grows with them."""
STATEMENTS = 128
"""Compiled statements that are kept: each store has some twenty."""
_Write = Callable[[Table, Sequence[str], Any], Insert]
_INSERTS: Mapping[str, Callable[[Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def append(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, all of the same columns."""
    if rows:
        _send(connection, table, rows, _insertion)


def put(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, all of the same columns; one with the same primary key is replaced."""
    keys = [column.name for column in table.primary_key]
    newest = {tuple([row[key] for key in keys]): row for row in rows}
    if newest:
        _send(connection, table, list(newest.values()), _replacement)


def add(connection: Connection, counters: Table, moves: Iterable[Mapping[str, Any]]) -> None:
    """Add to the `tasks` of `counters` what each of `moves` says; a counter that is not there begins at 0."""
    moved = [move for move in moves if move["tasks"]]
    if moved:
        _send(connection, counters, moved, _addition)


def find(
    connection: Connection, query: Select[Any], column: ColumnElement[Any], keys: Sequence[object]
) -> Iterator[Row[Any]]:
    """The rows of `query` whose `column` is one of `keys`, in any order."""
    for start in range(0, len(keys), CHUNK):
        yield from connection.execute(query.where(column.in_(keys[start : start + CHUNK]))).all()


def _send(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], write: _Write) -> None:
    """Hand `rows` to the driver as they are. SQLAlchemy would walk each value of each row, and rows come by the
    thousand; of PostgreSQL's driver that holds too, so there they are one value, which the server takes apart."""
    columns = tuple(column.name for column in table.columns if column.name in rows[0])
    statement = _compiled(table, columns, connection.dialect, write)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(statement, {"rows": pack_rows(rows)})
    else:
        connection.exec_driver_sql(statement, [tuple([row[column] for column in columns]) for row in rows])


@lru_cache(STATEMENTS)
def _compiled(table: Table, columns: tuple[str, ...], dialect: Dialect, write: _Write) -> str:
    insertion = _INSERTS[dialect.name](table)
    if dialect.name == "postgresql":
        insertion = insertion.from_select(columns, _incoming(table, columns))
    return str(write(table, columns, insertion).compile(dialect=dialect, column_keys=columns))


def _incoming(table: Table, columns: Sequence[str]) -> Select[Any]:
    """The rows in the parameter `rows`, each a JSON object, with the types of `table`."""
    names = ", ".join(f'"{column}"' for column in columns)
    return select(text(f"{names} FROM json_populate_recordset(NULL::{table.name}, CAST(:rows AS json))"))


def _insertion(_table: Table, _columns: Sequence[str], statement: Any) -> Insert:
    inserted: Insert = statement
    return inserted


def _replacement(table: Table, columns: Sequence[str], statement: Any) -> Insert:
    keys = [column.name for column in table.primary_key]
    values = {name: statement.excluded[name] for name in columns if name not in keys}
    replaced: Insert = statement.on_conflict_do_update(index_elements=keys, set_=values)
    return replaced


def _addition(counters: Table, _columns: Sequence[str], statement: Any) -> Insert:
    keys = [column.name for column in counters.primary_key]
    total = {"tasks": counters.c.tasks + statement.excluded.tasks}
    added: Insert = statement.on_conflict_do_update(index_elements=keys, set_=total)
    return added
