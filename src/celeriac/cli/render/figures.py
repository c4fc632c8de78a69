"""Numbers and times as people read them. An unknown is "unknown", never a number."""

from __future__ import annotations

from celeriac.clock import parse_rfc3339

UNKNOWN = "unknown"
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def count(number: int | None) -> str:
    """1487 -> 1,487."""
    return UNKNOWN if number is None else f"{number:,}"


def counted(number: int, noun: str) -> str:
    """1 task, 2 tasks."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float | None) -> str:
    """0.25 s, 12 s, 3 min, 2.5 h, 4 d."""
    if seconds is None:
        return UNKNOWN
    for unit, name in ((DAY, "d"), (HOUR, "h")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.3g} {name}"
    if seconds >= 2 * MINUTE:
        return f"{seconds / MINUTE:.0f} min"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


def size(amount: int | None) -> str:
    """Bytes as 96 MB or 1.5 GB, of 1024 each."""
    if amount is None:
        return UNKNOWN
    return f"{amount / 2**30:.3g} GB" if amount >= 2**30 else f"{amount / 2**20:.0f} MB"


def moment(at: str | None, beside: str | None = None) -> str:
    """The time of day, 10:02:11Z; with its date when that is not the date of `beside`. Both are RFC 3339 UTC."""
    if at is None:
        return UNKNOWN
    day, _, rest = at.partition("T")
    time = f"{rest[:8]}Z"
    return time if beside is None or beside.startswith(day) else f"{day} {time}"


def age(at: str | None, now: str | None) -> str:
    """How long before `now` something was, both RFC 3339."""
    if at is None or now is None:
        return UNKNOWN
    return duration(max(0.0, parse_rfc3339(now) - parse_rfc3339(at)))


def rate(per_second: float | None) -> str:
    """+4.2/s; "steady" for what rounds to nothing."""
    if per_second is None:
        return UNKNOWN
    return f"{per_second:+.1f}/s" if abs(per_second) >= 0.05 else "steady"
