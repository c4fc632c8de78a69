"""A message set aside for good, with all that is known of why: it waits for somebody's decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from celeriac.model.event import NOTHING

NEW = "new"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`id` is the same however often it comes. `at` is Unix seconds when it was set aside; `state` new, and what later
    becomes of it. `body` holds the exact message (`payload`), `deaths` (each an encoded Fatality) and `retries`."""

    id: str
    task_id: str | None
    name: str | None
    queue: str | None
    cause: str
    at: float
    state: str = NEW
    body: Mapping[str, object] = field(default_factory=lambda: NOTHING)
