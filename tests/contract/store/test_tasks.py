"""Finding tasks."""

from __future__ import annotations

import pytest

from celeriac.errors import QueryError
from celeriac.model.event import Event
from celeriac.model.task import fold_all
from celeriac.store import Batch, Store, TaskQuery, TaskRow, search
from lab.lifecycle import event, life


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


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (TaskQuery(state="failed"), {"b"}),
        (TaskQuery(name="shop.export"), {"a", "b"}),
        (TaskQuery(name="shop.*"), {"a", "b", "c"}),
        (TaskQuery(name="shop_*"), set()),
        (TaskQuery(name="shop.export", state="succeeded"), {"a"}),
        (TaskQuery(worker="celery@two"), {"c"}),
        (TaskQuery(queue="celery"), {"a", "b", "c", "d"}),
        (TaskQuery(text="EXPORT"), {"a", "b"}),
        (TaskQuery(text="(1, 2)"), {"a", "b", "c", "d"}),
        (TaskQuery(text="%"), set()),
        (TaskQuery(since=20.0, until=31.0), {"b", "c"}),
        (TaskQuery(text="export", since=20.0), {"b"}),
    ],
)
def test_a_query_finds_what_it_says(store: Store, query: TaskQuery, expected: set[str]) -> None:
    _tell(
        store,
        life("a", 10.0, name="shop.export"),
        life("b", 20.0, name="shop.export", end="failed"),
        life("c", 30.0, name="shop.pay", worker="celery@two"),
        life("d", 40.0, name="lab.add"),
    )

    assert set(_found(store, query)) == expected


def test_a_search_no_index_serves_looks_at_its_share_and_hands_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SCAN", 10)
    _tell(store, *(life(f"t{number:02}", float(number)) for number in range(35)), life("needle", 0.5))

    page = store.tasks(TaskQuery(text="needle"))

    assert page.items == ()
    assert page.next is not None
    assert _found(store, TaskQuery(text="needle")) == ["needle"]
    assert len(_found(store, TaskQuery(text="t"), limit=3)) == 35


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
