"""What a living worker on RabbitMQ forgot with its connection: given back, then looked for like any other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from celeriac.detectors.dropped import dropped
from celeriac.detectors.losses import vanished
from celeriac.incidents.declare import declarations
from celeriac.model.ledger import Term
from celeriac.model.sighting import Sighting
from celeriac.model.task import Task
from celeriac.model.view import View
from celeriac.model.worker import Claim
from lab.views import NOW, look, task, view, worker

RABBIT = replace(look(consumers=1), kind="rabbitmq", held=None, held_count=None, held_complete=False)
TAKEN = task("taken", (NOW - 100, "sent"), (NOW - 99, "received"))


def seen(*tasks: Task, **changes: Any) -> View:
    return view(**{"tasks": tasks, "broker": RABBIT, "workers": (worker(),), **changes})


def test_what_a_living_worker_took_and_no_longer_lists_waits_again() -> None:
    (one,) = declarations(seen(TAKEN), ())
    assert (one.task_id, one.term) == ("taken", Term.WAITING)
    assert one.because.startswith("given back to its queue: ")


def test_what_stands_nowhere_then_is_lost_with_its_queue_for_the_broker_had_it() -> None:
    sighting = Sighting("taken", NOW - 10, absences=2, absent_since=NOW - 30, absent_at=(NOW - 30, NOW - 10))
    recorded = replace(TAKEN, marks=tuple(mark._replace(inside=True) for mark in TAKEN.marks))
    found = seen(recorded, suspects=(recorded,), sightings={"taken": sighting})
    (event,) = vanished(found)
    assert (event.cause.slug, event.cause.confidence) == ("flushed", "possible")
    assert [(one.task_id, one.term) for one in declarations(found, ())] == [("taken", Term.LOST)]


@pytest.mark.parametrize(
    "calm",
    [
        seen(task("taken", (NOW - 99, "received"), (NOW - 98, "started"))),
        seen(task("taken", (NOW - 23, "received"))),
        seen(TAKEN, workers=(worker(claims=(Claim("taken", "shop.pay", "reserved"),)),)),
        seen(TAKEN, workers=(worker(claims=None),)),
        seen(TAKEN, broker=look(consumers=1)),
    ],
    ids=["it began", "it was taken just before the answer", "it is listed", "nobody answered", "Redis keeps it held"],
)
def test_nothing_is_dropped_when(calm: View) -> None:
    assert dropped(calm) == ()
