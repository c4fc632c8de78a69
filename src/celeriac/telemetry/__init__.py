"""Our own logs, as named types with one `emit`.

A `Signal` subclass is one thing that can be said, its fields are the facts. `emit` hands it to the
standard library's `celeriac` logger; the server root renders it with structlog, a worker with whatever
the user's process has set up.
"""

from __future__ import annotations

import dataclasses
import logging
import re
from typing import ClassVar

_LOGGER = logging.getLogger("celeriac")
_LOGGER.addHandler(logging.NullHandler())  # where nobody set up logging, a command's stderr is for its one line
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@dataclasses.dataclass(frozen=True, slots=True)
class Signal:
    """Base of everything Celeriac says about itself."""

    level: ClassVar[int] = logging.INFO

    @classmethod
    def name(cls) -> str:
        """The event name in logs: the class name in kebab case."""
        return _CAPITAL.sub("-", cls.__name__).lower()


@dataclasses.dataclass(frozen=True, slots=True)
class LoopStarted(Signal):
    """A loop took its first step."""

    level: ClassVar[int] = logging.DEBUG
    loop: str


@dataclasses.dataclass(frozen=True, slots=True)
class LoopFailed(Signal):
    """A step raised; `retry_in` seconds until the next try, None when the loop gave up."""

    level: ClassVar[int] = logging.WARNING
    loop: str
    error: str
    retry_in: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class LoopRecovered(Signal):
    """A step worked again after failures."""

    loop: str
    failures: int


@dataclasses.dataclass(frozen=True, slots=True)
class IncidentChanged(Signal):
    """An incident moved from one state to another."""

    level: ClassVar[int] = logging.WARNING
    incident: str
    kind: str
    state: str
    summary: str


@dataclasses.dataclass(frozen=True, slots=True)
class DetectorFailed(Signal):
    """A detector raised; its kind is unknown until it works again."""

    level: ClassVar[int] = logging.ERROR
    kind: str
    error: str


@dataclasses.dataclass(frozen=True, slots=True)
class ServerReady(Signal):
    """The server listens and collects."""

    address: str
    broker: str
    store: str


@dataclasses.dataclass(frozen=True, slots=True)
class JunkSeen(Signal):
    """Something on the event channel that is no event; counted, never raised."""

    level: ClassVar[int] = logging.WARNING
    count: int
    example: str


@dataclasses.dataclass(frozen=True, slots=True)
class RecorderFault(Signal):
    """Something of ours failed in the user's process; the process goes on."""

    level: ClassVar[int] = logging.WARNING
    hook: str
    error: str


@dataclasses.dataclass(frozen=True, slots=True)
class RecordShipping(Signal):
    """The recorder in a user's process stopped shipping for a while, or goes on."""

    level: ClassVar[int] = logging.WARNING
    state: str
    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class RecordDropped(Signal):
    """The recorder's buffer was full: this many items are missing from the history so far."""

    level: ClassVar[int] = logging.WARNING
    dropped: int


@dataclasses.dataclass(frozen=True, slots=True)
class OptionIgnored(Signal):
    """A setting of the recorder has a value it cannot have; the default is used."""

    level: ClassVar[int] = logging.WARNING
    fault: str


@dataclasses.dataclass(frozen=True, slots=True)
class KeepaliveUnavailable(Signal):
    """`celeriac_keepalive` is on, and this broker has no visibility timeout to keep a delivery from."""

    level: ClassVar[int] = logging.WARNING
    transport: str


def emit(signal: Signal) -> None:
    """Log `signal` once, with its fields as `extra["celeriac"]`."""
    facts = {field.name: getattr(signal, field.name) for field in dataclasses.fields(signal)}
    text = " ".join(f"{key}={value}" for key, value in facts.items() if value is not None)
    _LOGGER.log(
        signal.level, "celeriac: %s %s", signal.name(), text, extra={"celeriac": facts, "signal": signal.name()}
    )
