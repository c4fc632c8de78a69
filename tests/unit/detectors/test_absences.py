"""When a missing task is nowhere, when that cannot be said, and when it is too early to say."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from celeriac.detectors.absences import missing
from celeriac.detectors.attendance import heard_at
from celeriac.model.gap import Gap
from celeriac.model.mark import Mark
from celeriac.model.sighting import Place, Sighting
from celeriac.model.task import Task
from celeriac.model.view import View
from celeriac.model.worker import Room
from lab.views import NODE, NOW, PID, evidence, gone, look, process, task, view, worker

SENT = Task("lost", name="exports.csv", queue="celery", marks=(Mark(NOW - 30, 0, "sent", "web@1", 7),))
TWICE = Sighting("lost", NOW - 5, absences=2, absent_since=NOW - 6, absent_at=(NOW - 6, NOW - 5))


def seen(sighting: Sighting | None = TWICE, sent: Task = SENT, **changes: Any) -> View:
    """A system in which a published task is missing, and its worker has beaten since."""
    usual: dict[str, Any] = {
        "suspects": (sent,),
        "sightings": {} if sighting is None else {sent.id: sighting},
        "workers": (worker(heard=NOW - 1.5),),
    }
    return view(**(usual | changes))


def absent(given: View) -> list[str]:
    return [one.task.id for one in missing(given).absences]


def doubts(given: View) -> list[str]:
    return [one.because for one in missing(given).doubts]


def test_missed_twice_while_every_consumer_lives_it_is_nowhere() -> None:
    assert absent(seen()) == ["lost"] and doubts(seen()) == []


def test_missed_once_says_nothing() -> None:
    once = replace(TWICE, absences=1, absent_at=(NOW - 5,), absent_since=NOW - 5)
    assert missing(seen(once)) == missing(seen(None)) == missing(view())


def test_a_search_from_before_it_was_last_heard_of_does_not_count() -> None:
    early = replace(TWICE, absent_since=NOW - 60, absent_at=(NOW - 60, NOW - 5))
    assert absent(seen(early)) == []


def test_two_later_searches_count_though_earlier_ones_missed_it_too() -> None:
    again = replace(TWICE, absences=3, absent_since=NOW - 60)
    assert absent(seen(again)) == ["lost"]


def test_what_stands_somewhere_is_not_missing() -> None:
    assert absent(seen(Sighting("lost", NOW - 5, Place("ready", "celery", 3), NOW - 5))) == []


def test_a_search_that_could_not_tell_leaves_it_in_doubt() -> None:
    assert doubts(seen(Sighting("lost", NOW - 5, unsure="the queue is too deep"))) == ["the queue is too deep"]


def test_a_frozen_consumer_may_have_it_in_its_socket() -> None:
    stopped = seen(workers=(worker(heard=NOW - 7),), evidence=(process(state="T"),))
    assert absent(stopped) == []
    assert doubts(stopped) == [f"it may be in the socket of {NODE}, which is frozen"]


def test_a_consumer_whose_prefetch_is_full_has_not_read_its_socket() -> None:
    full = worker(heard=NOW - 1.5, active=2, room=Room(NOW - 1.5, reserved=6, prefetch=8, pool="prefork"))
    assert doubts(seen(workers=(full,))) == [f"it may be in the socket of {NODE}, whose prefetch is full"]


def test_a_full_consumer_that_received_something_since_has_read_its_socket() -> None:
    full = worker(heard=NOW - 1.5, active=2, room=Room(NOW - 1.5, reserved=6, prefetch=8, pool="prefork"))
    later = task("later", (NOW - 3, "received"))
    assert absent(seen(workers=(full,), tasks=(later,))) == ["lost"]


def test_before_the_next_beat_it_is_too_early() -> None:
    quiet = seen(workers=(worker(heard=NOW - 6.5),), evidence=(process(NOW),))
    assert absent(quiet) == [] and doubts(quiet) == []


def test_a_threads_pool_beats_from_elsewhere_and_proves_nothing_by_it() -> None:
    threads = worker(heard=NOW - 1.5, pool="threads", asked_at=NOW - 20)
    assert absent(seen(workers=(threads,))) == []
    assert absent(seen(workers=(replace(threads, asked_at=NOW - 3),))) == ["lost"]


def test_a_worker_of_other_queues_cannot_have_it() -> None:
    stopped = worker(heard=NOW - 7, queues=("other",))
    assert absent(seen(workers=(stopped,), evidence=(process(state="T"),))) == ["lost"]


def test_a_worker_that_came_after_it_was_missed_cannot_have_it() -> None:
    young = worker(heard=NOW - 1.5, online_at=NOW - 2, active=8, room=Room(NOW, reserved=8, prefetch=8))
    assert absent(seen(workers=(young,), evidence=())) == ["lost"]


def test_a_worker_without_task_events_may_have_run_it() -> None:
    mute = worker(heard=NOW - 1.5, task_event_seen=None)
    assert "tells no task events" in doubts(seen(workers=(mute,)))[0]


def test_a_hole_in_the_events_may_hide_its_end() -> None:
    hole = Gap("g", "events", NODE, PID, NOW - 29, NOW - 20, 3, "reconnect", NOW - 19)
    assert "are missing" in doubts(seen(gaps=(hole,)))[0]
    assert absent(seen(gaps=(replace(hole, until=NOW - 40),))) == ["lost"]


def test_a_recorded_worker_of_whose_last_moment_not_all_is_known_may_have_run_it() -> None:
    silent = worker(heard=NOW - 20, recorded_at=NOW - 20)
    (why,) = doubts(seen(workers=(silent,), evidence=(gone(NOW - 20),)))
    assert why.startswith(f"{NODE} died, and what it noted last is not known")


def test_one_that_came_after_it_was_missed_did_not_run_it_whatever_it_could_not_tell() -> None:
    short = replace(worker(heard=NOW - 2, recorded_at=NOW - 2, online_at=NOW - 3), first_seen=NOW - 3)
    given = seen(workers=(short,), evidence=(gone(NOW - 2, started=NOW - 3),))
    assert absent(given) == ["lost"]
    early = replace(short, online_at=NOW - 7, first_seen=NOW - 7)
    assert "what it noted last is not known" in doubts(replace(given, workers=(early,)))[0]


def test_a_clock_that_is_ahead_is_set_back() -> None:
    marks = (*SENT.marks, Mark(NOW - 7, 2, "received", NODE, PID))
    taken = replace(SENT, marks=marks)
    assert heard_at(view(workers=(worker(),)), taken) == NOW - 7
    ahead = replace(worker(), heartbeat_at=worker().heartbeat_seen + 3)
    assert heard_at(view(workers=(ahead,)), taken) == NOW - 10
    assert heard_at(view(workers=(replace(ahead, pid=PID + 1),)), taken) == NOW - 7


def test_a_recorded_worker_that_only_connected_anew_will_tell_what_it_did() -> None:
    again = worker(heard=NOW - 1.5, recorded_at=NOW - 1.5, online_at=NOW - 15)
    running = task("running", (NOW - 40, "received"), (NOW - 39, "started"))
    given = seen(workers=(again,), tasks=(running,))
    assert absent(given) == ["lost"]
    assert doubts(replace(given, evidence=())) != []


def test_a_dead_worker_has_no_socket() -> None:
    assert absent(seen(workers=(worker(heard=NOW - 7),), evidence=(gone(NOW - 6),), broker=look())) == ["lost"]


def test_rabbitmq_keeps_what_a_frozen_worker_has_not_read() -> None:
    rabbit = replace(look(consumers=1), kind="rabbitmq")
    assert absent(seen(workers=(worker(heard=NOW - 7),), evidence=(process(state="T"),), broker=rabbit)) == ["lost"]


def test_what_somebody_took_is_told_by_its_end() -> None:
    taken = replace(SENT, marks=(*SENT.marks, Mark(NOW - 29, 2, "received", NODE, PID)))
    assert absent(seen(sent=taken)) == []


def test_declared_it_goes_on_being_told() -> None:
    lost = replace(SENT, marks=(*SENT.marks, Mark(NOW - 29.9, 13, "lost")))
    (one,) = missing(seen(suspects=(), tasks=(lost,))).absences
    assert one.told and (one.after, one.until) == (NOW - 30, NOW - 6)


def test_five_thousand_suspects_are_judged_at_once() -> None:
    many = tuple(replace(SENT, id=f"t{number}") for number in range(5_000))
    sightings = {one.id: replace(TWICE, task_id=one.id) for one in many}
    given = view(
        suspects=many, sightings=sightings, workers=(worker(heard=NOW - 1.5),), evidence=(evidence("x", "y", NOW),)
    )
    began = time.perf_counter()
    assert len(missing(given).absences) == 5_000
    assert time.perf_counter() - began < 1.0


def test_an_answer_stands_while_the_newest_heartbeat_is_too_new_for_the_watermark() -> None:
    beats = worker(heard=NOW + 1.0, asked_at=NOW - 2.0)
    assert absent(seen(workers=(beats,))) == ["lost"]
