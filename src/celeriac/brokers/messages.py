"""Celery's messages as kombu writes them to Redis (kombu/transport/virtual/base.py, celery/app/amqp.py)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import msgspec

MESSAGE_LIMIT = 4 << 20
"""Bytes; what is larger is not decoded."""


@dataclass(frozen=True, slots=True)
class Message:
    """What can be told of a queued message without its body. `name` is None under task protocol 1."""

    task_id: str | None
    name: str | None
    eta: str | None
    redelivered: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivered message, and the exchange and routing key it came by."""

    message: Message
    exchange: str
    routing_key: str


class _Headers(msgspec.Struct):
    id: Any = None
    task: Any = None
    eta: Any = None
    redelivered: Any = None


class _Properties(msgspec.Struct):
    correlation_id: Any = None
    body_encoding: Any = None


class _Wire(msgspec.Struct):
    properties: _Properties
    headers: _Headers = msgspec.field(default_factory=_Headers)


class _Envelope(msgspec.Struct):
    body: str
    properties: _Properties
    content_type: Any = msgspec.field(default=None, name="content-type")


_MESSAGE = msgspec.json.Decoder(_Wire)
_DELIVERY = msgspec.json.Decoder(tuple[_Wire, Any, Any])
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_FAULTS = (msgspec.MsgspecError, ValueError, RecursionError)


def read_message(raw: bytes, limit: int = MESSAGE_LIMIT) -> Message | None:
    """A queued message, None when it is none of Celery's, or larger than `limit` bytes."""
    if len(raw) > limit:
        return None
    try:
        return _message(_MESSAGE.decode(raw))
    except _FAULTS:
        return None


def read_delivery(raw: bytes, limit: int = MESSAGE_LIMIT) -> Delivery | None:
    """A value of the `unacked` hash, `[message, exchange, routing key]`; None when it is no such thing, or larger than
    `limit` bytes."""
    if len(raw) > limit:
        return None
    try:
        wire, exchange, routing_key = _DELIVERY.decode(raw)
    except _FAULTS:
        return None
    return Delivery(_message(wire), _text(exchange) or "", _text(routing_key) or "")


def read_body(raw: bytes) -> bytes:
    """The JSON body of an envelope, out of its base64. Raises ValueError saying what is wrong."""
    if len(raw) > MESSAGE_LIMIT:
        raise ValueError(f"{len(raw)} bytes are more than a message may have")
    try:
        envelope = _ENVELOPE.decode(raw)
        if envelope.content_type not in ("application/json", None):
            raise ValueError(f"content type {envelope.content_type} is not read")
        if envelope.properties.body_encoding == "base64":
            return base64.b64decode(envelope.body, validate=True)
    except (msgspec.MsgspecError, RecursionError, binascii.Error) as error:
        raise ValueError(str(error)) from error
    return envelope.body.encode()


def _message(wire: _Wire) -> Message:
    headers = wire.headers
    return Message(
        task_id=_text(headers.id) or _text(wire.properties.correlation_id),
        name=_text(headers.task),
        eta=_text(headers.eta),
        redelivered=headers.redelivered is True,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
