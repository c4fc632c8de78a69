"""A queue's depth as a small SVG, made here so that it needs no script; a hole in the looks is a hole in the line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from celeriac.clock import parse_rfc3339

WIDTH = 120.0
HEIGHT = 28.0
PAD = 2.0
HOLE = 3.0
"""Times the usual spacing after which two looks are not joined."""


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Polyline points per unbroken stretch, in a WIDTH by HEIGHT box, and what it says in words."""

    lines: tuple[str, ...]
    says: str


def sparkline(samples: Sequence[dict[str, Any]]) -> Sparkline | None:
    """The line through `samples` ({at, ready}, oldest first); None with fewer than two."""
    if len(samples) < 2:
        return None
    times = [parse_rfc3339(one["at"]) for one in samples]
    depths = [int(one["ready"]) for one in samples]
    span, top = max(times[-1] - times[0], 1e-9), max(*depths, 1)
    points = [
        ((at - times[0]) / span * WIDTH, HEIGHT - PAD - depth / top * (HEIGHT - 2 * PAD))
        for at, depth in zip(times, depths, strict=True)
    ]
    gaps = _holes(times)
    edges = [0, *gaps, len(points)]
    stretches = [points[start:end] for start, end in pairwise(edges)]
    lines = tuple(" ".join(f"{x:.1f},{y:.1f}" for x, y in stretch) for stretch in stretches if len(stretch) > 1)
    said = f"from {depths[0]:,} to {depths[-1]:,} in {span / 60:.0f} min, at most {max(depths):,}"
    return Sparkline(lines, f"{said}, with {len(gaps)} hole{'s' if len(gaps) > 1 else ''}" if gaps else said)


def _holes(times: list[float]) -> list[int]:
    """Positions before which something is missing."""
    steps = sorted(later - earlier for earlier, later in pairwise(times))
    usual = max(steps[len(steps) // 2], 1.0)
    return [index for index in range(1, len(times)) if times[index] - times[index - 1] > HOLE * usual]
