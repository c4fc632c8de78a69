"""What became of a dead worker's tasks on RabbitMQ: by id, where the record tells what was acknowledged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from celeriac.detectors.deaths import deaths
from celeriac.detectors.endings import endings
from celeriac.detectors.fates import Fate, fate_of, fates
from celeriac.detectors.task_lost import judge
from celeriac.detectors.toll import impact
from celeriac.incidents.declare import declarations
from celeriac.model.attempt import ACKNOWLEDGED, UNACKNOWLEDGED
from celeriac.model.ledger import Term
from celeriac.model.mark import Mark
from celeriac.model.sighting import Sighting
from celeriac.model.task import Ending, Task
from celeriac.model.view import View
from lab.views import NOW, dead_worker, look, task, view, worker

RABBIT = replace(look(), kind="rabbitmq", held=None, held_count=None, held_complete=False)
PREFETCHED = task("prefetched", (NOW - 20, "received"))


def started(task_id: str, detail: str = "") -> Task:
    made = task(task_id, (NOW - 20, "received"), (NOW - 19, "started"))
    marks = tuple(mark._replace(detail=detail) if mark.what == "started" else mark for mark in made.marks)
    return replace(made, marks=marks)


def dead(*tasks: Task, **changes: Any) -> View:
    return dead_worker(tasks=tasks, broker=RABBIT, **changes)


def fate(*tasks: Task, **changes: Any) -> Fate:
    return fates(dead(*tasks, **changes))[0]


def ids(tasks: tuple[Task, ...] | None) -> list[str] | None:
    return None if tasks is None else [one.id for one in tasks]


def test_what_was_acknowledged_is_lost_and_the_rest_is_given_back() -> None:
    found = fate(started("early", ACKNOWLEDGED), started("late", UNACKNOWLEDGED), PREFETCHED)
    assert (ids(found.lost), ids(found.requeued)) == (["early"], ["late", "prefetched"])
    assert not found.unsure and not found.blind_spots


def test_the_loss_is_certain_and_says_what_was_seen() -> None:
    (finding,) = judge(dead(started("early", ACKNOWLEDGED)))
    assert (finding.cause, finding.confidence) == ("early-ack", "certain")
    assert finding.summary.endswith("not at the broker any more")
    assert "started and acknowledged" in finding.evidence[0].fact


def test_a_death_tells_what_came_back_and_that_it_holds_nothing() -> None:
    seen = dead(PREFETCHED)
    cost = impact(seen, deaths(seen)[0])
    assert (cost.requeued, cost.held, cost.lost) == (("prefetched",), (), ())


def test_what_came_back_unnamed_is_unknown_though_nothing_is_held() -> None:
    seen = dead(started("either"))
    cost = impact(seen, deaths(seen)[0])
    assert (cost.lost, cost.requeued, cost.unknown, cost.held) == (None, None, ("either",), ())


def test_before_a_look_after_the_death_nobody_knows_what_it_holds() -> None:
    seen = replace(dead(PREFETCHED), broker=replace(RABBIT, at=NOW - 10))
    cost = impact(seen, deaths(seen)[0])
    assert (cost.lost, cost.requeued, cost.held, cost.held_count) == (None, None, None, None)


def test_without_the_recorder_a_started_task_is_of_unknown_fate() -> None:
    found = fate(started("either"))
    assert (found.lost, found.unsure) == (None, ("either",))
    assert "install the recorder" in found.blind_spots[0].would_add


def test_two_searches_after_the_death_prove_what_nothing_told() -> None:
    missed = Sighting("either", NOW - 1, absences=2, absent_since=NOW - 3, absent_at=(NOW - 3, NOW - 1))
    gone = started("either")
    assert ids(fate(gone, suspects=(gone,), sightings={"either": missed}).lost) == ["either"]
    before = replace(missed, absent_at=(NOW - 30, NOW - 1))
    assert fate(gone, suspects=(gone,), sightings={"either": before}).lost is None


def test_what_was_given_back_waits_in_the_ledger() -> None:
    (declared,) = declarations(dead(PREFETCHED), ())
    assert (declared.task_id, declared.term) == ("prefetched", Term.WAITING)


MISSED = Sighting("prefetched", NOW - 1, absences=2, absent_since=NOW - 3, absent_at=(NOW - 3, NOW - 1))
TOLD = replace(PREFETCHED, marks=(Mark(NOW - 21, 0, "sent", "gen7@lab", 7, inside=True), *PREFETCHED.marks))


def test_what_was_given_back_and_stands_nowhere_went_with_its_queue_and_not_with_its_worker() -> None:
    seen = dead(TOLD, suspects=(TOLD,), sightings={"prefetched": MISSED})
    (declared,) = declarations(seen, ())
    assert (declared.term, declared.cause) == (Term.LOST, "flushed")
    lost = replace(TOLD, marks=(*TOLD.marks, Mark(NOW - 1, 13, "lost")), ending=Ending(NOW - 1, "lost", "its queue"))
    later = dead(lost, sightings={"prefetched": MISSED})
    assert [found.cause for found in judge(later)] == ["flushed"]
    assert impact(later, deaths(later)[0]).requeued == ()


def test_what_was_given_back_and_stands_nowhere_is_unknown_while_it_may_have_been_taken_unheard() -> None:
    deaf = replace(worker("other@lab"), task_event_seen=None, processed=5)
    seen = dead(TOLD, suspects=(TOLD,), sightings={"prefetched": MISSED})
    seen = replace(seen, workers=(*seen.workers, deaf))
    (declared,) = declarations(seen, ())
    assert (declared.term, declared.because) == (
        Term.UNKNOWN,
        "other@lab takes from its queue and tells no task events",
    )


def test_a_worker_that_connected_again_may_run_on_what_it_had_acknowledged() -> None:
    again = replace(worker(), online_at=NOW - 5)
    seen = view(workers=(again,), tasks=(started("early", ACKNOWLEDGED), PREFETCHED), broker=RABBIT)
    (found,) = fates(seen)
    assert (found.lost, found.unsure, ids(found.requeued)) == (None, ("early",), ["prefetched"])


def test_a_worker_that_is_only_silent_may_have_it_still() -> None:
    seen = dead(started("late", UNACKNOWLEDGED))
    found = fate_of(seen, replace(endings(seen)[0], inferred=True))
    assert (found.requeued, found.unsure) == ((), ("late",))
