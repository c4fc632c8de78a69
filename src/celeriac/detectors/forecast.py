"""Where memory is heading: the time to a limit, told by a trend that holds, and by nothing less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

Point = tuple[float, float]
"""Unix seconds and bytes."""
LEAST_POINTS = 8
LEAST_SPAN = 20.0
"""Seconds that a trend must have lasted at least."""
LONG_SPAN = 60.0
"""Seconds from which on a trend speaks for hours; a shorter one for `AHEAD` times its own length, no further."""
AHEAD = 3.0
LEAST_RISE = 0.05
"""Share of the limit by which memory must have risen."""
HORIZON = 6 * 3600.0
"""Seconds ahead of which a forecast is worth telling."""
STEADY = 0.5
"""The later half must still rise at this share of the whole's pace: a warm-up that levels off does not."""
NOISE = 0.5
"""Share of the whole rise that a typical point may lie off the line."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """`rate` bytes per second, over `span` seconds; `seconds` until the limit is reached at that pace."""

    rate: float
    rise: float
    span: float
    seconds: float


def forecast(points: Sequence[Point], level: float, limit: float) -> Forecast | None:
    """When `level` bytes reach `limit`, if they go on as `points` went; None where they show no steady rise.

    `level` and `points` may count different things: a group's usage beside the sum of its processes.
    """
    if len(points) < LEAST_POINTS or limit <= 0 or level <= 0:
        return None
    span = points[-1][0] - points[0][0]
    rate = slope(points)
    rise = rate * span
    if span < LEAST_SPAN or rise < LEAST_RISE * limit or not _is_steady(points, rate):
        return None
    seconds = max(0.0, limit - level) / rate
    return Forecast(rate, rise, span, seconds) if seconds <= (HORIZON if span >= LONG_SPAN else AHEAD * span) else None


def slope(points: Sequence[Point]) -> float:
    """Bytes per second by the median of all pairs (Theil and Sen): one spike, or one restart, moves it little."""
    rates = [
        (right[1] - left[1]) / (right[0] - left[0]) for left, right in combinations(points, 2) if right[0] > left[0]
    ]
    return median(rates) if rates else 0.0


def _is_steady(points: Sequence[Point], rate: float) -> bool:
    """Both halves rise, the later one nearly as fast, and the points lie about the line."""
    half = len(points) // 2
    if slope(points[half:]) < STEADY * rate or slope(points[:half]) <= 0:
        return False
    middle = median(size - rate * at for at, size in points)
    off = median(abs(size - rate * at - middle) for at, size in points)
    return off <= NOISE * rate * (points[-1][0] - points[0][0]) / 2
