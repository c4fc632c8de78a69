"""Writing and reading rows: insert-or-replace, and lookups by many keys, in the dialect at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

CHUNK = 500
"""Keys per lookup; SQLite allows 32,766 values in one statement, planning one grows with them."""
_INSERTS: Mapping[str, Callable[[Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def put(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`; one with the same primary key is replaced."""
    if rows:
        connection.execute(_upsert(table, connection.dialect.name), rows)


def add(connection: Connection, counters: Table, moves: Iterable[Mapping[str, Any]]) -> None:
    """Add to the `tasks` of `counters` what each of `moves` says; a counter that is not there begins at 0."""
    moved = [move for move in moves if move["tasks"]]
    if moved:
        connection.execute(_addition(counters, connection.dialect.name), moved)


def find(
    connection: Connection, query: Select[Any], column: ColumnElement[Any], keys: Sequence[object]
) -> Iterator[Row[Any]]:
    """The rows of `query` whose `column` is one of `keys`, in any order."""
    for start in range(0, len(keys), CHUNK):
        yield from connection.execute(query.where(column.in_(keys[start : start + CHUNK])))


@cache
def _addition(counters: Table, dialect: str) -> Insert:
    statement = _INSERTS[dialect](counters)
    keys = [column.name for column in counters.primary_key]
    total = {"tasks": counters.c.tasks + statement.excluded.tasks}
    added: Insert = statement.on_conflict_do_update(index_elements=keys, set_=total)
    return added


@cache
def _upsert(table: Table, dialect: str) -> Insert:
    statement = _INSERTS[dialect](table)
    keys = [column.name for column in table.primary_key]
    values = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    replaced: Insert = statement.on_conflict_do_update(index_elements=keys, set_=values)
    return replaced
