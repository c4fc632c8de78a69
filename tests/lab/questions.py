"""What code asks of a database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event


def questions(connection: Connection, ask: Callable[[Connection], object]) -> list[tuple[str, Any]]:
    """The reading statements of what `ask` does, with their values."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Connection, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    event.listen(connection, "before_cursor_execute", note)
    ask(connection)
    event.remove(connection, "before_cursor_execute", note)
    return [(one, values) for one, values in asked if one.startswith("SELECT")]


def explained(connection: Connection, ask: Callable[[Connection], object]) -> list[str]:
    """How PostgreSQL would answer each of them."""
    return [
        "\n".join(connection.exec_driver_sql(f"EXPLAIN {one}", values).scalars())
        for one, values in questions(connection, ask)
    ]
