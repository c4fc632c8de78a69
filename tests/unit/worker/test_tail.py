"""The ring of the newest items: what is read back is what was noted, and never half of it."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celeriac.model.evidence import Evidence
from celeriac.model.parcel import Item, left_behind, opened
from celeriac.worker.tail import RING, SLOT, SLOTS, UNTOLD, read, write


def ring(*items: Item, first: int = 1) -> bytearray:
    kept = bytearray(RING)
    with memoryview(kept) as view:
        for number, item in enumerate(items, first):
            write(view, number, item)
    return kept


def test_what_was_noted_is_read_back_with_what_a_fold_needs() -> None:
    items = (
        Item("task-received", 1.5, "t1", {"name": "mail.send", "retries": 2}),
        Item("task-started", 1.6, "t1", {"child": 4130, "retries": 2, "acknowledged": False}),
        Item("task-started", 1.6, "t2", {"acknowledged": True}),
        Item("task-rejected", 1.7, "t1", {"requeue": True, "retries": 2}),
        Item("task-revoked", 1.8, "t2", {"expired": True, "terminated": False}),
    )
    first, told = read(bytes(ring(*items)), 5)
    assert first == 1
    assert told == [
        ["task-received", 1.5, "t1", {"retries": 2}],
        ["task-started", 1.6, "t1", {"acknowledged": False, "retries": 2, "child": 4130}],
        ["task-started", 1.6, "t2", {"acknowledged": True}],
        ["task-rejected", 1.7, "t1", {"requeue": True, "retries": 2}],
        ["task-revoked", 1.8, "t2", {"expired": True}],
    ]


def test_facts_and_what_no_slot_takes_count_and_say_nothing() -> None:
    kept = ring(Item("evidence", 1.0, None, {"what": "pool-memory"}), Item("task-sent", 2.0, "x" * 200, {}))
    assert [item[0] for item in read(bytes(kept), 2)[1]] == [UNTOLD, UNTOLD]


def test_a_full_ring_keeps_the_newest() -> None:
    items = tuple(Item("task-succeeded", float(number), f"t{number}", {}) for number in range(1, SLOTS + 11))
    first, told = read(bytes(ring(*items)), SLOTS + 10)
    assert (first, len(told), told[0][2], told[-1][2]) == (11, SLOTS, "t11", f"t{SLOTS + 10}")


@given(st.integers(1, 30))
def test_an_item_that_was_half_written_ends_the_story_before_it(number: int) -> None:
    """The newest item's slot holds only its body, as after a kill between the two writes."""
    kept = ring(*(Item("task-started", 1.0, f"t{one}", {}) for one in range(1, number + 1)))
    struct.pack_into("<Q", kept, number % SLOTS * SLOT, 0)
    assert read(bytes(kept), number) == (number + 1, [])
    assert [item[2] for item in read(bytes(kept), number - 1)[1]] == [f"t{one}" for one in range(1, number)]


@given(st.binary(max_size=4096), st.integers(0, 2**63))
def test_junk_is_no_story(junk: bytes, last: int) -> None:
    assert read(junk, last)[1] == []


def test_the_tail_of_a_killed_recorder_is_the_parcel_it_could_not_send() -> None:
    tail = {"first": 8, "items": [["task-succeeded", 5.0, "t1", {"retries": 0}], [UNTOLD, 5.1, None, {}]]}
    data = {"boot": "b00t", "role": "worker", "last": 9, "tail": tail}
    found = Evidence("e", 7.0, "worker", "process-gone", "host", "gone", "", 4121, ("w@host",), data=data)
    parcel = left_behind(found, 7.5)
    assert parcel is not None
    assert (parcel.first, parcel.size, parcel.sender.boot, parcel.sender.node) == (8, 2, "b00t", "w@host")
    assert [(event.id, event.kind, event.task_id) for event in parcel.events] == [("b00t:8", "task-succeeded", "t1")]
    assert "tail" not in opened(found).data


@pytest.mark.parametrize("tail", [None, {}, {"first": 3, "items": []}, "junk"])
def test_a_box_without_items_leaves_no_parcel(tail: object) -> None:
    found = Evidence("e", 7.0, "worker", "process-gone", "host", "gone", "", 1, ("w@host",), data={"tail": tail})
    assert left_behind(found, 8.0) is None
