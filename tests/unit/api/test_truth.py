"""The verdict on a task: its events, corrected by what is known of its worker, its queue and the broker."""

from __future__ import annotations

import pytest

from celeriac.api.liveness import Liveness
from celeriac.api.truth import Claimed, Role, Surroundings, verdict
from celeriac.clock import rfc3339
from celeriac.model.broker import Held
from celeriac.model.event import Event
from celeriac.model.queue import Queue, QueueSample
from celeriac.model.task import Task, fold_all

AT = 5_000.0
ALIVE = Liveness("alive", "heartbeat 1 s ago")
DEAD = Liveness("dead", "celery@a's main process was killed", "incident-1")
LIFE = ("sent", "received", "started")
LOST = Role("incident-1", "lost", True, "celery@a was killed; 1 task lost")


def task(*kinds: str, **data: object) -> Task:
    """A task that these events name, a second apart, the last at AT - 1."""
    events = tuple(
        Event(f"e{index}", f"task-{kind}", at, at, "events", "celery@a", 7, "t1", data)
        for index, (kind, at) in enumerate(zip(kinds, range(int(AT) - len(kinds), int(AT)), strict=True))
    )
    return fold_all("t1", events)


def queue(ready: int, consumers: tuple[str, ...] | None = ("celery@a",)) -> Queue:
    return Queue("mail", (QueueSample("mail", AT, ready, oldest_id="t1"),), consumers)


@pytest.mark.parametrize(
    ("kinds", "word"),
    [
        ((*LIFE, "succeeded"), "succeeded"),
        ((*LIFE, "failed"), "failed"),
        ((*LIFE, "retried"), "retrying"),
        (("sent", "received", "revoked"), "revoked"),
        (("sent", "received", "rejected"), "rejected"),
    ],
)
def test_an_ended_task_is_what_its_end_says(kinds: tuple[str, ...], word: str) -> None:
    assert verdict(task(*kinds), Surroundings(AT)).word == word


def test_an_expired_task_is_told_from_a_revoked_one() -> None:
    assert verdict(task("sent", "revoked", expired=True), Surroundings(AT)).word == "expired"


def test_a_late_end_disproves_the_loss() -> None:
    assert verdict(task(*LIFE, "succeeded"), Surroundings(AT, roles=(LOST,))).word == "succeeded"


@pytest.mark.parametrize("kinds", [LIFE, LIFE[:2]])
def test_a_task_that_its_worker_no_longer_has_is_not_said_to_run(kinds: tuple[str, ...]) -> None:
    found = verdict(task(*kinds), Surroundings(AT, liveness=ALIVE, denied=AT - 0.5))
    assert found.word == "unknown"
    assert "has it no more; what became of it was not heard" in found.because


def test_a_started_task_runs_only_while_its_worker_lives() -> None:
    assert verdict(task(*LIFE), Surroundings(AT, liveness=ALIVE)) == (
        "running",
        "celery@a started it 1 s ago and is alive: heartbeat 1 s ago",
    )
    dead = verdict(task(*LIFE), Surroundings(AT, liveness=DEAD))
    assert dead.word == "unknown"
    assert "that worker is dead" in dead.because
    assert verdict(task(*LIFE), Surroundings(AT)).word == "unknown"


def test_an_incident_settles_a_started_task_as_lost() -> None:
    found = verdict(task(*LIFE), Surroundings(AT, roles=(LOST,), liveness=DEAD))
    assert found == ("lost", "it never ended and stands nowhere in the broker: celery@a was killed")


def test_a_task_is_held_while_the_incident_is_open_and_not_after() -> None:
    held = Role("incident-1", "held", True, "celery@a was killed")
    assert verdict(task("sent"), Surroundings(AT, roles=(held,))).word == "held"
    over = held._replace(active=False)
    assert verdict(task("sent"), Surroundings(AT, roles=(over,), queue=queue(1))).word == "waiting"


def test_a_received_task_with_a_time_to_come_is_scheduled() -> None:
    due = task("sent", "received", eta=rfc3339(AT + 60))
    assert verdict(due, Surroundings(AT, liveness=ALIVE)).word == "scheduled"
    late = task("sent", "received", eta=rfc3339(AT - 60))
    assert verdict(late, Surroundings(AT, liveness=ALIVE)).word == "reserved"
    odd = task("sent", "received", eta="tomorrow")
    assert verdict(odd, Surroundings(AT, liveness=ALIVE)).word == "reserved"


@pytest.mark.parametrize(
    ("consumers", "says"),
    [
        ((), "nobody consumes it"),
        (("a",), "1 worker consumes it"),
        (("a", "b"), "2 workers consume it"),
        (None, "who consumes it is not known"),
    ],
)
def test_a_waiting_task_says_who_could_take_it(consumers: tuple[str, ...] | None, says: str) -> None:
    found = verdict(task("sent"), Surroundings(AT, queue=queue(1487, consumers)))
    assert found.word == "waiting"
    assert found.because == f"published 1 s ago; 1,487 wait in mail, {says}"


def test_a_published_task_whose_queue_is_empty_is_unknown_and_not_waiting() -> None:
    assert verdict(task("sent"), Surroundings(AT, queue=queue(0))).word == "unknown"


def test_on_stale_figures_an_empty_queue_proves_nothing() -> None:
    found = verdict(task("sent"), Surroundings(AT, stale=True, queue=queue(0)))
    assert found.word == "waiting"
    assert "cannot be seen now" in found.because


@pytest.mark.parametrize(
    ("around", "word"),
    [
        (Surroundings(AT), "unknown"),
        (Surroundings(AT, watching=AT - 60), "never-seen"),
        (Surroundings(AT, watching=1.0, held=Held("tag", "t1", None, None, AT - 9)), "reserved"),
        (Surroundings(AT, watching=1.0, claimed=Claimed("celery@a", "active", AT - 2)), "running"),
        (Surroundings(AT, watching=1.0, claimed=Claimed("celery@a", "scheduled", AT - 2)), "scheduled"),
        (Surroundings(AT, watching=1.0, queue=queue(4)), "waiting"),
        (Surroundings(AT, watching=1.0, roles=(LOST,)), "lost"),
    ],
)
def test_a_task_no_event_named_is_judged_by_what_else_is_known(around: Surroundings, word: str) -> None:
    assert verdict(None, around).word == word


def test_never_seen_says_since_when_it_would_have_been_seen() -> None:
    found = verdict(None, Surroundings(AT, watching=AT - 60))
    assert found.because == f"no event has named it since {rfc3339(AT - 60)}, when watching began"


def test_a_scheduled_task_of_a_worker_that_is_no_more_is_not_scheduled_there() -> None:
    due = task("sent", "received", eta=rfc3339(AT + 60))
    dead = Surroundings(AT, liveness=Liveness("dead", "killed"))
    assert verdict(due, dead).word == "unknown"
