"""Publishing a lost task once more, under its own id, from the exact payload on record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from celeriac.model.attempt import AttemptState
from celeriac.model.event import RECOVERY, Event, fingerprint
from celeriac.model.task import Task


def payload_of(events: Iterable[Event]) -> Mapping[str, Any] | None:
    """The newest exact payload that a recorder told; None when there is none."""
    told = (one.data.get("payload") for one in events)
    found: list[Mapping[str, Any]] = [payload for payload in told if isinstance(payload, Mapping)]
    return found[-1] if found else None


def refusal(task: Task | None, payload: Mapping[str, Any] | None) -> str:
    """Why it cannot be published again, "" when it can."""
    if task is None:
        return "nothing was ever heard of it"
    if task.state is not AttemptState.LOST:
        return f"it is {task.state.value}, not lost"
    if payload is None:
        return "its exact payload is not on record (payloads = exact, and at most a day old)"
    return ""


def again(payload: Mapping[str, Any], request_id: str) -> dict[str, Any]:
    """The payload with a delivery tag of this request, so that a request carried out twice is one delivery."""
    properties = dict(payload.get("properties") or {}) | {"delivery_tag": fingerprint("republish", request_id)}
    return {**payload, "properties": properties}


def told(task: Task, payload: Mapping[str, Any], request_id: str, at: float, now: float) -> Event:
    """What the task's history says of it: published once more, by us, and for which request."""
    headers = payload.get("headers") or {}
    return Event(
        fingerprint("republish", request_id),
        "task-sent",
        at,
        now,
        RECOVERY,
        task_id=task.id,
        data={"name": task.name, "queue": task.queue, "retries": headers.get("retries") or 0, "request": request_id},
    )
