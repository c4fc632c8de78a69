"""Which of RabbitMQ's queues hold work, and which stand aside: dead-lettered, delayed, or no task queue at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from celeriac.brokers.rabbit_management import Binding, Queue
from celeriac.brokers.redis_keys import is_mailbox

DELAYED = re.compile(r"(^|_)celery_delayed_\d+$")
"""Queues of native delayed delivery (kombu/transport/native_delayed_delivery.py, level_name): 28 for each broker."""
_ANSWERS = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
"""A queue of results (`rpc://`) has the name of its app's thread (celery/app/base.py, thread_oid)."""

Bindings = Callable[[str], Iterable[Binding]]


def holds_tasks(name: str) -> bool:
    """False for queues of remote control, events, results, and our own."""
    return not (is_mailbox(name) or name.startswith(("celeriac.", "amq.gen-")) or _ANSWERS.match(name))


def roles(queues: Iterable[Queue], bindings: Bindings) -> Mapping[str, str]:
    """The role of each queue that stands aside, by name. `bindings` tells where an exchange leads.

    What delays messages by a time to live passes them on to work: where it leads is no dead letter's place.
    """
    found = {queue.name: "delayed" for queue in queues if DELAYED.search(queue.name)}
    known = {queue.name: queue for queue in queues}
    targets = {
        target: None
        for queue in queues
        if queue.name not in found and not _passes_on(queue)
        for target in _leads_to(queue, bindings)
        if target in known and target not in found
    }
    return found | {name: "delayed" if _passes_on(known[name]) else "dead-letter" for name in targets}


def _passes_on(queue: Queue) -> bool:
    return queue.argument("message-ttl") is not None and queue.argument("dead-letter-exchange") is not None


def _leads_to(queue: Queue, bindings: Bindings) -> Iterable[str]:
    exchange, key = queue.argument("dead-letter-exchange"), queue.argument("dead-letter-routing-key")
    if not isinstance(exchange, str):
        return ()
    if not exchange:
        return (key,) if isinstance(key, str) else ()
    return (one.destination for one in bindings(exchange) if one.destination_type == "queue")
