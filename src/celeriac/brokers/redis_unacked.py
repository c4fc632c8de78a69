"""What was delivered and not acknowledged: the `unacked` hash and its index (kombu/transport/redis.py, QoS)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from celeriac.brokers.messages import read_delivery
from celeriac.brokers.redis_keys import Keys
from celeriac.brokers.redis_link import Command, Link
from celeriac.model.broker import Held
from celeriac.model.finding import BlindSpot

BYTE_BUDGET = 8 << 20
"""Bytes of messages that one look may fetch."""
CHUNK = 100

Router = Callable[[str, str], str | None]
"""Exchange and routing key to the queue's name."""


@dataclass(frozen=True, slots=True)
class Unacked:
    """The held messages, oldest delivery first. `count` is whole even when `held` is not `complete`."""

    held: tuple[Held, ...] | None
    count: int | None
    complete: bool
    blind_spots: tuple[BlindSpot, ...] = ()


def read_unacked(link: Link, keys: Keys, limit: int, route: Router) -> Unacked:
    """One look at up to `limit` messages, walked by the index so that the oldest come first."""
    commands: list[Command] = [
        ("MULTI",),
        ("HLEN", keys.key("unacked")),
        ("ZCARD", keys.key("unacked_index")),
        ("ZRANGE", keys.key("unacked_index"), 0, max(0, limit - 1), "WITHSCORES"),
        ("EXEC",),
    ]
    answer = link.send(commands)[-1]
    parts = answer if isinstance(answer, list) else [answer]
    fault = next((part for part in parts if isinstance(part, Exception)), None)
    if fault is not None:
        return _refused(link, keys, fault)
    count, indexed, flat = parts
    since = {tag: float(score) for tag, score in zip(flat[: 2 * limit : 2], flat[1::2], strict=False)}
    held, whole = _fetch(link, keys, since, route)
    complete = whole and count <= len(since)
    return Unacked(held, count, complete, tuple(_gaps(count, indexed, complete=complete)))


def _refused(link: Link, keys: Keys, fault: Exception) -> Unacked:
    """A full server refuses a transaction, even one that only reads (redis/src/server.c, processCommand), but says
    whether there is anything."""
    (count,) = link.send([("HLEN", keys.key("unacked"))])
    if count == 0:
        return Unacked((), 0, complete=True)
    return Unacked(None, None, complete=False, blind_spots=(_unseen(f"it cannot be read: {fault}"),))


def _fetch(link: Link, keys: Keys, since: dict[bytes, float], route: Router) -> tuple[tuple[Held, ...], bool]:
    """The messages of these tags, and whether the budget allowed all. A tag without one was acknowledged meanwhile."""
    tags = list(since)
    held: list[Held] = []
    spent = 0
    for start in range(0, len(tags), CHUNK):
        if spent > BYTE_BUDGET:
            return tuple(held), False
        chunk = tags[start : start + CHUNK]
        for tag, raw in zip(chunk, _messages(link, keys, chunk), strict=True):
            if raw is not None:
                spent += len(raw)
                held.append(_held(tag, raw, since[tag], route))
    return tuple(held), True


def _messages(link: Link, keys: Keys, tags: Sequence[bytes]) -> list[bytes | None]:
    found: list[bytes | None] = link.ask("HMGET", keys.key("unacked"), *tags)
    return found


def _held(tag: bytes, raw: bytes, since: float, route: Router) -> Held:
    name = tag.decode(errors="replace")
    delivery = read_delivery(raw)
    if delivery is None:
        return Held(name, None, None, None, since)
    message = delivery.message
    queue = route(delivery.exchange, delivery.routing_key)
    return Held(name, message.task_id, message.name, queue, since, message.eta, message.redelivered)


def _gaps(count: int, indexed: int, *, complete: bool) -> Iterator[BlindSpot]:
    if count > indexed:
        yield _unseen(f"{count - indexed} of them stand in no index, so that kombu never restores them")
    elif not complete:
        yield _unseen(f"{count} are more than one look may fetch (broker.max_messages_per_look, and a limit in bytes)")


def _unseen(why: str) -> BlindSpot:
    return BlindSpot("unacknowledged messages", why, "which tasks are held, and since when")
