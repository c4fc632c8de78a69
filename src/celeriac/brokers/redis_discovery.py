"""Which queues there are: found by SCAN in small steps, never by KEYS."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic

from celeriac.brokers.messages import read_message
from celeriac.brokers.redis_keys import DEFAULT_STEPS, SEPARATOR, Keys, is_mailbox
from celeriac.brokers.redis_link import Link
from celeriac.model.finding import BlindSpot

PASS_EVERY = 15.0
"""Seconds from the begin of one pass over the keyspace to the next."""
SCAN_COUNT = 1_000
CALLS_PER_LOOK = 40
SECONDS_PER_LOOK = 0.25
_BINDINGS = "_kombu.binding."
_PHASES = ("set", "list")


class Discovery:
    """The queues known so far, from three places: bindings, lists that hold Celery's messages, and living workers.

    A pass walks the keyspace twice, once for the binding sets and once for the lists; each look takes it a bounded step
    further. What was found once stays known, since an empty list is no key.
    """

    def __init__(self, keys: Keys, max_queues: int) -> None:
        self._keys = keys
        self._max_queues = max_queues
        self._steps: dict[str, tuple[int, ...]] = {}
        self._routes: dict[tuple[str, str], frozenset[str]] = {}
        self._dropped: set[str] = set()
        self._refused = ""
        self._phase = 0
        self._cursor = 0
        self._began: float | None = None
        self._walking = False
        self._whole = False
        self._whole_since = float("-inf")
        self._binding: set[str] = set()
        self._bound: tuple[str, ...] | None = None
        self._bound_at: float | None = None
        self._again = False

    @property
    def whole_since(self) -> float:
        """When the last pass that reached its end began: every queue that stood on the broker then is known."""
        return self._whole_since

    @property
    def queues(self) -> dict[str, tuple[int, ...]]:
        """Name → the priority steps its lists may have."""
        return dict(self._steps)

    @property
    def bound(self) -> tuple[str, ...] | None:
        """Queues that an exchange led to when the newest pass over the bindings ended; None before the first did."""
        return self._bound

    @property
    def bound_at(self) -> float | None:
        """When that pass began."""
        return self._bound_at

    @property
    def blind_spots(self) -> tuple[BlindSpot, ...]:
        """What keeps the list of queues from being whole."""
        spots = []
        if self._refused:
            spots.append(_unseen(f"SCAN is refused: {self._refused}"))
        elif not self._whole:
            spots.append(_unseen("the first pass over the keyspace is not done yet"))
        if self._dropped:
            spots.append(_unseen(f"{len(self._dropped)} queues are over the limit of broker.max_queues"))
        return tuple(spots)

    def queue_of(self, exchange: str, routing_key: str) -> str | None:
        """The one queue such a message goes to; None when the bindings name none, or several."""
        if not exchange:
            return routing_key or None
        bound = self._routes.get((exchange, routing_key), frozenset())
        if len(bound) == 1:
            return next(iter(bound))
        return routing_key if not bound and routing_key in self._steps else None

    def watch(self, names: Iterable[str]) -> None:
        """Look at these too: what living workers consume. May come from another thread than `advance`."""
        for name in names:
            if not is_mailbox(name):
                self._learn(name, 0)

    def renew(self) -> None:
        """What is bound may have changed: the next pass begins as soon as the one under way is done."""
        self._again = True

    def advance(self, link: Link, at: float) -> None:
        """Take the pass a step further, or begin the next when it is time."""
        if not self._walking and not self._due(at):
            return
        if not self._walking:
            self._walking, self._began, self._phase, self._cursor = True, at, 0, 0
            self._binding, self._again = set(), False
        deadline = monotonic() + SECONDS_PER_LOOK
        for _ in range(CALLS_PER_LOOK):
            if not self._step(link) or monotonic() > deadline:
                return

    def _due(self, at: float) -> bool:
        return self._again or self._began is None or not 0 <= at - self._began < PASS_EVERY

    def _step(self, link: Link) -> bool:
        """One SCAN; false when the pass is over."""
        kind = _PHASES[self._phase]
        pattern = self._keys.pattern(f"{_BINDINGS}*" if kind == "set" else "*")
        reply = link.send([("SCAN", self._cursor, "MATCH", pattern, "COUNT", SCAN_COUNT, "TYPE", kind)])[0]
        if not isinstance(reply, list):
            self._refused, self._walking = str(reply), False
            return False
        self._refused = ""
        self._cursor = int(reply[0])
        self._learn_routes(link, reply[1]) if kind == "set" else self._learn_lists(link, reply[1])
        if self._cursor == 0:
            self._end_phase(kind)
        if self._phase == len(_PHASES):
            self._walking, self._whole = False, True
            self._whole_since = self._began or self._whole_since
        return self._walking

    def _end_phase(self, kind: str) -> None:
        self._phase += 1
        if kind == "set":
            self._bound, self._bound_at = tuple(sorted(self._binding)), self._began or self._bound_at

    def _learn_routes(self, link: Link, found: list[bytes]) -> None:
        exchanges = {key: self._exchange(key) for key in found}
        wanted = [
            key for key, exchange in exchanges.items() if not exchange.endswith("pidbox") and exchange != "celeryev"
        ]
        members = link.send([("SSCAN", key, 0, "COUNT", SCAN_COUNT) for key in wanted])
        for key, reply in zip(wanted, members, strict=True):
            for member in reply[1] if isinstance(reply, list) else ():
                self._learn_route(exchanges[key], member.decode(errors="replace"))

    def _learn_route(self, exchange: str, member: str) -> None:
        routing_key, _, rest = member.partition(SEPARATOR)
        queue = rest.rpartition(SEPARATOR)[2]
        self._binding.add(queue)
        if is_mailbox(queue) or not self._learn(queue, 0):
            return
        route = (exchange, routing_key)
        self._routes[route] = self._routes.get(route, frozenset()) | {queue}

    def _learn_lists(self, link: Link, found: list[bytes]) -> None:
        parts = {key: self._keys.split(key) for key in found}
        unknown = [key for key, part in parts.items() if part and part[1] not in self._steps.get(part[0], ())]
        tails = link.send([("LINDEX", key, -1) for key in unknown])
        for key, tail in zip(unknown, tails, strict=True):
            message = read_message(tail) if isinstance(tail, bytes) else None
            part = parts[key]
            if part and message is not None and message.name is not None:
                self._learn(*part)

    def _learn(self, queue: str, step: int) -> bool:
        """Know `queue`; false when there is no room for it."""
        if queue not in self._steps and len(self._steps) >= self._max_queues:
            if len(self._dropped) < self._max_queues:
                self._dropped.add(queue)
            return False
        self._steps[queue] = tuple(sorted({step, *self._steps.get(queue, DEFAULT_STEPS)}))
        return True

    def _exchange(self, key: bytes) -> str:
        return key.decode(errors="replace").removeprefix(self._keys.prefix).removeprefix(_BINDINGS)


def _unseen(why: str) -> BlindSpot:
    return BlindSpot("broker queues", why, "queues that nobody has named yet")
