"""The gather loop: one source of this host, looked at steadily."""

from __future__ import annotations

from celeriac.agent.backlog import Backlog
from celeriac.evidence import Source
from celeriac.evidence.watch import Watch


class GatherLoop:
    """One source's facts into the backlog. A source that cannot be read is a blind spot."""

    def __init__(self, source: Source, backlog: Backlog, interval: float) -> None:
        self._watch = Watch(source, interval)
        self.name = f"gather-{source.name}"
        self.interval = self._watch.interval
        self._backlog = backlog

    def step(self, now: float) -> bool:
        """One look, when it is time."""
        if self._watch.due(now):
            self._backlog.add(self._watch.name, self._watch.look(now), now)
        return False

    def close(self) -> None:
        """Release the source."""
        self._watch.close()
