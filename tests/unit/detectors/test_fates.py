"""What became of a dead worker's tasks, and whose the held messages are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from celeriac.detectors import task_held
from celeriac.detectors.deaths import deaths
from celeriac.detectors.fates import Fate, fates, visibility_timeout
from celeriac.detectors.strays import strays
from celeriac.model.view import View
from celeriac.model.worker import Claim, Room
from lab.views import (
    NODE,
    NOW,
    container,
    dead_worker,
    gone,
    held,
    kernel_kill,
    look,
    process,
    queue,
    task,
    view,
    worker,
)

STARTED = task("run", (NOW - 20, "received"), (NOW - 19, "started"))
RECEIVED = task("res", (NOW - 20, "received"))


def fate(**changes: Any) -> Fate:
    return fates(dead_worker(**changes))[0]


def lost(found: Fate) -> list[str] | None:
    return None if found.lost is None else [one.id for one in found.lost]


def test_started_and_in_no_key_is_lost_for_sure() -> None:
    found = fate(tasks=(STARTED,))
    assert lost(found) == ["run"] and found.surely_ran


def test_received_and_in_no_key_is_lost_but_less_surely() -> None:
    found = fate(tasks=(RECEIVED,))
    assert lost(found) == ["res"] and not found.surely_ran


def test_what_the_broker_holds_is_held_not_lost() -> None:
    found = fate(tasks=(STARTED, RECEIVED), broker=look(held("res")))
    assert lost(found) == ["run"] and [one.task_id for one in found.held] == ["res"]


def test_a_received_task_past_the_visibility_timeout_may_be_back_in_its_queue() -> None:
    old = task("res", (NOW - 5000, "received"))
    found = fate(tasks=(old,))
    assert lost(found) == [] and found.unsure == ("res",)


def test_an_incomplete_look_at_held_messages_leaves_it_unknown() -> None:
    found = fate(tasks=(STARTED,), broker=look(held_complete=False))
    assert lost(found) is None and found.unsure == ("run",) and found.blind_spots


def test_a_look_from_before_the_end_proves_nothing() -> None:
    found = fate(tasks=(STARTED,), broker=replace(look(), at=NOW - 10))
    assert lost(found) is None


def test_without_task_events_the_lost_are_unknown_and_claims_are_named() -> None:
    claims = (Claim("run", "exports.csv", "active"),)
    found = fate(workers=(worker(heard=NOW - 5, task_event_seen=None, claims=claims),))
    assert lost(found) is None and found.unsure == ("run",)
    assert "-E" in found.blind_spots[0].why


def test_without_history_the_lost_are_unknown() -> None:
    assert lost(fate(history=False)) is None


def test_a_log_without_pids_still_names_what_was_taken() -> None:
    logged = task("run", (NOW - 1400, "received"), pid=0)
    seen = view(
        workers=(), tasks=(logged,), evidence=(container(),), broker=look(), queues=(queue(3, 3, consumers=()),)
    )
    assert lost(fates(seen)[0]) == ["run"]


def test_the_same_pid_born_again_lost_what_it_had_before() -> None:
    before = task("run", (NOW - 42, "received"), (NOW - 41, "started"), pid=1)
    now = task("new", (NOW - 9, "received"), (NOW - 8, "started"), pid=1)
    seen = view(workers=(worker(pid=1, online_at=NOW - 40),), tasks=(before, now), evidence=())
    assert [lost(one) for one in fates(seen)] == [["run"]]


def after_a_death(*, consumers: int = 1, **changes: Any) -> View:
    """One worker was seen to end 40 s ago, another was born 10 s later; `old` was delivered in the first one's time."""
    dead = worker("celery@old", 7, heard=NOW - 41, online_at=NOW - 500)
    young = replace(worker(online_at=NOW - 30), first_seen=NOW - 30)
    usual: dict[str, Any] = {
        "workers": (dead, young),
        "evidence": (gone(NOW - 40, pid=7, nodes=("celery@old",)), process(started=NOW - 31)),
        "broker": look(held("old", NOW - 300), held("mine", NOW - 20), consumers=consumers),
    }
    return view(**(usual | changes))


