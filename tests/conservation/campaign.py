"""One campaign: a world, a schedule of faults, and the judgement at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conservation.broker import Broker
from conservation.checker import Report, check
from conservation.nemesis import Strike, schedule, strike
from conservation.rabbit_broker import RabbitBroker
from conservation.redis_broker import RedisBroker
from conservation.world import World

SKEWS = (0.0, 3.0, -3.0)
"""Seconds that one worker's clock is ahead."""


@dataclass(frozen=True)
class Campaign:
    """How much of what; `seed` decides everything that chance does. `kinds` are the faults, else all that the broker
    knows."""

    broker: str
    seed: int
    tasks: int
    rate: float
    faults: int
    kinds: Sequence[str] = ()
    patience: float = 120.0

    def open(self) -> Broker:
        """Redis with an append-only file or without; RabbitMQ with either queue, with confirms or without."""
        if self.broker == "redis":
            return RedisBroker(durable=self.seed % 2 == 0)
        return RabbitBroker(("classic", "quorum")[self.seed % 2], confirms=self.seed // 2 % 2 == 0)

    @property
    def skew(self) -> float:
        """Of the second worker."""
        return SKEWS[self.seed % 3]

    def schedule(self, broker: Broker) -> tuple[Strike, ...]:
        """The faults, in order."""
        return schedule(self.seed, self.faults, self.kinds or broker.faults)

    def run(self, folder: Path) -> Report:
        """All of it, in a world of its own."""
        with World(folder, self.open(), skew=self.skew) as world:
            carry_out(world, self)
            return judge(world)

    def __str__(self) -> str:
        broker = self.open()
        confirms = "" if broker.confirms else ", no confirms"
        drawn = ", ".join(one.kind for one in self.schedule(broker))
        return f"seed {self.seed}: {broker}{confirms}, a clock {self.skew:+g} s ahead; {drawn}"


def carry_out(world: World, campaign: Campaign) -> None:
    """Publish, strike, heal, and wait until all has come to rest."""
    producer = world.publish(campaign.tasks, campaign.rate, campaign.seed)
    try:
        for one in campaign.schedule(world.broker):
            strike(world, one)
        assert producer.wait(timeout=4 * campaign.tasks / campaign.rate + 60) == 0, "the producer failed"
    finally:
        producer.kill()
        producer.wait(timeout=15)
    world.settle(campaign.patience)


def judge(world: World) -> Report:
    """The outside ledger against Celeriac's answers."""
    balance = world.server.get("balance")
    return check(world.ledger(), world.answers(), doubled=world.doubled(), balance=balance, holes=world.holes())
