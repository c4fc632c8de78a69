"""The retain loop: rows past their age, deleted a few at a time so that ingest never waits."""

from __future__ import annotations

from celeriac.store import Store


class RetainLoop:
    """Prune a little, again and again."""

    name = "retain"
    interval = 5.0

    def __init__(self, store: Store) -> None:
        self._store = store

    def step(self, now: float) -> bool:
        """One bounded delete."""
        self._store.prune(now)
        return False

    def close(self) -> None:
        """Nothing is held."""
