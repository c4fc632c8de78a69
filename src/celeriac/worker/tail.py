"""The newest items of a process, kept a second time where they outlive it: what a SIGKILL keeps from being shipped."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from celeriac.model.parcel import Item

SLOTS = 1024
"""Items that are kept: of a tenth of a second, and of some seconds more, at any rate a worker reaches."""
_NUMBER = struct.Struct("<Q")
_BODY = struct.Struct("<dBBhIB103s")
"""When, kind, flags, retries (-1 not told), pool child (0 none), length of the id, the id."""
SLOT = _NUMBER.size + _BODY.size
RING = SLOT * SLOTS
_LONGEST_ID = 103
_LARGEST_RETRIES = 2**15 - 1
UNTOLD = "untold"
"""A kind that no reader knows: it counts as told, and says nothing."""
_KINDS = (
    UNTOLD,
    "task-sent",
    "task-received",
    "task-started",
    "task-succeeded",
    "task-failed",
    "task-retried",
    "task-rejected",
    "task-revoked",
    "task-cancelled",
    "task-unpublished",
    "task-ignored",
    "task-lost",
)
"""By their number in a slot: add at the end. Facts and heartbeats are not kept."""
_INDEX = {kind: index for index, kind in enumerate(_KINDS)}
_FLAGS = {("requeue", True): 1, ("expired", True): 2, ("terminated", True): 4, ("acknowledged", True): 8} | {
    ("acknowledged", False): 16
}


def write(view: memoryview, number: int, item: Item) -> None:
    """Keep `item` in the ring that `view` is. The number goes last: half an item is none.

    What does not fit a slot is kept as untold.
    """
    place = number % SLOTS * SLOT
    data, task_id = item.data, (item.task_id or "").encode("utf-8", "replace")
    kind = _INDEX.get(item.kind, 0) if len(task_id) <= _LONGEST_ID else 0
    flags = sum(bit for (name, said), bit in _FLAGS.items() if data.get(name) is said) if kind else 0
    retries, child = (data.get("retries"), data.get("child")) if kind else (None, None)
    _BODY.pack_into(
        view,
        place + _NUMBER.size,
        item.at,
        kind,
        flags,
        min(retries, _LARGEST_RETRIES) if isinstance(retries, int) else -1,
        child if isinstance(child, int) else 0,
        len(task_id) if kind else 0,
        task_id if kind else b"",
    )
    _NUMBER.pack_into(view, place, number)


def read(ring: bytes, last: int) -> tuple[int, list[list[Any]]]:
    """The items up to number `last` that are there without a hole, on the wire's form (model/parcel.py), and the
    number of the first."""
    found = list(_backwards(ring, last))
    return last - len(found) + 1, found[::-1]


def _backwards(ring: bytes, last: int) -> Iterator[list[Any]]:
    for number in range(last, max(0, last - SLOTS), -1):
        place = number % SLOTS * SLOT
        if len(ring) < RING or _NUMBER.unpack_from(ring, place)[0] != number:
            return
        at, kind, flags, retries, child, length, text = _BODY.unpack_from(ring, place + _NUMBER.size)
        name = _KINDS[kind] if kind < len(_KINDS) else UNTOLD
        data: dict[str, Any] = {flag: said for (flag, said), bit in _FLAGS.items() if flags & bit}
        data |= {"retries": retries} if retries >= 0 else {}
        data |= {"child": child} if child else {}
        yield [name, at, text[:length].decode("utf-8", "replace") or None, data]
