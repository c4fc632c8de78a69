"""What the ledger is told of each task: lost, held or unknown, each once and with its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from celeriac.detectors import task_held
from celeriac.incidents.declare import declarations
from celeriac.model.ledger import Declaration, Term
from celeriac.model.mark import Mark
from celeriac.model.sighting import Sighting
from celeriac.model.task import Ending, Task
from celeriac.model.view import View
from lab.views import NODE, NOW, dead_worker, held, look, process, sources, task, view, worker

SENT = Task("gone", name="exports.csv", queue="celery", marks=(Mark(NOW - 30, 0, "sent", "web@1", 7),))
TWICE = Sighting("gone", NOW - 2, absences=2, absent_since=NOW - 3, absent_at=(NOW - 3, NOW - 2))
RAN = task("run", (NOW - 20, "received"), (NOW - 19, "started"))


def declared(given: View) -> dict[str, Declaration]:
    return {one.task_id: one for one in declarations(given, task_held.judge(given))}


def missed(**changes: Any) -> View:
    usual: dict[str, Any] = {
        "suspects": (SENT,),
        "sightings": {"gone": TWICE},
        "workers": (worker(heard=NOW - 1.5),),
    }
    return view(**(usual | changes))


def test_a_healthy_system_has_nothing_to_declare() -> None:
    assert declared(view(tasks=(RAN,))) == {}


def test_a_vanished_task_is_lost_just_after_it_was_last_heard_of() -> None:
    one = declared(missed())["gone"]
    assert one.term is Term.LOST and one.cause == "unknown" and NOW - 30 < one.at < NOW - 29.9


def test_what_died_with_its_worker_is_lost_at_the_death() -> None:
    one = declared(dead_worker(tasks=(RAN,)))["run"]
    assert (one.term, one.cause, one.at) == (Term.LOST, "early-ack", NOW - 4)
    assert NODE in one.because


def test_what_a_dead_worker_holds_is_held_until_a_known_time() -> None:
    one = declared(dead_worker(tasks=(RAN,), broker=look(held("run"))))["run"]
    assert one.term is Term.HELD and one.cause == "late-ack" and "until" in one.because


def test_what_nobody_can_judge_is_unknown_with_the_reason() -> None:
    one = declared(missed(sightings={"gone": Sighting("gone", NOW - 2, unsure="too deep")}))["gone"]
    assert (one.term, one.because) == (Term.UNKNOWN, "too deep")


def test_what_a_dead_worker_had_is_unknown_while_the_broker_cannot_be_read_whole() -> None:
    one = declared(dead_worker(tasks=(RAN,), broker=look(held_complete=False)))["run"]
    assert one.term is Term.UNKNOWN and NODE in one.because


def test_what_a_silent_worker_has_is_unknown_until_it_is_heard_again() -> None:
    frozen = view(tasks=(RAN,), workers=(worker(heard=NOW - 12),), evidence=(process(state="T"),))
    one = declared(frozen)["run"]
    assert one.term is Term.UNKNOWN and one.because.startswith(NODE) and one.because.endswith(": it is frozen")
    later = replace(frozen, at=NOW + 3, evidence=(process(NOW + 3, state="T"),), sources=sources(at=NOW + 3))
    assert declared(later)["run"].because == one.because
    assert declared(view(tasks=(RAN,))) == {}


def test_what_a_busy_worker_has_goes_on() -> None:
    busy = worker(heard=NOW - 60, pool="solo")
    assert declared(view(tasks=(RAN,), workers=(busy,), evidence=(process(state="R"),))) == {}


def test_a_loss_is_declared_once_for_one_reason() -> None:
    first = declared(missed())["gone"]
    lost = replace(
        SENT,
        marks=(*SENT.marks, Mark(first.at, 13, "lost", detail=first.because)),
        ending=Ending(first.at, "lost", first.because),
    )
    assert declared(missed(suspects=(), tasks=(lost,))) == {}
    other = replace(lost, ending=Ending(first.at, "lost", "the broker was full"))
    again = declared(missed(suspects=(), tasks=(other,)))["gone"]
    assert again.at > first.at and again.because == first.because
