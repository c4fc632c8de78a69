"""Leases with fences, the audit, and acts that are settled with both in one transaction."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from celeriac.errors import NotFoundError
from celeriac.model.event import RECOVERY, Event
from celeriac.store import Entry, Store

NOW = 1_700_000_000.0


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store.open("sqlite://")
    yield opened
    opened.close()


def test_one_holds_a_lease_at_a_time_and_each_new_holder_has_a_greater_fence(store: Store) -> None:
    first = store.lease("recover", "a", NOW, 10)
    assert first is not None
    assert store.lease("recover", "b", NOW + 5, 10) is None
    assert store.lease("recover", "a", NOW + 9, 10) == first
    second = store.lease("recover", "b", NOW + 19.5, 10)
    assert second is not None and second > first
    assert store.lease("recover", "a", NOW + 20, 10) is None
    store.release("recover", "a")
    assert store.lease("recover", "a", NOW + 20, 10) is None
    store.release("recover", "b")
    third = store.lease("recover", "a", NOW + 20, 10)
    assert third is not None and third > second


def test_a_fence_grows_when_the_clock_goes_back_and_from_one_store_to_the_next(store: Store) -> None:
    first = store.lease("recover", "a", NOW, 10)
    store.release("recover", "a")
    second = store.lease("recover", "b", NOW - 3600, 10)
    assert first is not None and second is not None and second > first
    other = Store.open("sqlite://")
    try:
        later = other.lease("recover", "c", NOW + 1, 10)
    finally:
        other.close()
    assert later is not None and later > first


def test_an_act_is_settled_with_its_audit_and_its_events_once(store: Store) -> None:
    request = store.request("restore", "[]", "ann", NOW)
    entries = [Entry(NOW, "ann", "restore", f"task-{number}", "restored") for number in range(3)]
    told = [Event("e1", "task-queued", NOW, NOW, RECOVERY, task_id="task-1")]
    store.acted(request, "{}", entries, told, NOW)
    with pytest.raises(NotFoundError):
        store.acted(request, "{}", entries, told, NOW)
    asked = store.asked(request)
    assert asked is not None and (asked.outcome, asked.settled_at) == ("{}", NOW)
    assert [one.subject for one in store.audit().items] == ["task-2", "task-1", "task-0"]
    assert store.audit("task-1").items == (entries[1],)
    first = store.audit(limit=2)
    assert [one.subject for one in store.audit(after=first.next, limit=2).items] == ["task-0"]
    task = store.task("task-1")
    assert task is not None and task.state.value == "queued"


def test_requests_are_paged_newest_first(store: Store) -> None:
    ids = [store.request("rescue", "{}", "ann", NOW + number) for number in range(3)]
    first = store.requests("rescue", limit=2)
    rest = store.requests("rescue", after=first.next, limit=2)
    assert [one.id for one in (*first.items, *rest.items)] == ids[::-1]
    assert rest.next is None
    assert store.asked("none") is None
