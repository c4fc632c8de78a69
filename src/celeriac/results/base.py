"""What a reader of a result backend promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from celeriac.model.outcome import ChordCount, Outcome


@dataclass(frozen=True, slots=True)
class BackendHealth:
    """Whether results can be stored. `cause` is a `result-backend-down` cause slug (full | read-only), None while they
    can; `fact` says it in a sentence, `how` is the command that shows it."""

    cause: str | None
    fact: str
    how: str


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The results of those that have one. `unread` counts what another serializer wrote, which is not ours to open."""

    found: tuple[Outcome, ...] = ()
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Discovered:
    """Groups found by going on through the keys; `whole` says that a walk through all of them has ended."""

    groups: tuple[str, ...] = field(default=())
    whole: bool = False


class ResultBackend(Protocol):
    """One result backend, seen read-only. Every call is bounded, has a timeout, and raises BrokerUnavailableError with
    its cause, or BrokerError when what answers is none."""

    label: str
    """The address without secrets."""
    ping: str
    """The command that shows whether it answers."""

    def health(self) -> BackendHealth:
        """Whether it would take a result now."""
        ...

    def outcomes(self, ids: Sequence[str]) -> Outcomes:
        """What it holds of these tasks; of most it holds nothing."""
        ...

    def started(self, pages: int) -> tuple[Outcome, ...]:
        """What it says is running, among the keys of that many pages."""
        ...

    def discover(self) -> Discovered:
        """Go on looking for chords, a few commands further."""
        ...

    def chords(self, groups: Sequence[str]) -> tuple[ChordCount, ...]:
        """How far these have come; those that are complete, or no chords, are left out."""
        ...

    def close(self) -> None:
        """Drop every connection."""
        ...
