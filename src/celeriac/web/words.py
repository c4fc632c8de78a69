"""How figures are written on pages: durations, counts, times of day, each with a word for "not known"."""

from __future__ import annotations

from markupsafe import Markup

from celeriac.clock import parse_rfc3339, rfc3339

UNKNOWN = Markup('<span class="unknown" title="This could not be seen">unknown</span>')
CAP = 10_000


def duration(seconds: float | None) -> str | Markup:
    """0.3 s, 12 s, 4 min, 1 h 04 min, 3 d."""
    if seconds is None:
        return UNKNOWN
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s".replace(".0 ", " ")
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02d} min" if hours < 48 else f"{hours // 24} d"


def ago(seconds: float | None) -> str | Markup:
    """12 s ago; what is younger than a second is now."""
    if seconds is None:
        return UNKNOWN
    return "just now" if seconds < 1 else f"{duration(seconds)} ago"


def number(value: float | None) -> str | Markup:
    """1,487."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def capped(value: int) -> str:
    """A count that is only worth knowing up to a point: 9,999, then 10k+."""
    return f"{value:,}" if value < CAP else f"{CAP // 1000}k+"


def rate(per_second: float | None) -> str | Markup:
    """+5.0/s, or per minute when slow."""
    if per_second is None:
        return UNKNOWN
    if abs(per_second) < 1 / 60:
        return "steady"
    if abs(per_second) < 1:
        return f"{per_second * 60:+.0f}/min".replace("-", "−")
    return f"{per_second:+.1f}/s".replace("-", "−")


def size(amount: float | None) -> str | Markup:
    """A size in bytes: 940 kB, 498 MB, 1.9 GB; binary multiples, as memory limits are set."""
    if amount is None:
        return UNKNOWN
    if amount < 2**20:
        return f"{amount / 2**10:.0f} kB"
    if amount < 2**30:
        return f"{amount / 2**20:.0f} MB"
    return f"{amount / 2**30:.1f} GB"


def share(value: float | None) -> str | Markup:
    """3 %."""
    return UNKNOWN if value is None else f"{value * 100:.0f} %"


def clock(at: str | None) -> str | Markup:
    """The time of day of an RFC 3339 time, whole in its `datetime`."""
    if at is None:
        return UNKNOWN
    return Markup('<time datetime="{at}" title="{at}">{short}</time>').format(at=at, short=at[11:19])


def moment(at: str | None) -> str | Markup:
    """Date and time of day, in UTC whatever offset was written; what is no time stays as it is."""
    if at is None:
        return UNKNOWN
    try:
        at = rfc3339(parse_rfc3339(at))
    except ValueError:
        return at
    return Markup('<time datetime="{at}">{day} {short}</time>').format(at=at, day=at[:10], short=at[11:19])


def between(start: str | None, end: str | None) -> str | Markup:
    """The time from one to the other."""
    if start is None or end is None:
        return UNKNOWN
    return duration(max(0.0, parse_rfc3339(end) - parse_rfc3339(start)))


def clauses(summary: str) -> tuple[str, str]:
    """A summary's first clause, and the rest as a sentence: the big words and the small."""
    first, _, rest = summary.partition("; ")
    return first, f"{rest[:1].upper()}{rest[1:]}"


def short(identifier: str) -> str:
    """The front of a long id; the whole stands in the link and the title."""
    return identifier if len(identifier) <= 13 else f"{identifier[:8]}…{identifier[-4:]}"


FILTERS = {
    "ago": ago,
    "clauses": clauses,
    "duration": duration,
    "number": number,
    "capped": capped,
    "rate": rate,
    "share": share,
    "size": size,
    "clock": clock,
    "moment": moment,
    "between": between,
    "short": short,
}
