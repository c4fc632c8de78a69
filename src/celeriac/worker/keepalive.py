"""A heartbeat on the visibility timeout: what a worker really works on is not given to another one.

kombu gives a delivery that was not acknowledged to the next worker when its score in `unacked_index`, the time of its
delivery, is older than the visibility timeout (kombu/transport/redis.py, QoS.restore_visible). Here the score is
written anew when a third of that time has passed, by the worker's own clock as kombu writes it. Nothing is ever
created, and a score that somebody else wrote is left alone: then the delivery is theirs.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from celery.worker import state

from celeriac.telemetry import KeepaliveUnavailable
from celeriac.worker.guard import guarded, say
from celeriac.worker.holdings import Holding, Holdings, orphans

if TYPE_CHECKING:
    from celeriac.transport.redis_link import RedisLink
    from celeriac.worker.pool import Pool

TICKS = 6
"""Looks in one visibility timeout; a score is renewed at the second, so that several may fail before it is too late."""
LONGEST_TICK = 10.0
HUNG_AFTER = 3
"""Ticks without a turn of the main loop after which nothing is kept."""
AT_ONCE = 250
SOLO = "solo"
_TOUCH = """
local kept = {}
for i = 1, #ARGV, 4 do
  local score = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or nil)
  local known = score and score >= tonumber(ARGV[i + 1]) and score <= tonumber(ARGV[i + 2])
  local ours = known or score == tonumber(ARGV[i + 3])
  if ours then redis.call('ZADD', KEYS[1], 'XX', ARGV[i + 3], ARGV[i]) end
  kept[#kept + 1] = ours and 1 or 0
end
return kept
"""


class Keepalive:
    """Of one worker: a thread of its own while there is a connection to a Redis, or to a Valkey.

    The worker's own timer proves that its main loop turns; when that hangs, this ends. In a solo pool the task runs in
    the main loop, so that a task which runs is all the proof there is; so is a timer's own greenlet in a green pool.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._entry: Any = None
        self._watch: Watch | None = None
        self._told = False

    @guarded
    def start(self, consumer: Any) -> None:
        """The worker is connected, for the first time or again: what it held before was given back by kombu."""
        self.pause(consumer)
        if consumer.connection.transport.driver_type == "redis":
            self._watch = watch = Watch(consumer, self._pool)
            self._entry = consumer.timer.call_repeatedly(watch.tick, watch.turned)
            watch.start()
        elif not self._told:
            self._told = True
            say(KeepaliveUnavailable(str(consumer.connection.transport.driver_type)))

    @guarded
    def pause(self, consumer: Any) -> None:
        """The connection is lost, and all that was delivered on it."""
        self._rest(consumer)
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.end()

    @guarded
    def stop(self, consumer: Any) -> None:
        """The worker takes no more tasks. What still runs is kept until `close`, though no loop turns any more."""
        self._rest(consumer)
        if self._watch is not None:
            self._watch.drain()

    @guarded
    def close(self, consumer: Any) -> None:
        """Nothing runs any more."""
        self.pause(consumer)

    def _rest(self, consumer: Any) -> None:
        entry, self._entry = self._entry, None
        if entry is not None:
            consumer.timer.cancel(entry)


class Watch:
    """Over the deliveries of one connection. Times are seconds."""

    def __init__(self, consumer: Any, pool: Pool) -> None:
        from celeriac.transport.redis_link import RedisLink

        self._channel: Any = consumer.task_consumer.channel
        self._pool = pool
        self._timeout = float(self._channel.visibility_timeout)
        self.tick = min(self._timeout / TICKS, LONGEST_TICK)
        self._link: RedisLink = RedisLink(consumer.connection, patience=max(1.0, self.tick / 2))
        self._holdings = Holdings(time())
        self._turned_at = monotonic()
        self._draining = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="celeriac-keepalive", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def turned(self) -> None:
        """The main loop has turned."""
        self._turned_at = monotonic()

    def drain(self) -> None:
        """The main loop has turned for the last time."""
        self._draining = True

    def end(self) -> None:
        """Look no more. Does not wait: what is on its way changes nothing that is not this worker's."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(self.tick):
            if self._works():
                self._keep(time())
        self._link.close()

    def _works(self) -> bool:
        if self._draining or monotonic() - self._turned_at <= HUNG_AFTER * self.tick:
            return True
        return self._pool.name == SOLO and bool(state.active_requests)

    @guarded
    def _keep(self, now: float) -> None:
        qos = self._channel.qos
        orphaned = orphans(tuple(state.requests.values()), self._pool.members) if self._pool.forks else ()
        self._holdings.look(qos._delivered, {*tuple(qos._dirty), *orphaned}, now)
        due = self._holdings.due(now, self._timeout / 3)
        for first in range(0, len(due), AT_ONCE):
            self._touch(due[first : first + AT_ONCE], now)

    def _touch(self, due: Sequence[Holding], now: float) -> None:
        """Raises TransportUnavailableError."""
        told = (word for one in due for word in (one.tag, *map(repr, (one.low, one.high, one.renewed(now)))))
        kept = self._link.ask("EVAL", _TOUCH, 1, self._index, *told)
        for one, ours in zip(due, kept, strict=True):
            one.settle(ours=bool(ours))

    @property
    def _index(self) -> str:
        return f"{self._channel.global_keyprefix}{self._channel.unacked_index_key}"
