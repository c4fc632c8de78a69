"""Everything known as of one moment, read in one transaction, for detectors to judge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row

from celeriac.model.attempt import AttemptState
from celeriac.model.broker import BrokerLook
from celeriac.model.evidence import Evidence
from celeriac.model.sighting import Sighting
from celeriac.model.source import SourceMark
from celeriac.model.task import Task
from celeriac.model.view import View
from celeriac.store import balance, documents, evidence, gaps, ledger, queues, sources, tasks, workers
from celeriac.store.kept import Kept
from celeriac.store.taskrows import to_task

TASKS = 5_000
SUSPECTS = 5_000
"""Missing tasks that are looked for and judged at once."""
BROKER = "broker"
"""The name of the source whose failing means that the newest look is no longer the truth."""
_HOUR, _DAY = 3600.0, 86_400.0
_LOOKS = 15 * 60.0


class Known:
    """The tasks and the sightings of the view before."""

    def __init__(self) -> None:
        self.tasks: Kept[Row[Any], Task] = Kept(to_task)
        self.sightings: Kept[str, Sighting] = Kept(ledger.to_sighting)


def view(connection: Connection, now: float, known: Known, *, observed: float, history: bool, one_shot: bool) -> View:
    """The view at the watermark; at `now` in a one-shot look, which has nobody to lag behind."""
    at = now if one_shot else sources.moment(connection, sources.WATERMARK) or 0.0
    lives = workers.since(connection, at - workers.HEARD_WITHIN)
    facts = evidence.since(connection, at - _DAY)
    found, complete = tasks.in_view(connection, at, TASKS, _named(facts, at))
    missing = ledger.suspects(connection, at, SUSPECTS)
    looked_for = [row.id for row in (*missing, *_lost(found))]
    read = known.tasks.read((row.id, row) for row in (*found, *missing))
    marks = sources.read(connection)
    return View(
        at=at,
        workers=lives,
        tasks=tuple(read[row.id] for row in found),
        tasks_complete=complete,
        suspects=tuple(read[row.id] for row in missing),
        sightings=known.sightings.read(ledger.sighting_rows(connection, looked_for)),
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


def _lost(found: Iterable[Row[Any]]) -> list[Row[Any]]:
    """Those declared lost: what proved it goes on telling why."""
    return [row for row in found if row.state == AttemptState.LOST.value]


def _seen(look: BrokerLook | None, marks: tuple[SourceMark, ...]) -> BrokerLook | None:
    """The look, unless the broker cannot be seen now."""
    failing = any(mark.name == BROKER and mark.error is not None for mark in marks)
    return None if failing else look


def _age(marks: tuple[SourceMark, ...], now: float) -> float | None:
    newest = max((mark.mark for mark in marks), default=0.0)
    return max(0.0, now - newest) if newest else None
