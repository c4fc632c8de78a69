"""What a store has on record of one worker life, read beside the server that writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from celeriac.model.gap import Gap
from celeriac.store import Store


class Ledger:
    """Reads only; the store stays the server's."""

    def __init__(self, store: Store, node: str, pid: int) -> None:
        self._store = store
        self._node = node
        self._pid = pid

    @property
    def starts(self) -> tuple[float, ...]:
        """When tasks started, as far as that was recorded."""
        return self._store.starts(self._node, self._pid, 0.0)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The holes."""
        return tuple(gap for gap in self._store.gaps(0.0) if (gap.worker, gap.pid) == (self._node, self._pid))

    @property
    def missing(self) -> int:
        """Starts known to be missing. AssertionError when a hole has no size."""
        sizes = [gap.size for gap in self.gaps]
        assert None not in sizes, f"a hole without a size: {self.gaps}"
        return sum(size or 0 for size in sizes)

    def judged_until(self, at: float) -> bool:
        """True when the books were balanced at a heartbeat later than `at`, by the worker's clock."""
        tallies = self._store.tallies()
        return any((one.worker, one.pid) == (self._node, self._pid) and one.at > at for one in tallies)


@contextmanager
def ledger(url: str, node: str, pid: int) -> Iterator[Ledger]:
    """The ledger of the worker life `node`, `pid` in the store at `url`."""
    store = Store.existing(url)
    try:
        yield Ledger(store, node, pid)
    finally:
        store.close()


def integrity(path: Path) -> str:
    """What SQLite says of the file: "ok" when it is whole."""
    with closing(sqlite3.connect(path)) as connection:
        answer: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
    return answer
