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
    or the producer's origin, "" when unknown; `retries` is -1 when the event does not carry it.
    """

    at: float
    step: int
    what: str
    worker: str = ""
    pid: int = 0
    retries: int = -1
    detail: str = ""


def unite(left: Iterable[Mark], right: Iterable[Mark]) -> tuple[tuple[Mark, ...], bool]:
    """The union of both sets in order, cut to the earliest and latest; true when something was cut.

    Cutting keeps the fold associative and idempotent: the ends of a union are the ends of the ends' union.
    """
    marks = sorted({*left, *right})
    if len(marks) <= EARLIEST + LATEST:
        return tuple(marks), False
    return (*marks[:EARLIEST], *marks[-LATEST:]), True
