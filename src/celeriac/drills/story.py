"""What has happened in a demo so far, and how it is summed up at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SHOWN_IDS = 3


@dataclass(frozen=True, slots=True)
class Story:
    """Moments in Unix seconds, None while they have not come.

    `incident` is as the API showed it last, `outage` as it was just before the worker came back.
    """

    began: float
    died_at: float | None = None
    detected_at: float | None = None
    restarted_at: float | None = None
    drained_at: float | None = None
    resolved_at: float | None = None
    most_waiting: int = 0
    incident: Mapping[str, Any] | None = None
    outage: Mapping[str, Any] | None = None

    def between(self, start: str, end: str) -> float | None:
        """Seconds from one moment to another, None unless both came."""
        first, last = getattr(self, start), getattr(self, end)
        return None if first is None or last is None else last - first

    @property
    def complete(self) -> bool:
        """True when the fault was seen, mended, and its incident resolved."""
        return None not in (self.detected_at, self.drained_at, self.resolved_at)


def closing(story: Story) -> Iterator[tuple[str, str]]:
    """The summary, as (label, text) rows."""
    incident, outage = story.incident or {}, story.outage or {}
    state = incident.get("state", "never opened")
    yield "incident", f"{incident.get('kind', 'none')} · {incident.get('cause', 'unknown')} · {state}"
    yield "detected", _after(story.between("died_at", "detected_at"), "after the kill")
    yield "lost", _ids(incident, "lost")
    yield "held", _ids(outage, "held")
    drained = _after(story.between("restarted_at", "drained_at"), "after the restart")
    yield "queue", f"{story.most_waiting} waiting at worst; drained {drained}"
    yield "resolved", _after(story.between("restarted_at", "resolved_at"), "after the restart")


def _after(seconds: float | None, what: str) -> str:
    return "not seen" if seconds is None else f"{seconds:.1f} s {what}"


def _ids(incident: Mapping[str, Any], role: str) -> str:
    impact = incident.get("impact") or {}
    ids, count = impact.get(role), impact.get(f"{role}_count")
    if count is None:
        return "unknown"
    if not count:
        return "none"
    shown = ", ".join((ids or [])[:SHOWN_IDS])
    return f"{count}: {shown}{', …' if count > SHOWN_IDS else ''}" if shown else str(count)
