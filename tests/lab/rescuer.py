"""A rescuer in a process of its own, to be killed: `python -m lab.rescuer BROKER STORE`, claims as JSON on stdin."""

from __future__ import annotations

import json
import sys
from time import time

from celeriac.brokers.base import Claim
from celeriac.recovery.rescue import Step
from celeriac.recovery.restoring import Restoring
from celeriac.store import Store
from lab.broker import opened


def steps(claims: list[Claim]) -> list[Step]:
    """A plan that puts these back."""
    return [Step(one.task_id, "lab.noop", "celery", "w1@lab", "i1", False, one) for one in claims]


def main(broker: str, store: str) -> None:
    """Put back what stdin names, under the lease."""
    kept = Store.existing(store)
    claims = [Claim(**one) for one in json.load(sys.stdin)]

    def fence() -> int:
        number = kept.lease("recover", "first", time(), 10)
        assert number is not None
        return number

    with opened(broker) as reached:
        Restoring(kept, reached).put_back(steps(claims), "first", fence, time())


if __name__ == "__main__":
    main(*sys.argv[1:])
