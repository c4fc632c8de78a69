"""Celery's native events out of their envelopes (celery/events/dispatcher.py)."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from celeriac.brokers.messages import read_body
from celeriac.model.event import END_OF_TIME, LARGEST_PID, NATIVE, TASK_KINDS, WORKER_KINDS, Event, fingerprint
from celeriac.model.redact import Redactor

EXAMPLE_LENGTH = 120
_KINDS = TASK_KINDS | WORKER_KINDS
_ENVELOPE_FIELDS = frozenset({"type", "timestamp", "hostname", "pid", "uuid", "clock", "utcoffset"})
_REPRS = frozenset({"args", "kwargs", "result"})
_TEXTS = frozenset({"exception", "traceback"})
LONGEST_TEXT = 16_384
_REDACTOR = Redactor()
_BODY = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one message held. `junk` says why it, or a part of it, is no event; empty when all of it is."""

    events: tuple[Event, ...] = ()
    junk: str = ""


def decode(raw: bytes, seen: float) -> Decoded:
    """The events in one pub/sub message, kombu's envelope, received at `seen`. Never raises: others may write to the
    channel too."""
    try:
        body = read_body(raw)
    except ValueError as error:
        return Decoded(junk=_example(error, raw))
    return decode_body(body, seen)


def decode_body(raw: bytes, seen: float) -> Decoded:
    """The same of the JSON body alone, as it comes over AMQP.

    Celery's known kinds only; an application's own kinds are left out and are no junk.
    """
    events: list[Event] = []
    junk = ""
    try:
        body = _BODY.decode(raw)
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        return Decoded(junk=_example(error, raw))
    for fields in body if isinstance(body, list) else (body,):
        try:
            event = _event(fields, seen)
        except ValueError as error:
            junk = junk or _example(error, raw)
            continue
        if event is not None:
            events.append(event)
    return Decoded(tuple(events), junk)


def _example(error: Exception, raw: bytes) -> str:
    return f"{str(error)[:EXAMPLE_LENGTH]}: {raw[:EXAMPLE_LENGTH]!r}"


def _event(fields: object, seen: float) -> Event | None:
    if not isinstance(fields, dict) or not isinstance(fields.get("type"), str):
        raise ValueError("no event type")
    kind = fields["type"]
    if kind not in _KINDS:
        return None
    worker, pid = _sender(fields)
    at, task_id = _time(fields), fields.get("uuid")
    if not isinstance(task_id, str) and kind in TASK_KINDS:
        raise ValueError(f"{kind} has no task id")
    return Event(
        id=fingerprint(kind, worker, pid, task_id, at, fields.get("clock")),
        kind=kind,
        at=at,
        seen=seen,
        source=NATIVE,
        worker=worker,
        pid=pid,
        task_id=task_id if isinstance(task_id, str) else None,
        data=MappingProxyType(_without_secrets(fields)),
    )


def _without_secrets(fields: dict[str, object]) -> dict[str, object]:
    """What the event carries, fit to be kept: Celery shows arguments, results and exceptions as they are."""
    data = {key: value for key, value in fields.items() if key not in _ENVELOPE_FIELDS}
    for key in _REPRS & data.keys():
        data[key] = _REDACTOR.shown(data[key])
    for key in _TEXTS & data.keys():
        text = data[key]
        data[key] = _REDACTOR.text(text, LONGEST_TEXT) if isinstance(text, str) else text
    return data


def _sender(fields: dict[str, object]) -> tuple[str, int]:
    worker, pid = fields.get("hostname"), fields.get("pid")
    if not isinstance(worker, str) or not isinstance(pid, int) or not 0 < pid <= LARGEST_PID:
        raise ValueError(f"{fields['type']} has no sender")
    return worker, pid


def _time(fields: dict[str, object]) -> float:
    at = fields.get("timestamp")
    if not isinstance(at, (int, float)) or not 0 <= at < END_OF_TIME:
        raise ValueError(f"{fields['type']} has no timestamp")
    return float(at)
