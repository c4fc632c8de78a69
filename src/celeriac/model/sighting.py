"""Looking for tasks in the broker: what one search saw, and what a series of searches says of one task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Where = Literal["ready", "unacked", "dead-letter", "delayed"]
"""In which part of the broker a message stands."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message was seen. `position` counts from the one that goes next (1), None when that has no meaning."""

    where: Where
    queue: str | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for: task ids by the queue they were published to (None: not known which)."""

    ids: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Search:
    """What one search came to. A search may take several calls, each within its budget.

    `began` is Unix seconds of its first command. `found` is everything that was wanted and seen. `absent` are the ids
    that were wanted from its beginning and stand nowhere: every place where they could be was read, whole. `unsure`
    maps the others to the reason why they could not be looked for to the end. `done` is false while it goes on.
    """

    began: float
    done: bool
    found: Mapping[str, Place] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    unsure: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What all searches say of one task. Times are Unix seconds on our clock.

    `looked_at` is when the newest search that says something of it began, `seen_at` when one last saw it (`place`).
    `absences` counts the searches in a row that began later and saw it nowhere, `absent_since` is when the first of
    them began, `absent_at` when the last two did. `unsure` says why the newest could not tell, "" when it could.
    """

    task_id: str
    looked_at: float
    place: Place | None = None
    seen_at: float | None = None
    absences: int = 0
    absent_since: float | None = None
    unsure: str = ""
    absent_at: tuple[float, ...] = ()


def sighted(before: Sighting | None, task_id: str, search: Search) -> Sighting | None:
    """The sighting after `search`; `before` unchanged when that says nothing of the task, or is not newer."""
    if before is not None and search.began <= before.looked_at:
        return before
    known = before or Sighting(task_id, search.began)
    if task_id in search.found:
        return Sighting(task_id, search.began, search.found[task_id], search.began)
    if task_id in search.absent:
        since = search.began if known.absent_since is None else known.absent_since
        return replace(
            known,
            looked_at=search.began,
            absences=known.absences + 1,
            absent_since=since,
            absent_at=(*known.absent_at, search.began)[-2:],
            place=None,
            unsure="",
        )
    if task_id in search.unsure:
        return replace(known, looked_at=search.began, unsure=search.unsure[task_id])
    return before
