"""Publishes tasks in bursts at a steady mean pace, and writes down what came of each.

`python -m conservation.producer COUNT RATE SEED`

The broker and the ledger's folder come from the environment, as for the workers.
"""

from __future__ import annotations

import sys
import time
from random import Random
from typing import Any
from uuid import UUID

from kombu.exceptions import OperationalError

from conservation.outside import PUBLISHES, note
from conservation.work import BROKEN, EARLY, LATE, LEDGER, app

SECONDS = (0.0, 0.0, 0.01, 0.05, 0.2)
LONG = 1.5
_CONNECTION: Any = app.connection()
FAILURES: tuple[type[Exception], ...] = (
    *(OperationalError, OSError),
    *_CONNECTION.connection_errors,
    *_CONNECTION.channel_errors,
)
BURST = 2.0
"""Seconds of tasks that are published at once, so that a backlog comes and goes."""


def main(count: int, rate: float, seed: int) -> None:
    """Publish them all; the same seed gives the same tasks in the same order."""
    chance = Random(seed)
    began = time.monotonic()
    burst = max(1, int(rate * BURST))
    for number in range(count):
        time.sleep(max(0.0, began + number // burst * burst / rate - time.monotonic()))
        publish(str(UUID(int=chance.getrandbits(128), version=4)), *choose(chance))


def choose(chance: Random) -> tuple[str, float]:
    """A task's name, and how long it takes."""
    name = chance.choices((EARLY, LATE, BROKEN), (60, 37, 3))[0]
    return name, LONG if chance.random() < 0.06 else chance.choice(SECONDS)


def publish(task_id: str, name: str, seconds: float) -> None:
    """One try, without retries: what is said to have been published was, and what raised may have been. After a failure
    the next has a connection of its own."""
    ended = "returned"
    try:
        app.send_task(name, args=(seconds,), task_id=task_id, retry=False)
    except FAILURES as error:
        ended = f"raised {type(error).__name__}"
        app.close()
    note(LEDGER / PUBLISHES, id=task_id, name=name, ended=ended)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
