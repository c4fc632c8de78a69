"""Sources, how far each was read, and the moments that follow: the watermark, and when this store first heard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from sqlalchemy import Connection, select

from celeriac.model.source import SourceMark, watermark
from celeriac.store.rows import put
from celeriac.store.schema import moments, sources

WATERMARK, FIRST_SEEN = "watermark", "first-seen"


def mark(connection: Connection, marks: Iterable[SourceMark], now: float) -> float:
    """Note what was read, or failed to be; the watermark after it."""
    known = {source.name: source for source in read(connection)}
    for new in marks:
        known[new.name] = merged(known.get(new.name), new, now)
    put(connection, sources, [asdict(source) for source in known.values()])
    before = moment(connection, WATERMARK) or 0.0
    after = watermark(known.values(), now, before)
    if after != before:
        put(connection, moments, [{"name": WATERMARK, "at": after}])
    return after


def merged(old: SourceMark | None, new: SourceMark, now: float) -> SourceMark:
    """A failed read keeps how far the source was read, and since when it fails; a good one never moves it back."""
    reached = 0.0 if old is None else old.mark
    if new.error is None:
        return SourceMark(new.name, max(reached, new.mark))
    since = old.failing_since if old is not None and old.failing_since is not None else new.failing_since
    return SourceMark(new.name, reached, new.error, new.cause, now if since is None else since)


def read(connection: Connection) -> tuple[SourceMark, ...]:
    """Every source there has been, by name."""
    return tuple(SourceMark(*row) for row in connection.execute(select(sources).order_by(sources.c.name)))


def moment(connection: Connection, name: str) -> float | None:
    """The named moment, None before it."""
    at: float | None = connection.scalar(select(moments.c.at).where(moments.c.name == name))
    return at


def begin(connection: Connection, now: float) -> None:
    """Note when this store first heard anything; later calls change nothing."""
    if moment(connection, FIRST_SEEN) is None:
        put(connection, moments, [{"name": FIRST_SEEN, "at": now}])
