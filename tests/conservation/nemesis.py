"""What goes wrong, and when: a schedule drawn from a seed, and each fault done for real and written down."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from conservation.rabbit_broker import RabbitBroker
from conservation.redis_broker import RedisBroker

if TYPE_CHECKING:
    from conservation.world import World

PAUSE = (1.0, 3.0)
"""Seconds between two faults."""


@dataclass(frozen=True)
class Strike:
    """One fault: what, on which of the workers, and after how many seconds of peace."""

    kind: str
    whom: int
    after: float

    def __str__(self) -> str:
        return self.kind


def schedule(seed: int, faults: int, kinds: Sequence[str], workers: int = 3) -> tuple[Strike, ...]:
    """The same seed draws the same faults. Every kind comes before one comes again."""
    chance, left, drawn = Random(seed), list[str](), []
    for _ in range(faults):
        left = left or chance.sample(list(kinds), len(kinds))
        drawn.append(Strike(left.pop(), chance.randrange(workers), round(chance.uniform(*PAUSE), 2)))
    return tuple(drawn)


def strike(world: World, one: Strike) -> None:
    """Do it, heal it, write it down."""
    time.sleep(one.after)
    _FAULTS[one.kind](world, one.whom)


def _kill_child(world: World, whom: int) -> None:
    worker = world.workers[whom]
    with suppress(OSError):
        child = next(iter(worker.children), None)
        if child is not None:
            with world.struck("kill-child", worker, pid=child):
                os.kill(child, signal.SIGKILL)


def _kill_main(world: World, whom: int) -> None:
    worker = world.workers[whom]
    with world.struck("kill-main", worker):
        worker.kill()


def _freeze_kill(world: World, whom: int) -> None:
    worker = world.workers[whom]
    with world.struck("freeze-kill", worker):
        worker.stop()
        time.sleep(2.0)
        worker.kill()


def _freeze_thaw(world: World, whom: int) -> None:
    worker = world.workers[whom]
    with world.struck("freeze-thaw", worker):
        worker.stop()
        time.sleep(3.0)
        worker.cont()


def _client_kill(world: World, _: int) -> None:
    """Every connection to the broker: workers, producer and server."""
    with world.struck(world.unconfirmed("client-kill"), None):
        world.broker.cut()


def _blackhole(world: World, _: int) -> None:
    """The last worker's way to the broker goes silent, then its connections end."""
    with world.struck("blackhole", world.workers[-1]):
        world.proxy.hold()
        time.sleep(4.0)
        world.proxy.drop()


def _restart(world: World, _: int) -> None:
    kind = "restart" if world.broker.durable else "restart-empty"
    with world.struck(world.unconfirmed(kind), None):
        world.broker.restart()


def _flush(world: World, _: int) -> None:
    assert isinstance(world.broker, RedisBroker)
    with world.struck("flush", None):
        world.broker.flush()


def _full(world: World, _: int) -> None:
    assert isinstance(world.broker, RedisBroker)
    with world.struck("full", None):
        world.broker.fill(2.0)


def _evict(world: World, _: int) -> None:
    assert isinstance(world.broker, RedisBroker)
    with world.struck("evict", None):
        world.broker.evict(1.5)


def _freeze_restart(world: World, _: int) -> None:
    assert isinstance(world.broker, RabbitBroker)
    with world.struck(world.unconfirmed("restart"), None):
        world.broker.freeze(2.0)


def _delete_queue(world: World, _: int) -> None:
    """A consumer is told, and declares it again; what is published until then leads nowhere."""
    assert isinstance(world.broker, RabbitBroker)
    with world.struck(world.unconfirmed("delete-queue"), None):
        world.broker.delete_queue()
        time.sleep(3.0)


_FAULTS: dict[str, Callable[[World, int], None]] = {
    "kill-child": _kill_child,
    "kill-main": _kill_main,
    "freeze-kill": _freeze_kill,
    "freeze-thaw": _freeze_thaw,
    "client-kill": _client_kill,
    "blackhole": _blackhole,
    "restart": _restart,
    "flush": _flush,
    "full": _full,
    "evict": _evict,
    "freeze-restart": _freeze_restart,
    "delete-queue": _delete_queue,
}
