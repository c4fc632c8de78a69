"""The whole message of a task, so that it can be published again as it was."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kombu.compression import compress
from kombu.serialization import dumps

if TYPE_CHECKING:
    from celery import Celery

MOST = 64 * 1024
"""Bytes of a body that are kept; a longer one is said to be absent."""


def exact(
    body: bytes | str,
    content_type: str | None,
    content_encoding: str | None,
    headers: Mapping[str, Any],
    properties: Mapping[str, Any],
    exchange: object,
    routing_key: str | None,
) -> dict[str, Any]:
    """`{"payload": {…}}` with the body in base64, or `{"payload_absent": why}`."""
    raw = body.encode() if isinstance(body, str) else bytes(body)
    if len(raw) > MOST:
        return {"payload_absent": f"the body has {len(raw):,} bytes, more than {MOST:,}"}
    given = (content_type, content_encoding, dict(headers), dict(properties))
    return {"payload": _fields(raw, given, exchange, routing_key)}


def whole(message: Any) -> dict[str, Any]:
    """The payload of a message that arrived, however large: it is to be nowhere else."""
    body, delivery = message.body, message.delivery_info or {}
    given = (
        message.content_type,
        message.content_encoding,
        dict(message.headers or {}),
        dict(message.properties or {}),
    )
    raw = body.encode() if isinstance(body, str) else bytes(body)
    return _fields(raw, given, delivery.get("exchange"), delivery.get("routing_key"))


def _fields(raw: bytes, given: tuple[Any, ...], exchange: object, routing_key: str | None) -> dict[str, Any]:
    return {
        "body": b64encode(raw).decode(),
        **dict(zip(("content_type", "content_encoding", "headers", "properties"), given, strict=True)),
        "exchange": str(getattr(exchange, "name", exchange) or ""),
        "routing_key": routing_key,
    }


def to_publish(app: Celery, message: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of what `send_task_message` published: serialized as kombu does it (kombu/messaging.py, _prepare)."""
    headers, properties, body, _ = message
    serializer = options.get("serializer") or app.conf.task_serializer
    content_type, content_encoding, text = dumps(body, serializer=serializer)
    raw: bytes | str = text
    headers = dict(headers)
    compression = options.get("compression") or app.conf.task_compression
    if compression:
        raw, headers["compression"] = compress(text, compression)
    return exact(raw, content_type, content_encoding, headers, properties, *_address(app, options))


def _address(app: Celery, options: Mapping[str, Any]) -> tuple[object, str | None]:
    """Exchange and routing key as `send_task_message` settles them (celery/app/amqp.py): a direct one is left out."""
    queue: Any
    queue, exchange, routing_key = (options.get(name) for name in ("queue", "exchange", "routing_key"))
    if queue is None and exchange is None:
        queue = app.amqp.default_queue
    if isinstance(queue, str):
        queue = app.amqp.queues[queue]
    kind = options.get("exchange_type") or getattr(getattr(queue, "exchange", None), "type", "direct")
    if kind == "direct" and not (exchange and routing_key):
        return "", getattr(queue, "name", None)
    return exchange or queue.exchange, routing_key or queue.routing_key
