"""A task as a row, and back."""

from __future__ import annotations

import re
from typing import Any, cast

import msgspec
from sqlalchemy import Row

from celeriac.model.ledger import Term, due_at, is_doubled, term_after
from celeriac.model.mark import Mark
from celeriac.model.task import Ending, Task
from celeriac.store.query import TaskRow
from celeriac.store.schema import tasks

REASON_LIMIT = 500
_NAME = re.compile(r"[A-Za-z_][\w.]*(?=\(|:|$)")
LISTED = tuple(tasks.c[name] for name in TaskRow.__dataclass_fields__)
FOLDED = tuple(
    tasks.c[name] for name in ("id", "name", "queue", "state", "term", "published_at", "args", "kwargs", "rest")
)
JUDGED = (*FOLDED, tasks.c.because, tasks.c.updated_at)


class _Rest(msgspec.Struct, array_like=True):
    """What a task row holds beside its columns. New fields go to the end, with a default."""

    marks: tuple[Mark, ...]
    cut: bool
    ending: Ending | None
    eta: str | None
    expires: str | None
    root_id: str | None
    parent_id: str | None
    key: str | None = None
    group_id: str | None = None
    chord: str | None = None
    chord_name: str | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Rest)


def to_row(task: Task) -> dict[str, Any]:
    """Every column of `task`."""
    tried = task.attempts
    last = tried[-1] if tried else None
    ending = task.ending
    term = term_after(task, last)
    return {
        "id": task.id,
        "name": task.name,
        "state": last.state.value if last else "published",
        "queue": task.queue,
        "worker": last.worker if last else None,
        "pid": last.pid if last else None,
        "published_at": task.published_at,
        "received_at": last.received_at if last else None,
        "started_at": last.started_at if last else None,
        "ended_at": last.ended_at if last else None,
        "updated_at": task.updated_at,
        "runtime": ending.runtime if ending and ending.runtime >= 0 else None,
        "retries": max((mark.retries for mark in task.marks if mark.retries >= 0), default=None),
        "reason": ending.text[:REASON_LIMIT] or None if ending and ending.what != "succeeded" else None,
        "args": task.args,
        "kwargs": task.kwargs,
        "rest": _rest(task),
        "peak_rss": max((mark.peak for mark in task.marks), default=0) or None,
        "term": term,
        "because": None,
        "eta_at": due_at(task) if term is Term.SCHEDULED else None,
        "error": _error(ending),
        "key": task.key,
        "group_id": task.group_id,
        "doubled": is_doubled(tried),
        "redelivered": any(one.delivery == "redelivery" for one in tried),
    }


def to_task(row: Row[Any]) -> Task:
    """The task of a row that has the `FOLDED` or the `JUDGED` columns."""
    rest = _decoder.decode(row.rest)
    return Task(
        id=row.id,
        name=row.name,
        queue=row.queue,
        args=row.args,
        kwargs=row.kwargs,
        eta=rest.eta,
        expires=rest.expires,
        root_id=rest.root_id,
        parent_id=rest.parent_id,
        marks=rest.marks,
        cut=rest.cut,
        ending=rest.ending,
        key=rest.key,
        group_id=rest.group_id,
        chord=rest.chord,
        chord_name=rest.chord_name,
    )


def to_listed(row: Row[Any]) -> TaskRow:
    """The list form of a row that has the `LISTED` columns."""
    return TaskRow(*cast("tuple[Any, ...]", row))


def _error(ending: Ending | None) -> str | None:
    """The exception's type as a failure names it: `ValueError('x')`, `Worker exited prematurely: …` (None)."""
    if ending is None or ending.what not in ("failed", "retried"):
        return None
    name = _NAME.match(ending.text)
    return name[0].rpartition(".")[2] if name else None


def _rest(task: Task) -> str:
    rest = _Rest(
        task.marks,
        task.cut,
        task.ending,
        task.eta,
        task.expires,
        task.root_id,
        task.parent_id,
        task.key,
        task.group_id,
        task.chord,
        task.chord_name,
    )
    return _encoder.encode(rest).decode()
