"""The buffer: bounded, numbered, and what is missing is counted."""

from __future__ import annotations

from celeriac.model.parcel import Item
from celeriac.worker.buffer import OVERHEAD, Buffer, Load


def item(name: str, **data: object) -> Item:
    return Item("task-sent", 1.0, name, data)


def taken(load: Load | None) -> tuple[int, list[str | None], int]:
    assert load is not None
    return load.first, [one.task_id for one in load.items], load.dropped


def test_items_are_numbered_from_one_without_a_hole() -> None:
    buffer = Buffer(10, 10**6)
    for name in "abc":
        buffer.add(item(name))
    assert taken(buffer.take(2, 10**6)) == (1, ["a", "b"], 0)
    buffer.add(item("d"))
    assert taken(buffer.take(9, 10**6)) == (3, ["c", "d"], 0)
    assert buffer.take(9, 10**6) is None
    assert (buffer.last, len(buffer)) == (4, 0)


def test_a_full_buffer_drops_the_oldest_and_counts_them() -> None:
    buffer = Buffer(2, 10**6)
    for name in "abcde":
        buffer.add(item(name))
    assert taken(buffer.take(9, 10**6)) == (4, ["d", "e"], 3)


def test_it_is_bounded_in_bytes_and_keeps_at_least_the_newest() -> None:
    buffer = Buffer(1000, 3 * OVERHEAD)
    for name in "abc":
        buffer.add(item(name, payload={"body": "x" * OVERHEAD}))
    assert taken(buffer.take(9, 10**6)) == (3, ["c"], 2)


def test_what_was_never_added_is_a_hole_before_what_waits() -> None:
    buffer = Buffer(10, 10**6)
    buffer.add(item("a"))
    buffer.miss(5)
    assert taken(buffer.take(9, 10**6)) == (6, ["a"], 5)


def test_a_load_is_bounded_in_bytes_and_never_empty() -> None:
    buffer = Buffer(10, 10**6)
    for name in "abc":
        buffer.add(item(name))
    assert taken(buffer.take(9, 1)) == (1, ["a"], 0)
    assert taken(buffer.take(9, 2 * OVERHEAD)) == (2, ["b", "c"], 0)
