"""NUL in text: JSON carries it, PostgreSQL refuses it, and no store keeps it."""

from __future__ import annotations

from dataclasses import replace

from celeriac.model.event import Event

NUL, INSTEAD = "\0", "\N{REPLACEMENT CHARACTER}"


def may_hold_nul(packed: str, *texts: str | None) -> bool:
    """Whether NUL is in `texts`, or may be in what the JSON text `packed` says."""
    return "\\u0000" in packed or any(text is not None and NUL in text for text in texts)


def without_nul(event: Event) -> Event:
    """The event as it can be kept: one odd text must not cost the batch."""
    data = {name: _clean(value) if isinstance(value, str) else value for name, value in event.data.items()}
    return replace(
        event,
        task_id=None if event.task_id is None else _clean(event.task_id),
        worker=None if event.worker is None else _clean(event.worker),
        data=data,
    )


def _clean(text: str) -> str:
    return text.replace(NUL, INSTEAD)
