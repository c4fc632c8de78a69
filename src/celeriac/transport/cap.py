"""How much of the user's broker the record may take: bounds, and the decisions they lead to."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024
DAY = 24 * 3600.0
ENTRY = 768
"""Bytes the server keeps for a stream's entry beside its body, at most: its share of a node and of the index."""
NODE = 16 * 1024
"""Bytes a stream holds beside what its entries weigh: it drops whole nodes, and allocates the newest ahead."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the record may take at the broker, and how long a call may.

    `size` is in bytes, `share` a part of the broker's `maxmemory`, whichever is less; above the part `pause` of
    `maxmemory` in use nothing is sent. `ttl` (seconds) after the last use everything is gone. `patience` bounds each
    wait for the network, `look` is how long the server's memory figures hold, and `idle` how long another reader may
    sit on a parcel before it is taken from it (seconds).
    """

    size: int = 64 * MEBIBYTE
    share: float = 0.05
    pause: float = 0.80
    ttl: float = DAY
    patience: float = 3.0
    look: float = 2.0
    idle: float = 30.0


@dataclass(frozen=True, slots=True)
class Memory:
    """The server's own figures in bytes. None: not bounded, or not told."""

    used: int | None = None
    most: int | None = None


def ceiling(limits: Limits, memory: Memory) -> int:
    """The most bytes the record may take on this server."""
    return limits.size if not memory.most else min(limits.size, int(limits.share * memory.most))


def weight(body: int) -> int:
    """The bytes a body of `body` bytes takes in a stream, at most: allocators round up by a quarter (jemalloc's size
    classes)."""
    return body + body // 4 + ENTRY


def crowded(limits: Limits, memory: Memory) -> bool:
    """True when the server's own work needs the memory that is left."""
    return bool(memory.most and memory.used is not None and memory.used > limits.pause * memory.most)
