"""Everything known as of one moment, read in one transaction, for detectors to judge."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from celeriac.model.attempt import AttemptState
from celeriac.model.broker import BrokerLook
from celeriac.model.evidence import Evidence
from celeriac.model.source import SourceMark
from celeriac.model.task import Task
from celeriac.model.view import View
from celeriac.store import balance, documents, evidence, gaps, ledger, queues, sources, tasks, workers

TASKS = 5_000
SUSPECTS = 5_000
"""Missing tasks that are looked for and judged at once."""
BROKER = "broker"
"""The name of the source whose failing means that the newest look is no longer the truth."""
_HOUR, _DAY = 3600.0, 86_400.0
_LOOKS = 15 * 60.0


def view(connection: Connection, now: float, *, observed: float, history: bool, one_shot: bool) -> View:
    """The view at the watermark; at `now` in a one-shot look, which has nobody to lag behind."""
    at = now if one_shot else sources.moment(connection, sources.WATERMARK) or 0.0
    lives = workers.since(connection, at - workers.HEARD_WITHIN)
    facts = evidence.since(connection, at - _DAY)
    found, complete = tasks.in_view(connection, at, TASKS, _named(facts, at))
    missing = ledger.suspects(connection, at, SUSPECTS)
    marks = sources.read(connection)
    return View(
        at=at,
        workers=lives,
        tasks=found,
        tasks_complete=complete,
        suspects=missing,
        sightings=ledger.sightings_of(connection, [task.id for task in (*missing, *_lost(found))]),
        balance=balance.read(connection)[0],
        standing=balance.by_queue(connection),
        queues=queues.since(connection, at - _LOOKS, at, lives),
        broker=_seen(documents.look(connection), marks),
        evidence=facts,
        gaps=gaps.since(connection, at - _HOUR),
        sources=marks,
        blind_spots=documents.blind_spots(connection),
        observed=observed,
        history=history,
        server_age=None if one_shot else _age(marks, now),
    )


def _named(facts: tuple[Evidence, ...], at: float) -> list[str]:
    """The tasks that pool children are known to have died with lately, whatever became of them since."""
    ids = (one.text("task_id") for one in facts if one.what == "child-gone" and at - one.at <= tasks.LOSS_WINDOW)
    return list(dict.fromkeys(one for one in ids if one is not None))


def _lost(found: Iterable[Task]) -> list[Task]:
    """Those declared lost: what proved it goes on telling why."""
    return [task for task in found if task.state is AttemptState.LOST]


def _seen(look: BrokerLook | None, marks: tuple[SourceMark, ...]) -> BrokerLook | None:
    """The look, unless the broker cannot be seen now."""
    failing = any(mark.name == BROKER and mark.error is not None for mark in marks)
    return None if failing else look


def _age(marks: tuple[SourceMark, ...], now: float) -> float | None:
    newest = max((mark.mark for mark in marks), default=0.0)
    return max(0.0, now - newest) if newest else None
