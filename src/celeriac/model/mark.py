"""A mark: the trace one event leaves on its task. A task's history is its set of marks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

EARLIEST = 32
LATEST = 96
"""How many marks a task keeps at either end; a poison loop must not grow a row for ever."""


class Mark(NamedTuple):
    """What happened when and where, in the order marks are read: by time, then by place in a life.

    `at` is Unix seconds on the sender's clock; `step` orders marks of one instant; `worker` is a node name
    or the producer's origin, "" when unknown; `retries` is -1 when the event does not carry it. `inside` is true when a
    recorder in the process told it; it alone knows `child`, the pid of the pool process, and `peak`, the most memory
    that one was seen with (bytes); both are 0 when unknown.
    """

    at: float
    step: int
    what: str
    worker: str = ""
    pid: int = 0
    retries: int = -1
    detail: str = ""
    inside: bool = False
    child: int = 0
    peak: int = 0


TWIN = 0.5
"""Seconds between one happening's two marks, when Celery's own event and the recorder inside both tell it."""


def heard_once(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """`marks` in order, without what a recorder inside the same process told as well.

    The record inside is numbered and whole, so an outside mark beside one of its kind adds nothing.
    """
    ordered = tuple(sorted(marks))
    inside = [mark for mark in ordered if mark.inside]
    if not inside or len(inside) == len(ordered):
        return ordered
    return tuple(mark for mark in ordered if mark.inside or not any(_twins(mark, one) for one in inside))


def _twins(left: Mark, right: Mark) -> bool:
    same = (left.what, left.worker, left.pid) == (right.what, right.worker, right.pid)
    return (
        same
        and abs(left.at - right.at) <= TWIN
        and (left.retries == right.retries or -1 in (left.retries, right.retries))
    )


def unite(left: Iterable[Mark], right: Iterable[Mark]) -> tuple[tuple[Mark, ...], bool]:
    """The union of both sets in order, cut to the earliest and latest; true when something was cut.

    Cutting keeps the fold associative and idempotent: the ends of a union are the ends of the ends' union.
    """
    marks = sorted({*left, *right})
    if len(marks) <= EARLIEST + LATEST:
        return tuple(marks), False
    return (*marks[:EARLIEST], *marks[-LATEST:]), True
