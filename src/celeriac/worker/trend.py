"""How a pool's memory went: dense while it is young, a point a minute for its last hour."""

from __future__ import annotations

from typing import NamedTuple

POINTS = 60
SPARSEST = 64.0
"""Seconds between two points when it is as sparse as it gets."""


class TrendPoint(NamedTuple):
    """One look: Unix seconds, bytes of main and children together, bytes of the greatest child, tasks ended so far,
    bytes that the memory group uses (None unknown): it alone knows what is shared."""

    at: float
    total: int
    greatest: int
    ended: int
    usage: int | None = None


class Trend:
    """Looks that are at least a stride apart. When there are too many, every second one goes and the stride doubles;
    at the sparsest, the oldest goes."""

    def __init__(self, stride: float) -> None:
        self._stride = stride
        self._points: list[TrendPoint] = []

    @property
    def points(self) -> tuple[TrendPoint, ...]:
        """Oldest first."""
        return tuple(self._points)

    def add(self, point: TrendPoint) -> None:
        """One look; left out when the one before is too near."""
        if self._points and 0 <= point.at - self._points[-1].at < self._stride:
            return
        self._points.append(point)
        if len(self._points) <= POINTS:
            return
        if self._stride >= SPARSEST:
            del self._points[0]
        else:
            self._points = self._points[::2]
            self._stride *= 2
