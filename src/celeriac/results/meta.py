"""A stored result as Celery writes it (celery/backends/base.py, _get_result_meta), without its value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from celeriac.model.outcome import Outcome

MARKER = b"\x00celery-compressed\x00"
"""Before a compressed result (celery/backends/base.py, COMPRESSED_PAYLOAD_MAGIC; 5.7 with result_compression)."""
_STATUS = re.compile(rb'^\{"status": "([A-Z]{1,20})"')
_DATE = re.compile(rb'"date_done": "([0-9T:.+-]{10,40})"')


def read(task_id: str, value: bytes) -> Outcome | None:
    """The outcome in `value`, None when it was written by another serializer, or compressed."""
    try:
        meta = json.loads(value)
    except ValueError:
        return None
    if not isinstance(meta, dict) or not isinstance(meta.get("status"), str):
        return None
    return Outcome(
        task_id=task_id,
        status=meta["status"],
        at=moment(meta.get("date_done")),
        worker=_text(meta, "worker") or _text(_part(meta, "result"), "hostname"),
        name=_text(meta, "name"),
        retries=meta["retries"] if isinstance(meta.get("retries"), int) else None,
        error=_error(_part(meta, "result")) if meta["status"] != "SUCCESS" else None,
        traceback=_text(meta, "traceback"),
    )


def read_ends(task_id: str, head: bytes, tail: bytes) -> Outcome | None:
    """The outcome of a value too long to be fetched: its state stands first, its date after the value."""
    status, dates = _STATUS.match(head), _DATE.findall(tail)
    if status is None:
        return None
    return Outcome(task_id, status[1].decode(), at=moment(dates[-1].decode()) if dates else None)


def moment(text: object) -> float | None:
    """Unix seconds of a `date_done`; one without a zone is UTC."""
    if not isinstance(text, str):
        return None
    try:
        read_at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (read_at if read_at.tzinfo else read_at.replace(tzinfo=UTC)).timestamp()


def _error(raised: Mapping[str, Any]) -> str | None:
    """As a failed task's event names it: the type, and what it was made with (celery/backends/base.py,
    prepare_exception)."""
    kind, said = _text(raised, "exc_type"), raised.get("exc_message")
    if kind is None:
        return None
    words = said if isinstance(said, list) else [said]
    return f"{kind}({', '.join(repr(word) for word in words)})"


def _part(meta: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = meta.get(key)
    return part if isinstance(part, dict) else {}


def _text(meta: Mapping[str, Any], key: str) -> str | None:
    value = meta.get(key)
    return value if isinstance(value, str) else None