def test_messages_older_than_every_living_worker_are_a_dead_ones() -> None:
    seen = after_a_death()
    assert [one.task_id for one in strays(seen).held] == ["old"]
    assert strays(seen).confidence == "certain"


def test_a_consumer_that_was_never_heard_may_hold_what_no_event_ties_to_a_worker() -> None:
    assert strays(after_a_death(consumers=2)).confidence == "likely"


def test_where_nobody_was_seen_to_end_nobody_is_proven_dead() -> None:
    alone = (replace(worker(online_at=NOW - 30), first_seen=NOW - 30),)
    assert strays(after_a_death(workers=alone, evidence=(process(started=NOW - 31),))).confidence == "likely"


def test_what_was_delivered_after_the_death_is_not_the_dead_ones() -> None:
    taken = look(held("old", NOW - 37), consumers=1)
    assert strays(after_a_death(broker=taken)).confidence == "likely"


def test_a_worker_that_came_online_again_may_hold_what_is_older() -> None:
    dead, young = after_a_death().workers
    again = replace(young, first_seen=NOW - 600)
    ended = gone(NOW - 40, pid=7, nodes=("celery@old",))
    assert strays(after_a_death(workers=(dead, again), evidence=(ended,))).confidence == "likely"


def test_a_delivery_at_another_time_than_the_dead_one_took_it_is_somebody_elses() -> None:
    seen = fate(tasks=(STARTED,), broker=look(held("run", NOW - 12)))
    assert seen.held == () and lost(seen) == []


def test_a_keepalive_moves_the_time_of_what_its_worker_has() -> None:
    keeping = worker(heard=NOW - 5, room=Room(NOW - 5, keeps=True))
    seen = fate(tasks=(STARTED,), broker=look(held("run", NOW - 12)), workers=(keeping,))
    assert [one.task_id for one in seen.held] == ["run"]


def test_an_unclaimed_message_is_only_possibly_a_dead_ones() -> None:
    asked = worker(asked_at=NOW - 2, claims=(Claim("mine", "exports.csv", "reserved"),))
    seen = view(workers=(asked,), broker=look(held("limbo", NOW - 60), held("mine", NOW - 60), consumers=1))
    assert [one.task_id for one in strays(seen).held] == ["limbo"]
    assert strays(seen).confidence == "possible"


def test_a_worker_that_did_not_answer_may_hold_anything() -> None:
    seen = view(workers=(worker(claims=None),), broker=look(held("x", NOW - 60), consumers=1))
    assert strays(seen).held == ()


def test_the_visibility_timeout_is_the_workers_or_assumed() -> None:
    assert visibility_timeout(view()) == (3600.0, False)
    assert visibility_timeout(view(workers=(worker(visibility_timeout=20.0),))) == (20.0, True)


def test_a_log_names_what_a_worker_known_by_its_kernel_line_alone_had() -> None:
    logged = task("run", (NOW - 1310, "received"), pid=0)
    line = kernel_kill(at=NOW - 1300)
    waits = (queue(3, 3, consumers=()),)
    seen = view(workers=(), server_age=None, tasks=(logged,), evidence=(line,), broker=look(), queues=waits)
    (death,) = deaths(seen)
    assert death.ending.node == NODE and lost(death.fate) == ["run"]


def test_a_log_that_names_its_worker_is_a_record_though_nothing_else_watched() -> None:
    box = container(finished=NOW - 40)
    bare: dict[str, Any] = {"workers": (), "evidence": (box,), "history": False}
    named = task("run", (NOW - 45, "received"), pid=0)
    assert lost(fate(tasks=(named,), **bare)) == ["run"]
    assert lost(fate(**bare)) is None


def test_what_a_fresh_end_holds_is_told_with_its_death_not_before() -> None:
    taken = task("t", (NOW - 30, "received"))
    heir = worker("celery@other", 9)
    seen = dead_worker(
        evidence=(gone(NOW - 1),), workers=(worker(heard=NOW - 2), heir), tasks=(taken,),
        broker=look(held("t", NOW - 30), consumers=1),
    )  # fmt: skip
    assert deaths(seen) == () and task_held.judge(seen) == ()
