"""How much waits in each queue, and which tasks stand at the two ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from celeriac.brokers.messages import Message, read_message
from celeriac.brokers.redis_keys import Keys
from celeriac.brokers.redis_link import Command, Link
from celeriac.model.finding import BlindSpot
from celeriac.model.queue import QueueSample

PEEK_BUDGET = 4 << 20
"""Bytes of messages that one look may fetch. Redis tells no element's size beforehand, so the lists take turns."""
PEEK_CHUNK = 64
_OLDEST, _NEWEST = -1, 0
"""kombu pushes on the left and pops on the right."""

Queues = Mapping[str, tuple[int, ...]]
_End = tuple[bytes, int]


@dataclass(frozen=True, slots=True)
class Depths:
    """One sample per queue that could be counted."""

    samples: tuple[QueueSample, ...]
    blind_spots: tuple[BlindSpot, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    message: Message | None
    since: float


class QueueReader:
    """Counts queues and peeks at their ends.

    A queue has a list for each priority and no common order, so the oldest is the tail that has stood longest, the
    newest the head that came last, by what earlier looks saw.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._ends: dict[_End, _Seen] = {}
        self._turn = 0

    def read(self, link: Link, at: float, queues: Queues) -> Depths:
        """One look at `queues`. An absent list is empty; a key of another type is a blind spot, not a queue."""
        lists = [(queue, self._keys.list(queue, step)) for queue, steps in queues.items() for step in steps]
        lengths = link.send([("LLEN", key) for _, key in lists])
        ready: dict[str, int] = dict.fromkeys(queues, 0)
        filled: dict[str, list[bytes]] = {queue: [] for queue in queues}
        odd: dict[str, str] = {}
        for (queue, key), length in zip(lists, lengths, strict=True):
            if not isinstance(length, int):
                odd[queue] = str(length)
            elif length:
                ready[queue] += length
                filled[queue].append(key)
        unpeeked = self._peek(link, at, [key for keys in filled.values() for key in keys])
        samples = (self._sample(queue, at, ready[queue], filled[queue]) for queue in queues if queue not in odd)
        return Depths(tuple(samples), tuple(_blind_spots(odd, unpeeked)))

    def _peek(self, link: Link, at: float, keys: Sequence[bytes]) -> int:
        """Fetch both ends of the lists; the number of lists that the budget left out."""
        turned = [*keys[self._turn % len(keys) :], *keys[: self._turn % len(keys)]] if keys else []
        before, self._ends = self._ends, {}
        spent = done = 0
        rest = iter(turned)
        while spent < PEEK_BUDGET and (chunk := list(islice(rest, PEEK_CHUNK))):
            ends: list[_End] = [(key, index) for key in chunk for index in (_OLDEST, _NEWEST)]
            commands: list[Command] = [("LINDEX", key, index) for key, index in ends]
            for end, raw in zip(ends, link.send(commands), strict=True):
                spent += len(raw) if isinstance(raw, bytes) else 0
                self._ends[end] = _seen(raw, at, before.get(end))
            done += len(chunk)
        left = len(turned) - done
        self._turn = self._turn + done if left else 0
        return left

    def _sample(self, queue: str, at: float, ready: int, keys: Iterable[bytes]) -> QueueSample:
        keys = list(keys)
        oldest = [seen for key in keys if (seen := self._ends.get((key, _OLDEST)))]
        newest = [seen for key in keys if (seen := self._ends.get((key, _NEWEST)))]
        first = min(oldest, key=lambda seen: seen.since).message if oldest else None
        last = max(newest, key=lambda seen: seen.since).message if newest else None
        return QueueSample(
            queue,
            at,
            ready,
            oldest_id=first.task_id if first else None,
            newest_id=last.task_id if last else None,
            oldest_name=first.name if first else None,
        )


def _seen(raw: object, at: float, before: _Seen | None) -> _Seen:
    message = read_message(raw) if isinstance(raw, bytes) else None
    if before is not None and before.message == message:
        return before
    return _Seen(message, at)


def _blind_spots(odd: Mapping[str, str], unpeeked: int) -> Iterable[BlindSpot]:
    for queue, why in islice(odd.items(), 5):
        yield BlindSpot(f"queue {queue}", f"its length cannot be read: {why}", "how much waits in it")
    if unpeeked:
        why = f"their messages are large; {PEEK_BUDGET >> 20} MiB are fetched per look"
        yield BlindSpot(f"ends of {unpeeked} lists", why, "which task waits longest there")
