"""How a process's memory went up at the end of its life, from its curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from celeriac.detectors import prose

Point = tuple[float, float]
FOOT = 0.05
"""The climb begins at the last point within this share of the way up from the lowest."""
LEAST = 1 << 20
"""Bytes under which a rise is no climb."""


@dataclass(frozen=True, slots=True)
class Climb:
    """From `low` to `high` bytes within `seconds`."""

    low: float
    high: float
    seconds: float

    def words(self, limit: float | None) -> str:
        """`grew 60 MB/s from 180 MB to 498 of 512 MB in 5.3 s`."""
        rate = prose.size((self.high - self.low) / self.seconds)
        top = prose.size(self.high) if limit is None else _up_to(self.high, limit)
        return f"grew {rate}/s from {prose.size(self.low)} to {top} in {self.seconds:.1f} s"


def climb(points: Sequence[Point]) -> Climb | None:
    """The last climb of a curve of (seconds, bytes); None for one that is flat or too short to tell."""
    if len(points) < 2:
        return None
    top = max(range(len(points)), key=lambda index: (points[index][1], index))
    low = min((size for _, size in points[: top + 1]))
    high = points[top][1]
    foot = max(index for index in range(top + 1) if points[index][1] <= low + FOOT * (high - low))
    seconds = points[top][0] - points[foot][0]
    if high - low < LEAST or seconds <= 0:
        return None
    return Climb(points[foot][1], high, seconds)


def points_of(value: object) -> tuple[Point, ...]:
    """The pairs of numbers in a JSON list, what is none left out."""
    rows = value if isinstance(value, (list, tuple)) else ()
    return tuple((float(row[0]), float(row[1])) for row in rows if _is_pair(row))


def _is_pair(row: object) -> bool:
    return isinstance(row, (list, tuple)) and len(row) >= 2 and all(isinstance(one, (int, float)) for one in row[:2])


def _up_to(value: float, limit: float) -> str:
    """`498 of 512 MB`: one unit where both have it. A process's size counts pages that it shares, so that it may be
    above the limit of its group."""
    if value >= limit:
        return f"its limit of {prose.size(limit)}"
    part, whole = prose.size(value), prose.size(limit)
    number, _, unit = part.partition(" ")
    return f"{number} of {whole}" if whole.endswith(f" {unit}") else f"{part} of {whole}"
