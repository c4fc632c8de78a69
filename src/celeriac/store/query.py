"""What can be asked of tasks, and the row that answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Field = Literal["id", "term", "name", "queue", "worker", "error", "key", "args", "text", "has"]
Figure = Literal["age", "runtime", "wait"]
Operator = Literal[">", ">=", "<", "<="]


@dataclass(frozen=True, slots=True)
class Condition:
    """`field` is one of `values`, or none of them when `negated`. In a value `*` stands for any characters.

    `term` takes the ledger's words (`model.ledger.Term`); `error` the type of what was raised; `args` a part of the
    shown arguments, or the value under the keys of `path`; `text` a part of id, name, arguments or key; `has` is
    duplicate, retry, redelivery or error.
    """

    field: Field
    values: tuple[str, ...]
    negated: bool = False
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bound:
    """A duration, in seconds, beyond (or within) a bound: since the publish (`age`), running (`runtime`), from the
    publish to the start (`wait`)."""

    figure: Figure
    operator: Operator
    seconds: float
    negated: bool = False


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """Tasks that fit every condition. `since` and `until` bound `updated_at`; all times are Unix seconds, and `at` is
    the one up to which a task that has not ended has aged."""

    conditions: tuple[Condition | Bound, ...] = ()
    since: float | None = None
    until: float | None = None
    at: float = 0.0


def fits(field: Field, *values: str) -> TaskQuery:
    """Tasks whose `field` is one of `values`."""
    return TaskQuery((Condition(field, values),))


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task as lists show it. Times are Unix seconds; `worker`, `pid` and times are of the newest attempt, but
    `published_at` of the first publish. `reason` is how it ended when that was no success; `runtime` is in seconds,
    `peak_rss` the most memory any of its runs was seen with (bytes). `term` is where the ledger has it (None when it
    was never published), `because` why, when that was declared; `doubled` is true when two of its deliveries ran."""

    id: str
    name: str | None
    state: str
    queue: str | None
    worker: str | None
    pid: int | None
    published_at: float | None
    received_at: float | None
    started_at: float | None
    ended_at: float | None
    updated_at: float
    runtime: float | None
    retries: int | None
    reason: str | None
    peak_rss: int | None = None
    term: str | None = None
    because: str | None = None
    error: str | None = None
    key: str | None = None
    doubled: bool = False
