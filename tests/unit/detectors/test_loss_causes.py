"""What a task that nobody was given was lost to: each cause from its evidence, and unknown without any."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from celeriac.detectors import losses, task_lost
from celeriac.detectors.endings import endings
from celeriac.model.evidence import Evidence
from celeriac.model.finding import Finding
from celeriac.model.mark import Mark
from celeriac.model.queue import Queue, QueueSample
from celeriac.model.sighting import Sighting
from celeriac.model.task import UNCONFIRMED, Ending, Task
from celeriac.model.view import View
from celeriac.model.worker import Room
from lab.views import NODE, NOW, dead_worker, evidence, look, queue, task, view, worker

SENT = Task("lost", name="exports.csv", queue="celery", marks=(Mark(NOW - 30, 0, "sent", "web@1", 7),))
TWICE = Sighting("lost", NOW - 2, absences=2, absent_since=NOW - 3, absent_at=(NOW - 3, NOW - 2))


def edge(what: str, at: float = NOW - 10, **data: Any) -> Evidence:
    return evidence(f"broker-{what}", "broker", at, **data)


def missed(*edges: Evidence, given: View | None = None, **changes: Any) -> View:
    usual: dict[str, Any] = {"suspects": (SENT,), "sightings": {"lost": TWICE}}
    base = given or view(workers=(worker(heard=NOW - 1.5),))
    return replace(base, evidence=(*base.evidence, *edges), **(usual | changes))


def told(given: View) -> Finding:
    (found,) = [one for one in task_lost.judge(given) if one.impact.lost == ("lost",)]
    return found


@pytest.mark.parametrize(
    ("what", "cause"),
    [
        (edge("flushed"), "flushed"),
        (edge("restarted", broker="redis", persistence="none"), "flushed"),
        (edge("restarted", broker="redis", persistence="rdb"), "flushed"),
        (edge("restarted", broker="redis", persistence=None), "flushed"),
        (edge("restarted", NOW - 29, broker="redis", persistence="aof"), "flushed"),
        (edge("restarted", broker="redis", persistence="aof"), "unknown"),
        (edge("restarted", broker="rabbitmq", persistence=None), "unconfirmed"),
        (edge("evicted", policy="allkeys-lru"), "evicted"),
        (edge("evicted", policy="volatile-lru"), "unknown"),
        (edge("connection-lost"), "in-socket"),
    ],
)
def test_what_happened_to_the_broker_meanwhile_is_the_cause(what: Evidence, cause: str) -> None:
    assert told(missed(what)).cause == cause


@pytest.mark.parametrize("what", ["flushed", "restarted", "evicted", "connection-lost"])
def test_what_happened_before_it_was_published_is_not(what: str) -> None:
    assert told(missed(edge(what, NOW - 40, policy="allkeys-lru"))).cause == "unknown"


def test_what_was_missed_before_a_change_was_not_lost_to_it() -> None:
    assert told(missed(edge("evicted", NOW - 2, policy="allkeys-lru", between=[NOW - 3.5, NOW - 2]))).cause == "evicted"
    assert told(missed(edge("evicted", NOW - 2, policy="allkeys-lru", between=[NOW - 2.8, NOW - 2]))).cause == "unknown"


def test_what_came_after_its_queue_was_seen_empty_did_not_take_it() -> None:
    samples = (QueueSample("celery", NOW - 20, 0, unacked=0), QueueSample("celery", NOW - 18, 5))
    assert told(missed(edge("flushed", NOW - 5))).cause == "flushed"
    assert told(missed(edge("flushed", NOW - 5), queues=(Queue("celery", samples),))).cause == "unknown"


def test_what_its_worker_says_itself_goes_before_what_came_later() -> None:
    words = "given to w1@web, and the broker had no room to note that"
    dropped = replace(SENT, marks=(*SENT.marks, Mark(NOW - 9, 13, "lost", "w1@web", 5, detail=words, inside=True)))
    found = told(missed(edge("evicted", NOW - 7, policy="allkeys-lru"), tasks=(dropped,), suspects=()))
    assert (found.cause, found.confidence, found.subject.worker) == ("in-socket", "certain", "w1@web")
    again = replace(dropped, marks=(*dropped.marks, Mark(NOW - 3.6, 11, "queued")))
    assert told(missed(edge("flushed", NOW - 2), suspects=(again,))).cause == "flushed"


def test_a_message_that_its_worker_could_not_read_is_undecodable() -> None:
    threw = evidence("message-refused", "worker", NOW - 20, nodes=(NODE,), task_id="lost")
    found = told(missed(threw))
    assert (found.cause, found.confidence, found.subject.worker) == ("undecodable", "certain", NODE)
    other = evidence("message-refused", "worker", NOW - 20, nodes=(NODE,), task_id="other")
    assert told(missed(other)).cause == "unknown"


def test_a_worker_that_died_meanwhile_took_it_in_its_socket() -> None:
    found = told(missed(given=dead_worker()))
    assert (found.cause, found.subject.worker) == ("in-socket", NODE)
    assert found.caused_by is not None


def test_a_worker_that_died_before_the_publish_did_not() -> None:
    late = replace(SENT, marks=(Mark(NOW - 1.5, 0, "sent", "web@1", 7),))
    soon = Sighting("lost", NOW - 0.2, absences=2, absent_since=NOW - 0.8, absent_at=(NOW - 0.8, NOW - 0.2))
    assert told(missed(given=dead_worker(), suspects=(late,), sightings={"lost": soon})).cause == "unknown"


def test_a_worker_that_read_all_it_was_given_before_it_died_did_not() -> None:
    once = Sighting("lost", NOW - 2, absences=9, absent_since=NOW - 25, absent_at=(NOW - 3, NOW - 2))
    assert told(missed(given=dead_worker(), sightings={"lost": once})).cause == "unknown"
    full = replace(dead_worker().workers[0], room=Room(NOW - 5, reserved=4, prefetch=4))
    given = replace(dead_worker(), workers=(full,))
    assert told(missed(given=given, sightings={"lost": once})).cause == "in-socket"


def test_a_flush_explains_more_than_a_death() -> None:
    assert told(missed(edge("flushed"), given=dead_worker())).cause == "flushed"


def test_a_refusal_for_want_of_memory_is_shown_with_the_worker_that_died_of_it() -> None:
    found = told(missed(edge("refused", NOW - 5), given=dead_worker()))
    assert found.cause == "in-socket" and any("broker-refused" in fact.fact for fact in found.evidence)


NOWHERE = look(consumers=1, bound=("other",), bound_at=NOW - 5)
ELSEWHERE = view(workers=(worker(heard=NOW - 1.5, queues=("other",)),))


def test_a_queue_that_no_exchange_leads_to_is_unroutable() -> None:
    assert told(missed(given=ELSEWHERE, broker=NOWHERE)).cause == "unroutable"
    assert told(missed(given=ELSEWHERE, broker=replace(NOWHERE, bound=("celery",)))).cause == "unknown"
    assert told(missed(given=ELSEWHERE, broker=look(consumers=1))).cause == "unknown"


def test_a_queue_that_a_living_worker_takes_from_is_routable() -> None:
    assert told(missed(broker=NOWHERE)).cause == "unknown"


def test_a_queue_that_messages_came_to_since_its_bindings_were_lost_is_routable() -> None:
    filled, emptied = (queue(depth, 0, every=25) for depth in (1, 0))
    assert told(missed(given=ELSEWHERE, broker=NOWHERE, queues=(filled,))).cause == "unknown"
    assert told(missed(given=ELSEWHERE, broker=NOWHERE, queues=(emptied,))).cause == "unroutable"
    earlier = queue(1, 0, every=60)
    flushed = edge("flushed", NOW - 40)
    assert told(missed(flushed, given=ELSEWHERE, broker=NOWHERE, queues=(earlier,))).cause == "unroutable"


def test_bindings_that_went_after_the_publish_prove_nothing() -> None:
    restarted = edge("restarted", NOW - 8, broker="redis", persistence="aof")
    assert told(missed(restarted, given=ELSEWHERE, broker=NOWHERE)).cause == "unknown"


def empty_since(at: float) -> Queue:
    return Queue("celery", (QueueSample("celery", at, 0, 0),))


def test_what_left_its_queue_before_the_broker_restarted_was_in_a_socket() -> None:
    restarted = edge("restarted", NOW - 10, broker="redis", persistence="none")
    assert told(missed(restarted, queues=(empty_since(NOW - 11),))).cause == "flushed"
    found = told(missed(edge("connection-lost", NOW - 15), restarted, queues=(empty_since(NOW - 20),)))
    assert (found.cause, found.since) == ("in-socket", NOW - 15)
    assert told(missed(restarted, queues=(empty_since(NOW - 20),))).cause == "in-socket"


def test_what_stands_unacknowledged_has_not_left_the_broker() -> None:
    restarted = edge("restarted", NOW - 10, broker="redis", persistence="none")
    held = Queue("celery", (QueueSample("celery", NOW - 20, 0, 1),))
    assert told(missed(restarted, queues=(held,))).cause == "flushed"


def test_a_connection_that_ends_later_had_it_in_its_socket() -> None:
    assert told(missed(edge("connection-lost", NOW - 0.5))).cause == "in-socket"


def test_bindings_read_before_the_publish_are_waited_for() -> None:
    old = look(consumers=1, bound=("other",), bound_at=NOW - 40)
    assert task_lost.judge(missed(broker=old)) == ()
    long_ago = replace(TWICE, absent_since=NOW - 25)
    assert told(missed(broker=old, sightings={"lost": long_ago})).cause == "unknown"


def test_what_was_seen_in_its_queue_was_routed() -> None:
    there = replace(TWICE, seen_at=NOW - 20)
    assert (
        told(missed(broker=look(consumers=1, bound=(), bound_at=NOW - 5), sightings={"lost": there})).cause == "unknown"
    )


def test_many_tasks_of_one_event_are_one_finding() -> None:
    many = tuple(replace(SENT, id=f"t{number}") for number in range(1_000))
    sightings = {one.id: replace(TWICE, task_id=one.id) for one in many}
    (found,) = task_lost.judge(missed(edge("flushed"), suspects=many, sightings=sightings))
    assert len(found.impact.lost or ()) == 1_000


def confirmed(*, by: str = "") -> Task:
    """The task as a recorder in its producer tells it."""
    return replace(SENT, marks=(Mark(NOW - 30, 0, "sent", "web@1", 7, detail=by, inside=True),))


RABBIT = replace(look(consumers=1), kind="rabbitmq")
RESTARTED = edge("restarted", broker="rabbitmq", persistence=None)


@pytest.mark.parametrize(
    ("task", "edges", "cause"),
    [
        (confirmed(), (), "flushed"),
        (confirmed(by=UNCONFIRMED), (), "unconfirmed"),
        (SENT, (), "unknown"),
        (confirmed(), (RESTARTED,), "flushed"),
        (confirmed(by=UNCONFIRMED), (RESTARTED,), "unconfirmed"),
        (confirmed(by=UNCONFIRMED), (edge("queue-deleted", queue="celery"),), "flushed"),
        (confirmed(by=UNCONFIRMED), (edge("queue-deleted", queue="other"),), "unconfirmed"),
    ],
)
def test_rabbitmq_loses_only_with_a_queue_what_it_has_confirmed(
    task: Task, edges: tuple[Evidence, ...], cause: str
) -> None:
    assert told(missed(*edges, suspects=(task,), broker=RABBIT)).cause == cause


def test_an_append_only_file_explains_less_than_a_death() -> None:
    restarted = edge("restarted", NOW - 29, broker="redis", persistence="aof")
    assert told(missed(restarted, given=dead_worker())).cause == "in-socket"


def taken(*marks: tuple[float, str], **changes: Any) -> Task:
    return task("lost", *marks, **changes)


def declared(one: Task, at: float, words: str) -> Task:
    return replace(one, marks=(*one.marks, Mark(at, 13, "lost")), ending=Ending(at, "lost", words))


def test_what_the_broker_forgot_before_its_worker_died_did_not_die_with_that() -> None:
    reserved = taken((NOW - 20, "received"))
    assert told(dead_worker(edge("flushed"), tasks=(reserved,))).cause == "flushed"
    assert told(dead_worker(edge("flushed", NOW - 40), tasks=(reserved,))).cause == "early-ack"
    started = taken((NOW - 20, "received"), (NOW - 19, "started"))
    assert told(dead_worker(edge("flushed"), tasks=(started,))).cause == "early-ack"


def test_what_a_search_saw_after_an_eviction_was_flushed_later() -> None:
    wiped = (edge("flushed", NOW - 3), edge("evicted", NOW - 12, policy="allkeys-lru"))
    given = dead_worker(*wiped, tasks=(taken((NOW - 20, "received")),))
    assert told(given).cause == "evicted"
    between = Sighting("lost", NOW - 2, seen_at=NOW - 10, absences=2, absent_since=NOW - 2)
    assert told(replace(given, sightings={"lost": between})).cause == "flushed"


def test_what_was_missed_while_it_was_in_a_socket_was_not_gone_yet() -> None:
    given = dead_worker(edge("flushed", NOW - 3), tasks=(taken((NOW - 20, "received")),))
    unread = Sighting("lost", NOW - 24, absences=2, absent_since=NOW - 25, absent_at=(NOW - 25, NOW - 24))
    assert told(replace(given, sightings={"lost": unread})).cause == "flushed"


def test_a_declared_cause_stays_when_the_looks_that_told_it_from_another_are_thinned_out() -> None:
    wiped = (edge("flushed", NOW - 8), edge("evicted", NOW - 12, policy="allkeys-lru"))
    assert told(missed(*wiped)).cause == "evicted"
    before = declared(SENT, NOW - 2, "the broker's keys were flushed")
    assert told(missed(*wiped, tasks=(before,), suspects=())).cause == "flushed"
    other = declared(SENT, NOW - 2, "published, given to nobody, and in no broker key")
    assert told(missed(*wiped, tasks=(other,), suspects=())).cause == "evicted"


def test_what_was_lost_with_its_worker_stays_that_when_the_broker_is_flushed_later() -> None:
    words = losses.because_of(endings(dead_worker())[0])
    gone = declared(taken((NOW - 20, "received")), NOW - 3, words)
    assert told(dead_worker(edge("flushed", NOW - 1), tasks=(gone,))).cause == "early-ack"


def test_what_may_have_been_given_back_and_stands_nowhere_is_lost() -> None:
    old = taken((NOW - 5000, "received"))
    given = dead_worker(edge("flushed"), tasks=(old,), suspects=(old,))
    assert losses.doubts(given) != () and task_lost.judge(given) == ()
    searched = replace(given, sightings={"lost": TWICE})
    assert told(searched).cause == "flushed" and losses.doubts(searched) == ()
    assert told(replace(searched, tasks=(declared(old, NOW - 1, "gone"),), suspects=())).cause == "flushed"


def test_what_a_worker_gave_back_at_its_goodbye_and_stands_nowhere_is_lost() -> None:
    mine = taken((NOW - 20, "received"))
    left = worker(heard=NOW - 5, offline_at=NOW - 5)
    given = dead_worker(edge("flushed"), workers=(left,), tasks=(mine,), suspects=(mine,))
    assert task_lost.judge(given) == ()
    assert told(replace(given, sightings={"lost": TWICE})).cause == "flushed"
