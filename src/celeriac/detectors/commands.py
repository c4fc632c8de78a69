"""The commands that show a person what was seen, in the words of the broker at hand."""

from __future__ import annotations

from celeriac.model.queue import Queue


def gives_back(queue: Queue) -> bool:
    """True on a broker that knows its consumers: what one holds is in the queue again when its connection ends."""
    return queue.latest.consumers is not None


def depth(queue: Queue) -> str:
    """How much waits in `queue`."""
    if gives_back(queue):
        return "rabbitmqctl list_queues name messages_ready consumers"
    return f"redis-cli LLEN {queue.name}"


def oldest(queue: Queue) -> str:
    """Which message is the next of `queue`."""
    if gives_back(queue):
        return "rabbitmqctl list_queues name head_message_timestamp"
    return f"redis-cli LINDEX {queue.name} -1"


def consumers(queue: Queue) -> str:
    """Who is connected to take from `queue`."""
    return "rabbitmqctl list_consumers" if gives_back(queue) else "redis-cli CLIENT LIST"
