"""How old what the management API shows can be: learned from the reports of the nodes, for it names no pace itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

ROUNDS = 2
"""Reports of a node between which every queue has reported too: all keep one pace, each in its own turn
(`collect_statistics_interval`)."""


class Reports:
    """The reports that came since the first that was heard. A node's differ in its uptime."""

    def __init__(self) -> None:
        self._newest: Mapping[str, int | None] = {}
        self._rounds: Counter[str] = Counter()

    def hear(self, shown: Mapping[str, int | None]) -> None:
        """Take what is shown now: the uptime of each running node."""
        self._rounds.update(node for node, told in shown.items() if told != self._newest.get(node, told))
        self._newest = dict(shown)

    @property
    def are_whole(self) -> bool:
        """True when no queue can still show what it was when the first was heard."""
        return bool(self._newest) and all(self._rounds[node] >= ROUNDS for node in self._newest)
