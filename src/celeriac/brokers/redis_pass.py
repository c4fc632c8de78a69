"""One search of a Redis broker: every priority list and the unacknowledged messages, as a course of questions.

Why `absent` is true. The lists are walked in pages; then one MULTI lists the tags of all unacknowledged deliveries and
reads both ends of every list, in one moment. What stood in a list at that moment was there since the walk, which showed
it, or came in at an end, which is read now, as far as a message that kept its place. What was unacknowledged at that
moment is known by its tag, or is read in the next such moment: a tag that is gone by then was acknowledged, or its
message stands at the end of a list, which that moment shows. So what is nowhere in it was not in the broker.

It may have been on its way: popped, and not noted as unacknowledged yet (kombu/transport/redis.py, `_brpop_read`,
`QoS.append`). So one absence proves no loss, and two do only once no living consumer can have it in its socket.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from celeriac.brokers.messages import Message, read_delivery, read_message
from celeriac.brokers.redis_discovery import Discovery
from celeriac.brokers.redis_keys import Keys, is_mailbox
from celeriac.brokers.redis_link import Command
from celeriac.brokers.redis_list import Asking, Inspect, ListReading, UnreadError
from celeriac.brokers.redis_tags import Tags
from celeriac.model.sighting import Place, Search, Wanted

TAGS_LIMIT = 50_000
"""Unacknowledged messages: to list the tags of more would keep the server too long."""
ASIDE = 2 << 20
"""Bytes that may be read of a queue in which nothing that is wanted should stand."""
MISSED_LIMIT = 20_000
CHUNK = 200
UNACKED = "the unacknowledged messages"
MOMENTS = 6
"""Tries to see everything in one moment, on a broker where much moves."""
ANY_SIZE = 1 << 30
STEPS = range(10)
"""Every priority there is may have a list of its own (`priority_steps` in `broker_transport_options`)."""
_WORDS = re.compile(rb'"([^"\\]{1,255})"')


@dataclass(slots=True)
class Known:
    """What is kept from search to search: `filled` are the lists that ever held something, `since` when each task
    was wanted first after it was last found."""

    keys: Keys
    discovery: Discovery
    tags: Tags = field(default_factory=Tags)
    filled: set[bytes] = field(default_factory=set)
    since: dict[str, float] = field(default_factory=dict)

    def miss(self, ids: Iterable[str], at: float) -> None:
        """These are wanted from `at` on, if they were not before."""
        for one in ids:
            self.since.setdefault(one, at)
        for one in [*islice(self.since, max(0, len(self.since) - MISSED_LIMIT))]:
            del self.since[one]


class Pass:
    """One search, begun at `began`. `affordable` is how many more bytes it may read."""

    def __init__(self, known: Known, wanted: Wanted, began: float) -> None:
        self.began = began
        self.affordable = 0.0
        self._known = known
        self._wanted = wanted.ids
        self._found: dict[str, Place] = {}
        self._gaps: list[str] = []
        self._unread: dict[str, str] = {}
        self._under = UNACKED
        known.miss(wanted.ids, began)
        self._named = {queue for queue in wanted.ids.values() if queue and not is_mailbox(queue)}
        self._everywhere = any(queue not in known.discovery.queues for queue in wanted.ids.values())
        queues: dict[str, Iterable[int]] = {**dict.fromkeys(self._named, STEPS), **known.discovery.queues}
        self._lists = {
            known.keys.list(queue, step): queue for queue, steps in queues.items() for step in (*STEPS, *steps)
        }
        self._readings: dict[bytes, ListReading] = {}

    def told(self, *, done: bool) -> Search:
        """What it has come to."""
        found = dict(self._found)
        if not done:
            return Search(self.began, done=False, found=found)
        missing = [one for one in self._wanted if one not in found]
        unsure = {one: why for one in missing if (why := self._doubt(one))}
        return Search(self.began, done=True, found=found, absent=frozenset(missing).difference(unsure), unsure=unsure)

    def give_up(self, seconds: float) -> None:
        """It ends here, having taken that long."""
        self._gaps.append(f"the backlog of {self._under} is too deep to be searched in {seconds:g} s")

    def walk(self) -> Asking:
        """The questions, until all that is wanted is found, or everything was looked through."""
        try:
            yield from self._read_unacked()
            yield from self._walk_lists(self._known.filled & self._lists.keys())
            yield from self._walk_filled()
            yield from self._read_unacked()
            yield from self._prove()
        except UnreadError as error:
            self._gaps.append(str(error))

    @property
    def complete(self) -> bool:
        """True when all that is wanted was found."""
        return len(self._found) == len(self._wanted)

    def _doubt(self, task_id: str) -> str:
        """Why its absence is not certain, "" when it is. A queue that is known by name is where its tasks stand; others
        were looked through all the same, but need not have been."""
        if self._gaps:
            return self._gaps[0]
        queue, discovery = self._wanted[task_id], self._known.discovery
        if queue in discovery.queues:
            return self._unread.get(queue, "")
        if self._unread:
            return next(iter(self._unread.values()))
        if discovery.whole_since >= self._known.since.get(task_id, self.began):
            return ""
        why = next((spot.why for spot in discovery.blind_spots), "the next pass over the keyspace is not done yet")
        return f"it may stand in a queue that is not known: {why}"

    # Unacknowledged messages

    def _read_unacked(self) -> Asking:
        (count,) = yield [("HLEN", self._unacked)]
        if _readable(count, UNACKED) > TAGS_LIMIT:
            raise UnreadError(f"{count} messages are unacknowledged: more than are searched")
        (tags,) = yield [("HKEYS", self._unacked)]
        self._known.tags.list(_readable(tags, UNACKED))
        unread = self._known.tags.unread
        for start in range(0, len(unread), CHUNK):
            tags = unread[start : start + CHUNK]
            (values,) = yield [("HMGET", self._unacked, *tags)]
            self._take(tags, values)
        self._meet_held()

    def _take(self, tags: Sequence[bytes], values: Any) -> None:
        for tag, raw in zip(tags, _readable(values, UNACKED), strict=True):
            if raw is None:
                continue  # acknowledged, or put back, since the tags were listed
            delivery = read_delivery(raw, ANY_SIZE)
            self._known.tags.read(tag, delivery)
            if delivery is None:
                self._meet_within(raw, Place("unacked"))

    def _meet_held(self) -> None:
        for task_id, exchange, routing_key in self._known.tags.held:
            if task_id in self._wanted:
                self._meet(task_id, Place("unacked", self._known.discovery.queue_of(exchange, routing_key)))

    # Lists

    def _walk_lists(self, keys: Iterable[bytes]) -> Asking:
        """Those of wanted queues first."""
        for key in sorted(keys, key=lambda one: (self._lists[one] not in self._named, one)):
            yield from self._walk_list(key)

    def _walk_list(self, key: bytes) -> Asking:
        queue = self._lists[key]
        self._known.filled.add(key)
        ahead = sum(
            reading.length for one, reading in self._readings.items() if one < key and self._lists[one] == queue
        )
        reading = ListReading(key, f"queue {queue}", self._seer(queue, ahead), lambda: self._affordable(queue))
        self._readings[key], self._under = reading, reading.label
        try:
            yield from reading.walk()
        except UnreadError as error:
            self._unread[queue] = str(error)
            del self._readings[key], self._lists[key]

    def _walk_filled(self) -> Asking:
        """Walk those of the others that hold something now: one question tells that mostly none does."""
        others = sorted(self._lists.keys() - self._readings.keys())
        for start in range(0, len(others), CHUNK):
            keys = others[start : start + CHUNK]
            (filled,) = yield [("EXISTS", *keys)]
            if _readable(filled, "the queues"):
                lengths = yield [("LLEN", key) for key in keys]
                for key, length in zip(keys, lengths, strict=True):
                    if length != 0:
                        yield from self._walk_list(key)

    def _affordable(self, queue: str) -> float:
        """A queue where nothing that is wanted should stand is looked through only when that is soon done."""
        aside = not (self._everywhere or queue in self._named)
        return min(self.affordable, ASIDE) if aside else self.affordable

    def _seer(self, queue: str, ahead: int) -> Inspect:
        def see(raw: bytes, before: int | None) -> Message | None:
            message = read_message(raw, ANY_SIZE)
            place = Place("ready", queue, None if before is None else ahead + before + 1)
            if message is None:
                self._meet_within(raw, place)
            else:
                self._meet(message.task_id, place)
            return message

        return see

    # One moment

    def _prove(self) -> Asking:
        """Read until one moment has shown everything. Tags that were new in it are read in the next."""
        shown = False
        for _ in range(MOMENTS):
            unread = self._known.tags.unread
            before, shown = shown, (yield from self._moment(unread))
            if shown and (before or not self._known.tags.unread):
                return
            if not shown:
                yield from self._walk_lists([key for key, one in self._readings.items() if not one.shown])
                yield from self._walk_filled()
        raise UnreadError("the broker cannot be searched: too much moved while it was looked through")

    def _moment(self, unread: Sequence[bytes]) -> Generator[Sequence[Command], list[Any], bool]:
        """All that can have come since the walk, in one transaction; true when that shows the whole of every list."""
        others = sorted(self._lists.keys() - self._readings.keys())
        commands: list[Command] = [("HKEYS", self._unacked)]
        commands += [("HMGET", self._unacked, *unread)] if unread else []
        commands += [("EXISTS", *others[at : at + CHUNK]) for at in range(0, len(others), CHUNK)]
        ends = {key: reading.ends() for key, reading in self._readings.items()}
        asked = [*commands, *(command for one in ends.values() for command in one)]
        told = yield [("MULTI",), *asked, ("EXEC",)]
        fault = next((one for one in told if isinstance(one, Exception)), None)
        replies = iter(_readable(fault or told[-1], "the broker"))
        tags = _readable(next(replies), UNACKED)
        if unread:
            self._take(unread, next(replies))
        self._known.tags.list(tags)
        self._meet_held()
        empty = all([_readable(next(replies), "the queues") == 0 for _ in range(0, len(others), CHUNK)])
        shown = [self._readings[key].proves([next(replies) for _ in asked]) for key, asked in ends.items()]
        return empty and all(shown)

    # What is met

    def _meet(self, task_id: str | None, place: Place) -> None:
        if task_id is not None and task_id in self._wanted:
            self._found.setdefault(task_id, place)
            self._known.since.pop(task_id, None)

    def _meet_within(self, raw: bytes, place: Place) -> None:
        """What cannot be read as a message may be one all the same: then the id stands in it as a word."""
        for word in _WORDS.findall(raw):
            self._meet(word.decode(errors="replace"), place)

    @property
    def _unacked(self) -> bytes:
        return self._known.keys.key("unacked")


def _readable(reply: Any, what: str) -> Any:
    """The reply. Raises UnreadError for an error in its place."""
    if isinstance(reply, Exception):
        raise UnreadError(f"{what} cannot be read: {reply}")
    return reply
