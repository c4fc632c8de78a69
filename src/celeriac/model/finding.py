"""A finding: what a detector concluded, with everything a tired person needs to act on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from celeriac.model.event import fingerprint

Severity = Literal["critical", "warning", "info"]
Confidence = Literal["certain", "likely", "possible"]
Risk = Literal["safe", "repeats-work", "loses-work"]
LIST_LIMIT = 100
"""Ids per impact list that leave Celeriac; the full count stands beside the list."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a finding is about; at least one field is set."""

    worker: str | None = None
    host: str | None = None
    pid: int | None = None
    container: str | None = None
    queue: str | None = None
    task_name: str | None = None
    task_id: str | None = None
    schedule: str | None = None
    broker: str | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One dated fact, its source (kernel | cgroup | docker | kubernetes | process | broker | event | worker | ledger |
    config | log) and the command or query that shows it."""

    at: float
    source: str
    fact: str
    how: str


@dataclass(frozen=True, slots=True)
class RuledOut:
    """A cause that was looked at and is not it."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Impact:
    """What the finding did to work. Lists are task ids; None is "could not be known", never "none"."""

    lost: tuple[str, ...] | None = ()
    failed: tuple[str, ...] | None = ()
    held: tuple[str, ...] | None = ()
    requeued: tuple[str, ...] | None = ()
    running_twice: tuple[str, ...] | None = ()
    unknown: tuple[str, ...] | None = ()
    waiting: int | None = None
    task_names: tuple[tuple[str, int], ...] = ()
    held_until: float | None = None
    held_count: int | None = None


@dataclass(frozen=True, slots=True)
class Fix:
    """A command that mends it, why, and what it risks."""

    command: str
    why: str
    risk: Risk = "safe"


@dataclass(frozen=True, slots=True)
class Verify:
    """A command that proves it mended, and what it must show."""

    command: str
    expect: str


@dataclass(frozen=True, slots=True)
class Prevent:
    """A setting that keeps it from happening again."""

    setting: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class BlindSpot:
    """What could not be seen, why, and what seeing it would add."""

    what: str
    why: str
    would_add: str


@dataclass(frozen=True, slots=True)
class Paging:
    """When an ordinary alert rule would have paged for this. `at` is None while it would not have yet."""

    signal: str
    rule: str
    at: float | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One conclusion. `key` says what makes two findings the same incident (see `finding_key`); `caused_by` is the
    key of the finding it follows from, None for a root."""

    kind: str
    key: str
    severity: Severity
    confidence: Confidence
    subject: Subject
    summary: str
    since: float
    cause: str = "unknown"
    evidence: tuple[Fact, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    impact: Impact = field(default_factory=Impact)
    fix: tuple[Fix, ...] = ()
    verify: tuple[Verify, ...] = ()
    prevent: tuple[Prevent, ...] = ()
    paging: tuple[Paging, ...] = ()
    blind_spots: tuple[BlindSpot, ...] = ()
    caused_by: str | None = None


def finding_key(family: str, subject: str) -> str:
    """The fingerprint of an incident. Kinds that are refinements of each other (a silent worker turns out lost, a lost
    one OOM-killed) share a family, so that late evidence refines one incident instead of opening another."""
    return fingerprint("finding", family, subject)
