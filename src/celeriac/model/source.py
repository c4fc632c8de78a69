"""Where facts come from, how far each has been read, and the watermark that follows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SILENT_AFTER = 5.0
"""Seconds without a successful read after which a source no longer holds the watermark back."""


@dataclass(frozen=True, slots=True)
class SourceMark:
    """One source: `mark` is when its newest successful read began (Unix s, ours; an empty read counts).

    `name` is `events`, `broker`, `record`, or the name of a host source: plain when this host's own is read here, and
    `process@hostb` when the agent on hostb reads it.

    `error` and `cause` say why the newest read failed, None when it worked; `failing_since` since when.
    """

    name: str
    mark: float
    error: str | None = None
    cause: str | None = None
    failing_since: float | None = None

    @property
    def remote(self) -> bool:
        """True when an agent reads it: its host may be gone for good, and nothing here is wrong."""
        return "@" in self.name

    def live(self, now: float) -> bool:
        """True while reads succeed."""
        return now - self.mark <= SILENT_AFTER


def watermark(marks: Iterable[SourceMark], now: float, before: float) -> float:
    """The time up to which all live sources have been read. Never goes back; `before` when no source is live."""
    live = [source.mark for source in marks if source.live(now)]
    return max(before, min(live)) if live else before
