"""The balance in public form: both sides, by name and queue; what cannot be seen is null and said to be so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from celeriac.api import views
from celeriac.model.event import NATIVE
from celeriac.store import Batch, Store
from lab.books import fill_books, story
from lab.dashboard import NOW, event, look, marks


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store.open("sqlite://")
    yield opened
    opened.close()


def test_every_published_task_stands_in_one_term(store: Store) -> None:
    fill_books(store)
    shown = views.balance(store, NOW)
    assert (shown["published"], shown["unrecorded"], shown["holds"], shown["difference"]) == (101, 2, True, 0)
    assert sum(shown["terms"].values()) == 103
    assert (shown["terms"]["lost"], shown["terms"]["held"], shown["terms"]["unknown"]) == (2, 4, 1)


def test_the_equation_holds_for_each_name(store: Store) -> None:
    fill_books(store)
    names = views.balance(store, NOW)["names"]
    assert {one["name"] for one in names} == {"exports.csv", "mail.send"}
    assert all(one["holds"] and one["published"] + one["unrecorded"] == sum(one["terms"].values()) for one in names)


def test_what_the_broker_holds_beyond_the_record_is_said(store: Store) -> None:
    fill_books(store)
    shown = {one["queue"]: one for one in views.balance(store, NOW)["queues"]}
    assert (shown["celery"]["waiting"], shown["celery"]["ready"], shown["celery"]["unrecorded"]) == (20, 21, 1)


def test_from_outside_what_is_not_told_is_null_and_not_zero(store: Store) -> None:
    received = [event("task-received", f"t{index}", NOW - 9, name="mail.send", retries=0) for index in range(3)]
    store.record(Batch(NOW, tuple(received), look=look(NOW, 7), marks=marks(NOW)))
    shown = views.balance(store, NOW)
    assert (shown["published"], shown["holds"], shown["unrecorded"]) == (None, None, 3)
    assert {term for term, tasks in shown["terms"].items() if tasks is None} == {"waiting", "lost", "dead"}
    assert shown["queues"][0]["waiting"] is None
    assert [spot["what"] for spot in shown["blind_spots"]] == ["publishes", "dead letters"]


def test_before_anything_was_heard_every_figure_is_null(store: Store) -> None:
    shown = views.balance(store, NOW)
    assert {*shown["terms"].values(), shown["published"], shown["unrecorded"], shown["holds"]} == {None}


def test_a_replay_is_not_a_second_task(store: Store) -> None:
    store.record(Batch(NOW, (*story("t1", "failed", NOW - 90), *story("t1", "succeeded", NOW - 40)), marks=marks(NOW)))
    shown = views.balance(store, NOW)
    assert (shown["published"], shown["terms"]["succeeded"], shown["terms"]["failed"], shown["holds"]) == (
        1,
        1,
        0,
        True,
    )


def test_a_publish_that_was_refused_is_no_published_task(store: Store) -> None:
    refused = event("task-unpublished", "t1", NOW - 3, name="mail.send", queue="celery", exception="OSError()")
    store.record(Batch(NOW, (refused,), marks=marks(NOW)))
    assert sum(tasks or 0 for tasks in views.balance(store, NOW)["terms"].values()) == 0


def test_a_publish_heard_after_its_end_moves_the_task_to_the_published(store: Store) -> None:
    late, *rest = story("t1", "succeeded", NOW - 90)
    store.record(Batch(NOW - 5, tuple(rest), marks=marks(NOW - 5)))
    assert views.balance(store, NOW - 5)["unrecorded"] == 1
    store.record(Batch(NOW, (late,), marks=marks(NOW)))
    shown = views.balance(store, NOW)
    assert (shown["published"], shown["unrecorded"], shown["holds"]) == (1, 0, True)
    assert late.source != NATIVE
