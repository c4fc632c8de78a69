"""What happened to the broker between two looks, as evidence. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from celeriac.model.broker import BrokerLook
from celeriac.model.event import fingerprint
from celeriac.model.evidence import Evidence

_INFO = "redis-cli INFO"
CLOCKS = 1.0
"""Seconds by which we may be wrong about when the server did something."""


def changes(before: BrokerLook | None, after: BrokerLook) -> tuple[Evidence, ...]:
    """Restarts, flushes, evictions, refusals, deleted queues and lost connections of workers; nothing before there were
    two looks."""
    if before is None or before.at >= after.at:
        return ()
    if _differ(before.run_id, after.run_id):
        return (_restarted(before, after),)
    return (*_grown(before, after), *_deleted(before, after), *_lost_connections(before, after))


def remembered(before: BrokerLook | None, after: BrokerLook) -> BrokerLook:
    """`after` to compare the next look with: what it could not see is still as it was last seen, and was so then."""
    if before is None:
        return after
    if _is_nameless(before, after):
        return replace(after, at=before.at, run_id=before.run_id, published=before.published)
    return replace(after, published=before.published if after.published is None else after.published)


def _is_nameless(before: BrokerLook, after: BrokerLook) -> bool:
    return after.run_id is None and before.run_id is not None


def _differ(before: str | None, after: str | None) -> bool:
    return before is not None and after is not None and before != after


def _restarted(before: BrokerLook, after: BrokerLook) -> Evidence:
    """Another life of the server answers: it was restarted, or another took its place."""
    at = after.at if after.started_at is None else min(after.at, max(before.at, after.started_at))
    kept = "nothing" if after.persistence == "none" else after.persistence or "unknown"
    words = f"another life of the broker answers since then; what it keeps on disk: {kept}"
    return _edge("restarted", before, after, at, words, {"broker": after.kind, "persistence": after.persistence})


def _grown(before: BrokerLook, after: BrokerLook) -> Iterator[Evidence]:
    for what, field, words in (
        ("flushed", "flushes", "FLUSHDB or FLUSHALL was called"),
        ("evicted", "evicted_keys", f"keys were evicted for memory, policy {after.eviction_policy or 'unknown'}"),
        ("refused", "refused", "commands were refused for want of memory"),
    ):
        old, new = getattr(before, field), getattr(after, field)
        if old is not None and new is not None and new > old:
            data = {"count": new - old, "policy": after.eviction_policy}
            at = _emptied_by(before, after) if what == "flushed" else after.at
            if at is not None:
                yield _edge(what, before, after, at, f"{words} ({new - old:,} more)", data)


def _emptied_by(before: BrokerLook, after: BrokerLook) -> float | None:
    """When our database was surely empty: a record that began since began in an emptied one. None where it began long
    before: another database was flushed."""
    began = after.record_since
    if began is None or began > after.ended:
        return after.at
    return None if began < before.at - CLOCKS else max(began, before.at)


def _lost_connections(before: BrokerLook, after: BrokerLook) -> Iterator[Evidence]:
    """A connection that waited for messages is gone: what was popped for it and not read is gone with it."""
    if before.consumers is None or after.consumers is None:
        return
    there = {one.address for one in after.consumers}
    gone = [one for one in before.consumers if one.waiting and one.address not in there]
    if gone:
        words = f"{len(gone):,} connection(s) that waited for messages ended"
        yield _edge("connection-lost", before, after, after.at, words, {"count": len(gone)})


def _deleted(before: BrokerLook, after: BrokerLook) -> Iterator[Evidence]:
    """A queue that is gone, or that took fewer messages than before: it is another one of that name. Another life of
    the broker counts anew; while it does not say which one it is, nothing can be compared."""
    taken = None if _is_nameless(before, after) else after.published
    for queue, count in (before.published or {}).items():
        if taken is not None and (queue not in taken or taken[queue] < count):
            words = f"the queue {queue} was deleted" + (", and declared again" if queue in taken else "")
            yield _edge("queue-deleted", before, after, after.at, words, {"queue": queue}, "rabbitmqctl list_queues")


def _edge(
    what: str, before: BrokerLook, after: BrokerLook, at: float, words: str, data: dict[str, object], how: str = _INFO
) -> Evidence:
    name = f"broker-{what}"
    return Evidence(
        id=fingerprint(name, after.run_id, before.at, after.at, *([data["queue"]] if "queue" in data else [])),
        at=at,
        source="broker",
        what=name,
        host=after.address or after.kind,
        fact=words,
        how=how,
        data={"between": (before.at, after.at), **data},
    )
