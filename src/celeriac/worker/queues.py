"""Which queue a message came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def queue_of(queues: Any, delivery: Mapping[str, Any]) -> str | None:
    """The queue's name, None when the delivery does not tell. `queues` are the app's (celery/app/amqp.py, Queues).

    On Redis, and by default everywhere, the routing key is the queue's name; a topic exchange needs the queue that is
    bound with exactly this key.
    """
    key, exchange = delivery.get("routing_key"), delivery.get("exchange")
    if key in queues:
        return str(key)
    bound = (one for one in queues.consume_from.values() if one.routing_key == key and one.exchange.name == exchange)
    return next((str(one.name) for one in bound), None)
