"""The retain loop: rows past their age, deleted a few at a time so that ingest never waits."""

from __future__ import annotations

from celeriac.store import Store

SHARE = 1_000
"""Rows per delete: a few milliseconds of the writer's time."""


class RetainLoop:
    """Prune a little again and again, without a pause while whole shares are past their age: ingest is no slower."""

    name = "retain"
    interval = 5.0

    def __init__(self, store: Store) -> None:
        self._store = store

    def step(self, now: float) -> bool:
        """One bounded delete."""
        return self._store.prune(now, SHARE) >= SHARE

    def close(self) -> None:
        """Nothing is held."""
