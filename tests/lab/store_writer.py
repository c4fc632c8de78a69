"""A process that records batches for ever and says the number of each once it is committed; made to be killed.

python -m lab.store_writer URL FIRST
"""

from __future__ import annotations

import sys
from itertools import count

from celeriac.model.event import Event
from celeriac.model.source import SourceMark
from celeriac.store import Batch, Store
from lab.lifecycle import life

PER_BATCH = 20


def batch(number: int) -> Batch:
    """The batch of that number: twenty whole task lives."""
    at = 1_000.0 + number
    return Batch(now=at, events=tuple(_events(number, at)), marks=(SourceMark("events", at),))


def task_ids(number: int) -> list[str]:
    """The tasks of that batch."""
    return [f"{number}-{place}" for place in range(PER_BATCH)]


def _events(number: int, at: float) -> list[Event]:
    return [one for task_id in task_ids(number) for one in life(task_id, at)]


def main(url: str, first: int) -> None:
    """Record from batch `first` on until killed."""
    store = Store.open(url)
    for number in count(first):
        store.record(batch(number))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
