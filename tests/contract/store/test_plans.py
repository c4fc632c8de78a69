"""What the loops ask twice a second reads an index, and no more of it than is open: history may grow."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, Engine, create_engine

from celeriac.model.ledger import Declaration, Term
from celeriac.store import groups, ledger, search, tasks
from celeriac.store.schema import balance, metadata
from lab.questions import explained, questions

NOW = 10_000.0


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine: Engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as opened:
        yield opened
    engine.dispose()


def _plans(connection: Connection, ask: Callable[[Connection], object]) -> list[str]:
    """How SQLite reads the table of tasks for each question that `ask` puts."""
    steps = [
        row.detail
        for one, values in questions(connection, ask)
        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", values)
    ]
    return [step for step in steps if " tasks" in step]


def _suspects(connection: Connection) -> None:
    connection.execute(balance.insert().values(name="lab.add", queue="celery", account="waiting", tasks=1))
    ledger.suspects(connection, NOW, 100)


loops = pytest.mark.parametrize(
    ("ask", "indexes"),
    [
        (_suspects, {"tasks_open"}),
        (lambda c: ledger.due(c, NOW), {"tasks_scheduled"}),
        (
            lambda c: ledger.declare(c, [Declaration("t", Term.HELD, "", "", NOW)], NOW),
            {"tasks_open", "sqlite_autoindex_tasks_1"},
        ),
        (lambda c: groups.unended(c, NOW, 100), {"tasks_open"}),
        (lambda c: groups.open_groups(c, 100), {"COVERING INDEX tasks_open"}),
        (lambda c: groups.members(c, ["g"]), {"tasks_group"}),
        (lambda c: search.ahead(c, "celery", NOW), {"COVERING INDEX tasks_open"}),
        (lambda c: search.taken(c, "celery", NOW), {"tasks_updated (updated_at>?)"}),
        (
            lambda c: tasks.in_view(c, NOW, 100, ["t"]),
            {"tasks_open", "tasks_doubled", "tasks_state", "sqlite_autoindex_tasks_1"},
        ),
    ],
    ids=["suspects", "due", "declare", "unended", "open groups", "members", "ahead", "taken", "view"],
)


@loops
def test_a_question_of_the_loops_is_a_range_of_an_index(
    connection: Connection, ask: Callable[[Connection], object], indexes: set[str]
) -> None:
    plans = _plans(connection, ask)

    assert plans
    assert [one for one in plans if one.startswith("SCAN tasks")] == []
    assert [one for one in plans if not any(index in one for index in indexes)] == []
    assert all(any(index in plan for plan in plans) for index in indexes), plans


@loops
def test_postgres_reads_an_index_too(history: Engine, ask: Callable[[Connection], object], indexes: set[str]) -> None:
    with history.connect() as connection:
        plans = explained(connection, ask)
        connection.rollback()

    named = {one.replace("sqlite_autoindex_tasks_1", "tasks_pkey").split(" (")[0].split()[-1] for one in indexes}
    about_tasks = [plan for plan in plans if " on tasks" in plan or "tasks_" in plan]
    assert about_tasks
    assert [plan for plan in about_tasks if "Seq Scan on tasks" in plan] == []
    assert [plan for plan in about_tasks if not any(index in plan for index in named)] == []
