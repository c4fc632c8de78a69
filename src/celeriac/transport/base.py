"""What carries parcels from the user's processes to ours: bytes in, bytes out, no meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Outlet(Protocol):
    """The sending end, for one thread. Bounded at the broker: the oldest goes first, and the broker is never harmed."""

    def send(self, parcel: bytes) -> None:
        """Hand `parcel` over: it is at the broker when this returns.

        Raises TransportUnavailableError when it may be tried again later (down, slow, paused because the broker is
        nearly full), TransportError when this parcel will never be taken. Every call ends within a few seconds.
        """
        ...

    def close(self) -> None:
        """Drop the connection."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One parcel as it arrived; `tag` is what to acknowledge."""

    tag: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """What one read gave. All that was handed over before `began` (Unix seconds) has been given out when `current`.

    `others` is how many more readers take parcels now: what they take is not given to us.
    """

    began: float
    deliveries: tuple[Delivery, ...] = ()
    current: bool = True
    others: int = 0


class Inlet(Protocol):
    """The receiving end, for one thread. What was received and not acknowledged comes again, first of all after a
    restart: also what another reader took and never acknowledged."""

    def receive(self, timeout: float, limit: int) -> Received:
        """Parcels that arrive within `timeout` seconds, at most `limit`.

        Raises TransportUnavailableError; the next call connects again.
        """
        ...

    def acknowledge(self, tags: tuple[str, ...]) -> None:
        """These are safe with us: the broker may forget them. Raises TransportUnavailableError."""
        ...

    def close(self) -> None:
        """Drop the connection."""
        ...
