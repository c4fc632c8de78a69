"""A memory curve of bounded length, however long what it follows may take."""

from __future__ import annotations

from collections.abc import Sequence

POINTS = 30
"""Points of a curve that is shipped."""
_KEPT = 2 * POINTS

Point = tuple[float, int]
"""When (seconds) and how much (bytes)."""


class Curve:
    """Points in their order. When there are too many, each pair becomes the greater of the two, and from then on only
    every second look makes a point: the shape stays, and so does the peak."""

    __slots__ = ("_looks", "_points", "_stride")

    def __init__(self) -> None:
        self._points: list[Point] = []
        self._stride = 1
        self._looks = 0

    def add(self, at: float, size: int) -> None:
        """One look."""
        if self._looks % self._stride or not self._points:
            self._raise(at, size)
        else:
            self._points.append((at, size))
        self._looks += 1
        if len(self._points) > _KEPT:
            self._points = thinned(self._points, POINTS)
            self._stride *= 2
            self._looks = 0

    @property
    def peak(self) -> int | None:
        """The greatest size seen, None before the first look."""
        return max((size for _, size in self._points), default=None)

    def since(self, start: float) -> list[list[float | int]]:
        """At most `POINTS` points, timed from `start`."""
        return [[round(at - start, 1), size] for at, size in thinned(self._points, POINTS)]

    def _raise(self, at: float, size: int) -> None:
        """A look between two points counts if it is greater than the last one."""
        if not self._points:
            self._points.append((at, size))
        elif size > self._points[-1][1]:
            self._points[-1] = (at, size)


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most `most` points: of each stretch of neighbours the greatest, and of the last one the last."""
    if len(points) <= most:
        return list(points)
    stretch = -(-len(points) // most)
    groups = [points[start : start + stretch] for start in range(0, len(points), stretch)]
    return [max(group, key=lambda point: point[1]) for group in groups[:-1]] + [groups[-1][-1]]
