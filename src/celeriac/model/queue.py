"""A queue as the broker shows it at one look, and what a series of looks says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueueSample:
    """One look at one queue.

    `ready` counts messages over every priority list; `unacked` those delivered and not acknowledged, None when
    it could not be counted. `consumers` counts those that the broker itself knows of, None where it knows none of them
    (Redis). `role` is None for work, "dead-letter" or "delayed" for what stands aside. `oldest_id` and `newest_id` are
    the task ids at either end, None when empty, unread or no Celery message. `oldest_since` is Unix seconds since when
    the oldest is known to wait: a lower bound.
    """

    queue: str
    at: float
    ready: int
    unacked: int | None = None
    oldest_id: str | None = None
    newest_id: str | None = None
    oldest_name: str | None = None
    oldest_since: float | None = None
    consumers: int | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and its recent looks, oldest first. `consumers` are node names, None when that cannot be known."""

    name: str
    samples: tuple[QueueSample, ...]
    consumers: tuple[str, ...] | None = None

    @property
    def latest(self) -> QueueSample:
        """The newest look."""
        return self.samples[-1]

    @property
    def aside(self) -> bool:
        """True for a queue that workers are not meant to take from: what was dead-lettered or delayed."""
        return bool(self.samples) and self.latest.role is not None

    def since(self, at: float) -> tuple[QueueSample, ...]:
        """The looks made at or after `at`."""
        return tuple(sample for sample in self.samples if sample.at >= at)

    def growth(self, seconds: float) -> float | None:
        """Messages per second that `ready` gained over the last `seconds`; None with less than half of that seen."""
        window = self.since(self.latest.at - seconds)
        span = window[-1].at - window[0].at
        if len(window) < 2 or span < seconds / 2:
            return None
        return (window[-1].ready - window[0].ready) / span

    def oldest_age(self, at: float) -> float | None:
        """Seconds the oldest message is known to have waited at `at`: 0 when empty, None when not known."""
        if self.latest.ready == 0:
            return 0.0
        since = self.latest.oldest_since
        return None if since is None else max(0.0, at - since)
