"""Publishing a message to RabbitMQ again, exactly as it was, confirmed."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from amqp import Message

from celeriac.brokers.rabbit_line import Line
from celeriac.errors import BrokerError

_PROPERTIES = frozenset(
    {
        "delivery_mode",
        "priority",
        "correlation_id",
        "reply_to",
        "expiration",
        "message_id",
        "timestamp",
        "type",
        "app_id",
    }
)
"""What else a message may carry (amqp/basic_message.py); the server refuses a `user_id` that is not ours."""
DURABLE = 2


def publish(line: Line, payload: Mapping[str, Any]) -> None:
    """Publish `payload` (`worker/payload.py`, `exact`) and wait for the server's word that a queue has it.

    Raises BrokerUnavailableError, or BrokerError when it leads to no queue: `mandatory` has it returned, and the return
    comes before the confirm.
    """
    exchange, routing_key = str(payload.get("exchange") or ""), str(payload.get("routing_key") or "")
    properties = {key: value for key, value in (payload.get("properties") or {}).items() if key in _PROPERTIES}
    message = Message(
        b64decode(payload["body"]),
        content_type=payload.get("content_type"),
        content_encoding=payload.get("content_encoding"),
        application_headers=dict(payload.get("headers") or {}),
        **{"delivery_mode": DURABLE, **properties},
    )
    returned: list[str] = []
    with line.door():
        channel = line.channel()
        handlers = channel.events["basic_return"]
        handlers.clear()
        handlers.add(lambda error, *_: returned.append(str(error)))
        channel.basic_publish(message, exchange=exchange, routing_key=routing_key, mandatory=True, timeout=line.timeout)
    if returned:
        raise BrokerError(
            f"nothing at the broker takes a message for {exchange or 'the default exchange'}, key {routing_key!r}",
            hint="Declare the queue again: start a worker that consumes it",
        )
