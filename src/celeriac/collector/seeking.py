"""The seek loop: tasks that should have been seen and were not are looked for in the broker."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from celeriac.brokers import Broker
from celeriac.model.broker import BrokerLook
from celeriac.model.sighting import Search, Wanted
from celeriac.store import Batch, Store

IDLE = 1.0
SEEKING = 0.5
LIMIT = 5_000
"""Tasks looked for at once."""
LONGEST = 30.0
"""Seconds after which a task is looked for again at the latest, however often the answer was the same."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """The answer of the last search for a task, how often in a row it was that, and when to ask again."""

    answer: str
    times: int
    due: float


_Life = tuple[str | None, int | None, int | None, int | None] | None
"""Which life of the broker it is, how often it was emptied in that, how many commands it refused for want of memory
(what a worker took meanwhile, it could not write down), and how many keys it evicted that may be queues."""


def _life(look: BrokerLook | None) -> _Life:
    """A queue has no time to live: only a policy that takes any key takes it."""
    if look is None:
        return None
    takes_any = (look.eviction_policy or "").startswith("allkeys")
    return look.run_id, look.flushes, look.refused, look.evicted_keys if takes_any else None


class SeekLoop:
    """Search for suspects, and put on record what is found. Without any no question is asked.

    The same answer again doubles the wait: what is held for an hour does not cost a search each second. Two absences
    come as fast as they can: they prove a loss. A broker that was restarted, emptied, refuses or evicts is asked for
    everything anew: what is missed right after that, was lost to that.
    """

    name = "seek"

    def __init__(self, broker: Broker, store: Store) -> None:
        self.interval = IDLE
        self._broker = broker
        self._store = store
        self._wanted: Wanted | None = None
        self._turns: dict[str, _Turn] = {}
        self._life: _Life = None

    def step(self, now: float) -> bool:
        """Begin a search if need be, or go on with it. Raises BrokerError, after which the next one begins anew."""
        wanted = self._wanted or self._choose(now)
        if wanted is None:
            return False
        self._wanted = None
        search = self._broker.search(wanted, now)
        if search.done or search.found:
            self._store.record(Batch(now, search=search))
        if search.done:
            self._turns |= {one: self._turn(one, answer, now) for one, answer in _answers(search)}
        else:
            self._wanted = wanted
        return False

    def close(self) -> None:
        """The broker is the root's to close."""

    def _choose(self, now: float) -> Wanted | None:
        """The suspects whose turn it is."""
        suspects = self._store.suspects(LIMIT)
        if suspects and self._is_stirred():
            self._turns.clear()
        self._turns = {one: self._turns[one] for one in suspects if one in self._turns}
        self.interval = SEEKING if suspects else IDLE
        due = {one: queue for one, queue in suspects.items() if self._is_due(one, now)}
        return Wanted(due) if due else None

    def _is_stirred(self) -> bool:
        before, self._life = self._life, _life(self._store.broker())
        return before not in (None, self._life)

    def _is_due(self, task_id: str, now: float) -> bool:
        turn = self._turns.get(task_id)
        return turn is None or not now < turn.due <= now + LONGEST

    def _turn(self, task_id: str, answer: str, now: float) -> _Turn:
        last = self._turns.get(task_id)
        times = last.times + 1 if last is not None and last.answer == answer else 1
        free = 2 if answer == "absent" else 1
        wait = min(LONGEST, 2.0 ** (times - free)) if times >= free else 0.0
        return _Turn(answer, times, now + wait)


def _answers(search: Search) -> Iterable[tuple[str, str]]:
    for answer, ids in (("found", search.found), ("absent", search.absent), ("unsure", search.unsure)):
        yield from ((one, answer) for one in ids)
