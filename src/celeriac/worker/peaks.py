"""Peak memory by task name: a sketch of fixed size for each of the names that matter."""

from __future__ import annotations

from math import ceil, log

NAMES = 20
"""Names that are shipped: those with the greatest peaks."""
_NAMES_KEPT = 200
_BASE = 1.05
"""Each bucket is 5 % wider than the one before: a percentile is right within that."""
_LOG_BASE = log(_BASE)
NEAR = 0.9
"""Share of the greatest peak from which on a run came near it."""


class Peaks:
    """What was seen of each task name. A name beyond the bound takes the place of the one with the smallest peak."""

    def __init__(self) -> None:
        self._sketches: dict[str, Sketch] = {}

    def add(self, name: str, peak: int, at: float) -> None:
        """A task of that name has ended at `at` (Unix seconds); `peak` is bytes."""
        sketch = self._sketches.get(name)
        if sketch is None:
            self._make_room()
            sketch = self._sketches[name] = Sketch()
        sketch.add(peak, at)

    def greatest(self) -> dict[str, list[float | int]]:
        """Of the names with the greatest peaks: tasks; p50, p95 and max in bytes; when one last came near the max."""
        ranked = sorted(tuple(self._sketches.items()), key=lambda item: -item[1].most)[:NAMES]
        return {name: sketch.row for name, sketch in ranked}

    def _make_room(self) -> None:
        if len(self._sketches) >= _NAMES_KEPT:
            smallest = min(self._sketches.items(), key=lambda item: item[1].most)[0]
            del self._sketches[smallest]


class Sketch:
    """Sizes counted in buckets that grow by 5 %: some hundred of them reach from a megabyte to a terabyte."""

    __slots__ = ("_buckets", "most", "near_at", "tasks")

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self.tasks = 0
        self.most = 0
        self.near_at = 0.0

    @property
    def row(self) -> list[float | int]:
        """Tasks; p50, p95 and max in bytes; Unix seconds of the last one that came near the max."""
        return [self.tasks, self.at(0.50), self.at(0.95), self.most, round(self.near_at, 1)]

    def add(self, size: int, at: float) -> None:
        """One size in bytes, at a time in Unix seconds."""
        bucket = ceil(log(max(size, 1)) / _LOG_BASE)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self.tasks += 1
        self.most = max(self.most, size)
        if size >= NEAR * self.most:
            self.near_at = at

    def at(self, share: float) -> int:
        """The size that `share` of all do not exceed; 0 when there are none."""
        rank, passed = share * self.tasks, 0
        for bucket, count in sorted(tuple(self._buckets.items())):
            passed += count
            if passed >= rank:
                return min(self.most, round(_BASE**bucket))
        return self.most
