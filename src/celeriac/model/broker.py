"""What a read-only look at a broker shows. A field is None when it could not be seen, never 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from celeriac.model.finding import BlindSpot
from celeriac.model.queue import QueueSample

RABBITMQ = "RabbitMQ"
"""What errors of its adapter call it: all that is known of a broker which was never reached."""


@dataclass(frozen=True, slots=True)
class Held:
    """A message delivered and not acknowledged. `since` is when it was delivered, by the consumer's clock."""

    tag: str
    task_id: str | None
    name: str | None
    queue: str | None
    since: float | None
    eta: str | None = None
    redelivered: bool = False


@dataclass(frozen=True, slots=True)
class Consumer:
    """A worker's connection: `waiting` when it takes messages, `subscribed` when it listens for control. `unacked` is
    how many messages it has and has not acknowledged, None where the broker does not say."""

    address: str
    age: float
    waiting: bool
    subscribed: bool
    name: str = ""
    unacked: int | None = None


@dataclass(frozen=True, slots=True)
class BrokerLook:
    """One look. `at` and `ended` are Unix seconds on our clock, `latency` seconds of a PING; `address` is where the
    connection led, "address:port", None over a unix socket; `database` the part of the server that was looked at.

    `held` is complete when `held_complete`, else the part that the budget allowed (`held_count` is always whole).
    `run_id` names one life of the server, `started_at` is when that began. In that life it was emptied `flushes` times
    and has refused `refused` commands for want of memory. `record_since` is when the record in this database began: not
    before it was last emptied. `bound` are the queues that an exchange led to, as read
    from `bound_at` on; `published` is how many messages each queue ever took, where the broker counts them.

    `alarms` are what makes the broker refuse publishers ("memory", "disk"), `blocked` how many it blocks now.
    """

    at: float
    ended: float
    kind: str
    version: str | None
    role: str | None
    latency: float
    address: str | None = None
    database: str | None = None
    used_memory: int | None = None
    max_memory: int | None = None
    eviction_policy: str | None = None
    evicted_keys: int | None = None
    persistence: str | None = None
    clients: int | None = None
    max_clients: int | None = None
    loading: bool = False
    queues: tuple[QueueSample, ...] = ()
    held: tuple[Held, ...] | None = None
    held_count: int | None = None
    held_complete: bool = False
    consumers: tuple[Consumer, ...] | None = None
    run_id: str | None = None
    started_at: float | None = None
    flushes: int | None = None
    refused: int | None = None
    record_since: float | None = None
    bound: tuple[str, ...] | None = None
    bound_at: float | None = None
    published: Mapping[str, int] | None = None
    alarms: tuple[str, ...] | None = None
    blocked: int | None = None
    blind_spots: tuple[BlindSpot, ...] = ()

    @property
    def memory_share(self) -> float | None:
        """Used over allowed memory; None when unlimited or unseen."""
        if self.used_memory is None or not self.max_memory:
            return None
        return self.used_memory / self.max_memory
