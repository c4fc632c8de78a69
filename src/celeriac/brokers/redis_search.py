"""Looking for tasks in Redis, within a budget for each second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from celeriac.brokers.redis_discovery import Discovery
from celeriac.brokers.redis_keys import Keys
from celeriac.brokers.redis_link import Command, Link
from celeriac.brokers.redis_list import Asking
from celeriac.brokers.redis_pass import Known, Pass
from celeriac.model.sighting import Search, Wanted


class Budget:
    """What may be spent in a second: bytes of replies, and commands. What an exchange took too much is owed."""

    def __init__(self, size: int, commands: int) -> None:
        self.size = size
        self._rates = (float(size), float(commands))
        self._left = self._rates
        self._at = float("-inf")

    def refill(self, at: float) -> None:
        """It is `at` now."""
        passed = min(1.0, max(0.0, at - self._at))
        size, commands = (min(rate, left + rate * passed) for rate, left in zip(self._rates, self._left, strict=True))
        self._left, self._at = (size, commands), at

    def spend(self, commands: Sequence[Command], replies: object) -> None:
        """These were exchanged."""
        self._left = (self._left[0] - _weight(replies), self._left[1] - len(commands))

    @property
    def spent(self) -> bool:
        """True when nothing is left for now."""
        return min(self._left) <= 0


@dataclass(slots=True)
class _Run:
    """A pass under way, and the replies that its next questions follow from."""

    one: Pass
    walk: Asking
    replies: list[Any] | None = None


class Searcher:
    """One search after another, each over as many calls as the budget takes. For one thread.

    `seconds` is how long one may take; then what was not found is unsure.
    """

    def __init__(self, link: Link, keys: Keys, discovery: Discovery, budget: Budget, seconds: float) -> None:
        self._link = link
        self._known = Known(keys, discovery)
        self._budget = budget
        self._seconds = seconds
        self._run: _Run | None = None

    def search(self, wanted: Wanted, at: float) -> Search:
        """See Broker. Raises BrokerUnavailableError, BrokerError; the next call then begins anew."""
        self._budget.refill(at)
        run, self._run = self._run or self._begin(wanted, at), None
        done = self._go_on(run, at)
        if not done:
            self._run = run
        return run.one.told(done=done)

    def close(self) -> None:
        """Drop the connection, and what was begun."""
        self._run = None
        self._link.close()

    def _begin(self, wanted: Wanted, at: float) -> _Run:
        one = Pass(self._known, wanted, at)
        return _Run(one, one.walk())

    def _go_on(self, run: _Run, at: float) -> bool:
        """True when the search is over."""
        left = self._seconds - (at - run.one.began)
        run.one.affordable = left * self._budget.size
        if left <= 0:
            run.one.give_up(self._seconds)
            return True
        while not (self._budget.spent or run.one.complete):
            try:
                commands = next(run.walk) if run.replies is None else run.walk.send(run.replies)
            except StopIteration:
                return True
            run.replies = self._link.send(commands)
            self._budget.spend(commands, run.replies)
        return run.one.complete


def _weight(reply: object) -> int:
    if isinstance(reply, bytes):
        return len(reply)
    return sum(map(_weight, reply)) if isinstance(reply, list) else 0
