"""Worker log files, read from their tail on and followed."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path
from socket import gethostname

from celeriac.evidence.base import Look
from celeriac.evidence.log_lines import LogReader, Origin
from celeriac.model.event import Event
from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot

BYTES_LIMIT = 20 << 20
LINES_LIMIT = 100_000


class LogSource:
    """Edges `log-line`, and by `events` what the log tells of tasks. Logs write local time without its zone: `zone`
    None is this host's. `node` is the worker's name, None when the log is to say it."""

    name = "log"

    def __init__(
        self, files: Sequence[Path], *, node: str | None = None, zone: tzinfo | None = None, host: str | None = None
    ) -> None:
        where = host or gethostname()
        self._followed = [(Tail(path), LogReader(Origin(where, f"tail -n 1000 {path}", zone, node))) for path in files]
        self._events: deque[Event] = deque(maxlen=LINES_LIMIT)
        self._evidence: deque[Evidence] = deque(maxlen=LINES_LIMIT)
        self._unseen: tuple[BlindSpot, ...] = ()

    def look(self, at: float) -> Look:
        """Last words that were not given before."""
        self._advance(at)
        found = tuple(self._evidence)
        self._evidence.clear()
        return Look(found, self._unseen)

    def events(self, at: float) -> tuple[Event, ...]:
        """Task events that were not given before."""
        self._advance(at)
        found = tuple(self._events)
        self._events.clear()
        return found

    def close(self) -> None:
        """Nothing is held."""

    def _advance(self, at: float) -> None:
        unseen: list[BlindSpot] = []
        for tail, reader in self._followed:
            try:
                lines = tail.read()
            except OSError as error:
                unseen.append(BlindSpot(f"log {tail.path}", str(error.strerror), "what its worker took, did and said"))
                continue
            for found in reader.read(lines, at):
                if isinstance(found, Event):
                    self._events.append(found)
                else:
                    self._evidence.append(found)
            if tail.skipped:
                unseen.append(
                    BlindSpot(f"log {tail.path}", f"its first {tail.skipped:,} bytes were not read", "older tasks")
                )
        self._unseen = tuple(unseen)


class Tail:
    """One file, from 20 MB before its end. A file put in its place, or cut short, is read from the start.

    `skipped` counts the bytes that were passed over.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.skipped = 0
        self._inode = 0
        self._offset = 0

    def read(self) -> list[str]:
        """Whole lines written since the last read, at most the last 100,000. Raises OSError."""
        with self.path.open("rb") as file:
            self._place(file.seek(0, 2), self.path.stat().st_ino)
            file.seek(self._offset)
            content = file.read(BYTES_LIMIT)
        whole = content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole.decode(errors="replace").splitlines()[-LINES_LIMIT:]

    def _place(self, size: int, inode: int) -> None:
        if inode != self._inode or size < self._offset:
            self._inode, self._offset, self.skipped = inode, 0, 0
        if size - self._offset > BYTES_LIMIT:
            self.skipped += size - BYTES_LIMIT - self._offset
            self._offset = size - BYTES_LIMIT
