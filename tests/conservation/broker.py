"""The broker of a world: a real one, what Celery is told of it, what stands in it, and what can be done to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

QUEUE = "celery"


class Broker(Protocol):
    """`pops` says that it gives a message away before it is read, `durable` that it keeps its data over a restart,
    `confirms` that it has what a publisher sent when the publish returns. `failures` is how a look fails."""

    faults: Sequence[str]
    failures: tuple[type[Exception], ...]
    pops: bool
    durable: bool
    confirms: bool

    @property
    def port(self) -> int:
        """Where it listens on this host."""

    @property
    def conf(self) -> Mapping[str, Any]:
        """Settings of the app."""

    @property
    def settings(self) -> str:
        """Lines of celeriac.toml."""

    def url(self, port: int | None = None) -> str:
        """Its URL, through another port of this host if given."""

    def look(self) -> frozenset[str] | None:
        """Ids of the messages in it, by looking into it directly; None where it shows none."""

    def empty(self) -> bool:
        """True when nothing stands in it, and nobody has what he has not acknowledged."""

    def stands(self) -> frozenset[str]:
        """Ids of the messages in it at the end; it may be disturbed now."""

    def cut(self) -> None:
        """End every connection of others."""

    def restart(self) -> None:
        """Kill it, and start it again."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
