"""The ledger drawn as a flow: a band for what was published, and one for each term it went into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HEIGHT = 420.0
"""Of the drawing; it is 880 wide."""
BAR = 14.0
LEFT, RIGHT = 150.0, 560.0
GAP = 9.0
LEAST = 3.0
"""Pixels of the thinnest band: one task among a million must still be seen."""
LABEL = 17.0
"""Pixels that a label needs for itself."""
_TONES = {
    "succeeded": "good",
    "waiting": "calm",
    "scheduled": "calm",
    "reserved": "moving",
    "running": "moving",
    "retrying": "warn",
    "held": "warn",
    "unknown": "warn",
    "failed": "bad",
    "lost": "bad",
    "dead": "bad",
}


@dataclass(frozen=True, slots=True)
class Band:
    """One term: its tone, its share, the ribbon that leads to it as an SVG path, its bar and its label's place."""

    term: str
    tasks: int
    tone: str
    path: str
    top: float
    height: float
    middle: float


@dataclass(frozen=True, slots=True)
class Flow:
    """The whole drawing in a box of 880 by HEIGHT, and what it says in words."""

    bands: tuple[Band, ...]
    top: float
    height: float
    says: str


def flow(terms: Mapping[str, Any]) -> Flow | None:
    """The flow into those `terms` that have tasks; None when there are none."""
    counted = {term: int(tasks) for term, tasks in terms.items() if tasks}
    total = sum(counted.values())
    if not total:
        return None
    room = HEIGHT - (GAP + LABEL) * len(counted)
    heights = {term: max(LEAST, tasks / total * room) for term, tasks in counted.items()}
    slots = {term: max(height, LABEL) for term, height in heights.items()}
    source, sink = sum(heights.values()), sum(slots.values()) + GAP * (len(slots) - 1)
    left, right, bands = (HEIGHT - source) / 2, (HEIGHT - sink) / 2, []
    for term, tasks in counted.items():
        height, slot = heights[term], slots[term]
        top = right + (slot - height) / 2
        path = _ribbon(left, top, height)
        bands.append(Band(term, tasks, _TONES.get(term, "calm"), path, top, height, top + height / 2))
        left, right = left + height, right + slot + GAP
    said = ", ".join(f"{tasks:,} {term}" for term, tasks in counted.items())
    return Flow(tuple(bands), (HEIGHT - source) / 2, source, f"{total:,} tasks: {said}")


def _ribbon(left: float, right: float, height: float) -> str:
    """From the source's bar at `left` to the term's at `right` (tops), as one closed curve."""
    start, end = LEFT + BAR, RIGHT
    bend = (start + end) / 2
    return (
        f"M{start:.1f},{left:.1f} C{bend:.1f},{left:.1f} {bend:.1f},{right:.1f} {end:.1f},{right:.1f} "
        f"V{right + height:.1f} C{bend:.1f},{right + height:.1f} {bend:.1f},{left + height:.1f} "
        f"{start:.1f},{left + height:.1f} Z"
    )
