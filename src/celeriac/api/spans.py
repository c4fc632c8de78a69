"""Spans, sizes and moments inside a sentence."""

from __future__ import annotations

from celeriac.clock import parse_rfc3339, rfc3339

_UNITS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"))
_SIZES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def ago(since: float | None, at: float) -> str:
    """`12 s ago`."""
    return "at an unknown time" if since is None else f"{span(at - since)} ago"


def span(seconds: float) -> str:
    """`12 s`, `3.5 min`, `40 ms`: two figures are enough to act on."""
    for unit, name in _UNITS:
        if seconds >= 2 * unit:
            return f"{seconds / unit:.1f} {name}"
    if 0.0005 <= seconds < 0.95:
        return f"{seconds * 1000:.0f} ms"
    return f"{max(0.0, seconds):.0f} s"


def size(amount: int) -> str:
    """`120 MiB`."""
    for unit, name in _SIZES:
        if amount >= unit:
            return f"{amount / unit:,.0f} {name}"
    return f"{amount} B"


def later(eta: str | None, at: float) -> str | None:
    """An ETA that is still to come, None for any other."""
    if eta is None:
        return None
    try:
        due = parse_rfc3339(eta)
    except ValueError:
        return None
    return rfc3339(due) if due > at else None


def counted(number: int, noun: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
