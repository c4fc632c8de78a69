"""Finding tasks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, select

from celeriac.errors import QueryError
from celeriac.model.event import Event
from celeriac.model.ledger import Declaration, Term
from celeriac.model.task import fold_all
from celeriac.store import Batch, Store, TaskQuery, TaskRow, search
from celeriac.store.conditions import filters, plan
from celeriac.store.query import Bound, Condition, fits
from celeriac.store.schema import metadata, tasks
from celeriac.store.search import NEWEST
from lab.lifecycle import event, life
from lab.questions import explained


def _tell(store: Store, *told: tuple[Event, ...]) -> None:
    store.record(Batch(now=1000.0, events=tuple(one for events in told for one in events)))


def _found(store: Store, query: TaskQuery, *, limit: int = 50) -> list[str]:
    """Every id on every page."""
    page = store.tasks(query, limit=limit)
    ids = [row.id for row in page.items]
    while page.next is not None:
        page = store.tasks(query, after=page.next, limit=limit)
        ids += [row.id for row in page.items]
    return ids


def test_a_task_comes_back_as_the_fold_of_its_events(store: Store) -> None:
    told = (*life("t", 1.0, end="failed"), event("task-received", 3.0, task_id="t", data={"retries": 1, "eta": "soon"}))
    _tell(store, told)

    assert store.task("t") == fold_all("t", told)
    assert store.task("nobody") is None


def test_a_row_shows_the_newest_attempt_and_the_reason(store: Store) -> None:
    _tell(store, life("t", 1.0, end="failed"))

    assert store.find_task_ids(["t", "nobody", "t"]) == {
        "t": TaskRow(
            id="t",
            name="lab.add",
            state="failed",
            queue="celery",
            worker="celery@lab",
            pid=7,
            published_at=1.0,
            received_at=1.1,
            started_at=1.2,
            ended_at=1.3,
            updated_at=1.3,
            runtime=None,
            retries=0,
            reason="OSError('no')",
            term="failed",
            error="OSError",
        )
    }


def test_more_ids_than_one_statement_takes_are_found(store: Store) -> None:
    _tell(store, life("t", 1.0))

    assert list(store.find_task_ids([f"no{number}" for number in range(1_200)] + ["t"])) == ["t"]


def test_pages_go_through_every_task_once_newest_first(store: Store) -> None:
    _tell(store, *(life(f"t{number:02}", float(number // 3)) for number in range(25)))

    ids = _found(store, TaskQuery(), limit=4)

    assert ids == sorted(ids, key=lambda one: (int(one[1:]) // 3, one), reverse=True)
    assert len(ids) == 25


def test_a_page_stays_where_it_was_while_new_tasks_come(store: Store) -> None:
    _tell(store, *(life(f"t{number}", float(number)) for number in range(4)))
    first = store.tasks(TaskQuery(), limit=2)
    _tell(store, life("new", 50.0))

    assert [row.id for row in store.tasks(TaskQuery(), after=first.next, limit=2).items] == ["t1", "t0"]


KEPT = {"retries": 0, "key": "order-1", "kwargs": "{'user_id': 42, 'user': {'id': 7, 'name': 'ann'}}"}
AGAIN = (("received", 11.0), ("started", 11.1))
"""A second delivery of what succeeded before."""


def _fits(*conditions: Condition | Bound, since: float | None = None, until: float | None = None) -> TaskQuery:
    return TaskQuery(conditions, since, until, at=100.0)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (fits("term", "failed"), {"b"}),
        (fits("term", "failed", "waiting"), {"b"}),
        (fits("term", "held"), set()),
        (fits("name", "shop.export"), {"a", "b"}),
        (fits("name", "shop.*"), {"a", "b", "c"}),
        (fits("name", "*.add", "shop.pay"), {"c", "d"}),
        (fits("name", "shop_*"), set()),
        (_fits(Condition("name", ("shop.*",)), Condition("name", ("*export",), True)), {"c"}),
        (_fits(Condition("name", ("shop.export",)), Condition("term", ("running", "failed"))), {"a", "b"}),
        (fits("worker", "celery@two"), {"c"}),
        (_fits(Condition("worker", ("celery@two",), True)), {"a", "b", "d"}),
        (fits("queue", "celery"), {"a", "b", "c", "d"}),
        (fits("error", "OSError"), {"b"}),
        (fits("id", "c"), {"c"}),
        (fits("key", "order-1"), {"d"}),
        (fits("text", "EXPORT"), {"a", "b"}),
        (fits("text", "(1, 2)"), {"a", "b", "c", "d"}),
        (fits("text", "%"), set()),
        (_fits(since=20.0, until=31.0), {"b", "c"}),
        (_fits(Condition("text", ("export",)), since=20.0), {"b"}),
        (_fits(Condition("args", ("42",), path=("user_id",))), {"d"}),
        (_fits(Condition("args", ("4",), path=("user_id",))), set()),
        (_fits(Condition("args", ("ann",), path=("user", "name"))), {"d"}),
        (fits("args", "user_id"), {"d"}),
        (_fits(Bound("age", ">", 65.0)), {"a", "b", "c"}),
        (_fits(Bound("age", ">", 65.0, True)), {"d"}),
        (_fits(Bound("wait", "<", 1.0)), {"b", "c", "d"}),
        (_fits(Bound("runtime", ">=", 1.0)), set()),
        (fits("has", "error"), {"b"}),
        (fits("has", "duplicate", "redelivery"), {"a"}),
        (_fits(Condition("has", ("redelivery",), True)), {"b", "c", "d"}),
        (fits("has", "retry"), set()),
    ],
)
def test_a_query_finds_what_it_says(store: Store, query: TaskQuery, expected: set[str]) -> None:
    _tell(
        store,
        life("a", 10.0, name="shop.export"),
        life("b", 20.0, name="shop.export", end="failed"),
        life("c", 30.0, name="shop.pay", worker="celery@two"),
        life("d", 40.0, name="lab.add"),
        (replace(life("d", 40.0)[1], id="d-1", data=KEPT),),
        tuple(event(f"task-{kind}", at, task_id="a", data={"retries": 0}) for kind, at in AGAIN),
    )

    assert set(_found(store, query)) == expected


def test_a_search_no_index_serves_looks_at_its_share_and_hands_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SCAN", 10)
    _tell(store, *(life(f"t{number:02}", float(number)) for number in range(35)), life("needle", 0.5))

    page = store.tasks(fits("text", "needle"))

    assert page.items == ()
    assert page.next is not None
    assert _found(store, fits("text", "needle")) == ["needle"]
    assert len(_found(store, fits("text", "t"), limit=3)) == 35


def test_a_cursor_made_by_somebody_else_is_refused(store: Store) -> None:
    for foreign in ("x", "!!", "WzFd", "bnVsbA"):
        with pytest.raises(QueryError, match="cursor"):
            store.tasks(TaskQuery(), after=foreign)


def test_counts_follow_tasks_from_state_to_state(store: Store) -> None:
    sent, received, started, ended = life("t", 1.0)
    counts = []
    for one in (sent, received, started, ended):
        store.record(Batch(now=2.0, events=(one,)))
        counts.append(store.task_counts())

    assert counts == [{"published": 1}, {"reserved": 1}, {"started": 1}, {"succeeded": 1}]


def test_starts_are_read_from_event_rows_by_worker_life(store: Store) -> None:
    _tell(store, life("a", 1.0), life("b", 3.0), life("c", 2.0, worker="celery@two"))

    assert store.starts("celery@lab", 7, 0.0) == (1.2, 3.2)
    assert store.starts("celery@lab", 7, 1.2) == (3.2,)
    assert store.starts("celery@lab", 8, 0.0) == ()


def test_a_pasted_id_leads_to_its_task_however_old(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SCAN", 3)
    pasted = "7c9d31f0-5f0f-4e0f-9d57-0d5d3a5f7c9d"
    _tell(store, life(pasted, 0.5), *(life(f"t{number:02}", float(number)) for number in range(10)))

    assert [row.id for row in store.tasks(fits("text", pasted)).items] == [pasted]


def test_a_task_that_two_branches_lead_to_stands_once(store: Store) -> None:
    _tell(store, life("t", 1.0)[:1])
    store.declare([Declaration("t", Term.HELD, "", "until noon", 1.0)], 1000.0)

    assert _found(store, fits("term", "held", "waiting")) == ["t"]
    assert _found(store, fits("term", "waiting")) == []
    assert store.tasks(fits("term", "held")).items[0].because == "until noon"


def test_tasks_of_one_instant_come_in_the_order_of_their_bytes(store: Store) -> None:
    ids = ["a", "B", "_", "-", "1", "é", "e", "aa", "A-b", "ab", "\N{GRINNING FACE}", "\uffee"]
    _tell(store, *(life(one, 1.0) for one in ids))

    assert _found(store, TaskQuery(), limit=5) == sorted(ids, reverse=True)


indexed = pytest.mark.parametrize(
    ("query", "index"),
    [
        (TaskQuery(), "tasks_updated"),
        (fits("text", "x"), "tasks_updated"),
        (fits("term", "failed"), "tasks_state"),
        (fits("term", "waiting", "lost"), "tasks_state"),
        (fits("term", "unknown"), "tasks_open"),
        (fits("name", "shop.pay"), "tasks_name"),
        (_fits(Condition("name", ("shop.pay",)), Condition("term", ("running",))), "tasks_name"),
        (fits("error", "OSError"), "tasks_error"),
        (fits("key", "order-1"), "tasks_key"),
        (fits("has", "duplicate"), "tasks_doubled"),
        (fits("id", "t"), "sqlite_autoindex_tasks_1"),
    ],
)


@indexed
def test_what_an_index_leads_to_is_not_scanned_for(tmp_path: Path, query: TaskQuery, index: str) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/plan.db")
    metadata.create_all(engine)
    plans: list[str] = []
    with engine.begin() as connection:
        for branch in plan(query).branches:
            wanted = select(tasks.c.name).where(*branch, *filters(query)).order_by(*NEWEST).limit(51)
            shown = wanted.compile(engine, compile_kwargs={"literal_binds": True})
            plans += [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {shown}")]
    engine.dispose()

    assert [one for one in plans if "tasks" in one]
    assert all(index in one for one in plans if "tasks" in one), plans


@indexed
def test_postgres_is_led_by_an_index_too(
    history: Engine, query: TaskQuery, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SCAN", 1_000)
    with history.connect() as connection:
        plans = explained(connection, lambda one: search.search(one, query, None, 50))

    assert plans
    assert [one for one in plans if "Seq Scan" in one or "Index" not in one] == [], index
