"""The two ways into a store: one engine that writes and one that reads."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

READERS = 8
"""Connections that read at once; the rest wait for one, at most the busy timeout."""


@dataclass(frozen=True, slots=True)
class Engines:
    """`place` names the store in messages, without a secret. `empty`: nothing of ours was there when it was looked at.
    `reader` is None in memory, where there is only one connection."""

    place: str
    empty: bool
    writer: Engine
    reader: Engine | None

    def dispose(self) -> None:
        """Close every connection."""
        self.writer.dispose()
        if self.reader is not None:
            self.reader.dispose()
