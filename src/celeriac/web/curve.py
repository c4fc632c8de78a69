"""Memory over time as an SVG: the line, the area beneath it, the limit it ran towards, and all of it in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from celeriac.web.words import duration, size

WIDTH = 320.0
HEIGHT = 96.0
PAD = 4.0
FAR = 8.0
"""Times the highest sample beyond which a limit is said and not drawn."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Points in a WIDTH by HEIGHT box. `limit` is the height of the limit's line, None when it is unknown or so far
    away that drawing it would flatten the curve; `says` tells the figures."""

    line: str
    area: str
    limit: float | None
    says: str


def curve(samples: Sequence[Sequence[float]], limit: float | None = None) -> Curve | None:
    """The curve of `samples` ([seconds, bytes], oldest first) under `limit` bytes; None with fewer than two."""
    if len(samples) < 2:
        return None
    times, sizes = [float(at) for at, _ in samples], [float(taken) for _, taken in samples]
    shown = limit if limit and max(sizes) > limit / FAR else None
    top = max(*sizes, shown or 0.0, 1.0)
    span = max(times[-1] - times[0], 1e-9)
    points = [((at - times[0]) / span * WIDTH, _height(taken, top)) for at, taken in zip(times, sizes, strict=True)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Curve(
        line,
        f"0,{HEIGHT:.0f} {line} {WIDTH:.0f},{HEIGHT:.0f}",
        None if shown is None else round(_height(shown, top), 1),
        _words(sizes, times[-1] - times[0], limit),
    )


def _height(taken: float, top: float) -> float:
    return HEIGHT - (HEIGHT - PAD) * taken / top


def _words(sizes: Sequence[float], seconds: float, limit: float | None) -> str:
    """From 180 MB to 498 MB in 5.3 s, at most 498 MB; the limit is 512 MB."""
    said = f"from {size(sizes[0])} to {size(sizes[-1])} in {duration(seconds)}, at most {size(max(sizes))}"
    return f"{said}; the limit is {size(limit)}" if limit else f"{said}; no limit is known"
