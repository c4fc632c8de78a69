"""Facts in words: numbers, sizes, times and lists as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

MIB = 1024 * 1024


def number(value: int) -> str:
    """1487 as `1,487`."""
    return f"{value:,}"


def count(value: int, noun: str, plural: str = "") -> str:
    """`1 task`, `1,487 tasks`."""
    return f"{number(value)} {noun if value == 1 else plural or noun + 's'}"


def size(value: float) -> str:
    """Bytes in the unit people set limits in: `96 MB`, `1.5 GB` (of 1024 each, as Docker's own flags are)."""
    if value >= 1024 * MIB:
        return f"{value / (1024 * MIB):.2f}".rstrip("0").rstrip(".") + " GB"
    if value >= MIB:
        return f"{value / MIB:.0f} MB"
    return f"{value / 1024:.0f} kB"


def clock(at: float) -> str:
    """Unix seconds as `11:02Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%MZ")


def instant(at: float) -> str:
    """Unix seconds as `10:02:11Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%SZ")


def span(seconds: float) -> str:
    """`8 s`, `4 min`, `2 h 5 min`."""
    if seconds < 90:
        return f"{max(0.0, seconds):.0f} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def rate(per_second: float) -> str:
    """`5/s`; slower than one in two seconds as `12/min`."""
    if abs(per_second) < 0.5:
        return f"{per_second * 60:.0f}/min"
    return f"{per_second:.1f}".removesuffix(".0") + "/s"


def names(items: Sequence[str], limit: int = 3) -> str:
    """`a`, `a and b`, `a, b, c and 4 more`."""
    if len(items) > limit:
        return f"{', '.join(items[:limit])} and {number(len(items) - limit)} more"
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))
