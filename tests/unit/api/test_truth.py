"""The verdict on a task: its events, corrected by what is known of its worker, its queue and the broker."""

from __future__ import annotations

import pytest

from celeriac.api.liveness import Liveness
from celeriac.api.proofs import proofs
from celeriac.api.standing import Verdict
from celeriac.api.surroundings import Claimed, Declared, Line, Process, Role, Running, Surroundings, Usual
from celeriac.api.truth import verdict
from celeriac.clock import rfc3339
from celeriac.model.broker import Held
from celeriac.model.event import Event
from celeriac.model.queue import Queue, QueueSample
from celeriac.model.sighting import Place, Sighting
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


def test_a_silent_workers_task_stands_where_the_ledger_has_it() -> None:
    silent = Liveness("silent", "no heartbeat for 9 s; whether it is dead is not known")
    assert verdict(task(*LIFE), Surroundings(AT, liveness=silent)).word == "running"
    doubt = Declared("unknown", "celery@a has it, and was not heard since 11:02:01Z: it is frozen")
    assert verdict(task(*LIFE), Surroundings(AT, liveness=silent, declared=doubt)) == Verdict(*doubt)


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


def test_a_task_that_could_not_have_been_seen_is_unknown_and_not_never_seen() -> None:
    deaf = verdict(None, Surroundings(AT, watching=AT - 60, hears="nobody"))
    assert (deaf.word, "celeriac.install(app)" in deaf.because) == ("unknown", True)
    half = verdict(None, Surroundings(AT, watching=AT - 60, hears="workers"))
    assert half.word == "never-seen"
    assert half.because.endswith("no producer tells what it publishes, so it may wait unseen")


def test_a_scheduled_task_of_a_worker_that_is_no_more_is_not_scheduled_there() -> None:
    due = task("sent", "received", eta=rfc3339(AT + 60))
    dead = Surroundings(AT, liveness=Liveness("dead", "killed"))
    assert verdict(due, dead).word == "unknown"


def draining(ready: int) -> Queue:
    """A queue that loses two messages a second."""
    looks = tuple(QueueSample("mail", AT - 20 + step * 5, ready + 40 - step * 10) for step in range(5))
    return Queue("mail", looks, ("celery@a",))


def test_a_waiting_task_says_its_place_and_when_its_turn_comes() -> None:
    by_publish = verdict(task("sent"), Surroundings(AT, queue=draining(50), ahead=19))
    assert by_publish.because == (
        "published 1 s ago; 50 wait in mail, 19 before it, 1 worker consumes it; "
        "its turn comes in about 10 s at this rate (2.0/s)"
    )
    seen = Sighting("t1", AT - 0.5, Place("ready", "mail", 1), AT - 0.5)
    assert "it is next" in verdict(task("sent"), Surroundings(AT, queue=draining(50), ahead=19, sighting=seen)).because
    stuck = Queue("mail", tuple(QueueSample("mail", AT - 20 + step * 5, 9) for step in range(5)), ("celery@a",))
    assert "when its turn comes cannot be told" in verdict(task("sent"), Surroundings(AT, queue=stuck, ahead=3)).because
    taken = verdict(task("sent"), Surroundings(AT, queue=stuck, ahead=3, pace=0.5)).because
    assert taken.endswith("its turn comes in about 8 s at this rate (0.5/s)"), "as much comes in as goes out"


@pytest.mark.parametrize(
    ("place", "word"),
    [(Place("dead-letter", "mail.dlq"), "dead"), (Place("delayed"), "scheduled"), (Place("unacked"), "reserved")],
)
def test_a_message_that_stands_aside_is_not_said_to_wait(place: Place, word: str) -> None:
    around = Surroundings(AT, queue=queue(3), sighting=Sighting("t1", AT - 0.5, place, AT - 0.5))
    assert verdict(task("sent"), around).word == word


def test_where_a_search_saw_it_says_nothing_once_the_task_was_heard_of_again() -> None:
    before = Sighting("t1", AT - 9, Place("unacked"), AT - 9)
    rescued = task("sent", "received", "queued", retries=0)
    found = verdict(rescued, Surroundings(AT, queue=queue(3), ahead=2, sighting=before))
    assert found.word == "waiting"
    assert "2 before it" in found.because


def test_a_place_that_was_seen_long_ago_gives_way_to_what_is_known_now() -> None:
    old = Sighting("t1", AT + 1, Place("ready", "mail", 4000), AT + 1)
    around = Surroundings(AT + 300, queue=queue(3), ahead=2, sighting=old)
    assert "2 before it" in verdict(task("sent"), around).because


def test_what_cannot_be_found_says_how_it_was_looked_for() -> None:
    def because(sighting: Sighting) -> str:
        return verdict(task("sent"), Surroundings(AT, queue=queue(0), sighting=sighting)).because

    assert because(Sighting("t1", AT, unsure="2,000,000 deep")).endswith("the broker was searched: 2,000,000 deep")
    assert because(Sighting("t1", AT, absences=2, absent_since=AT - 9)).endswith(
        "2 full searches of the broker saw it nowhere"
    )


def test_a_reserved_task_says_behind_what() -> None:
    line = Line((Running("r1", "reports.build", AT - 240), Running("r2", None, None)), 2, 1)
    found = verdict(task("sent", "received"), Surroundings(AT, liveness=ALIVE, line=line))
    assert found.word == "reserved"
    assert found.because.endswith(
        "; behind reports.build (for 4.0 min), r2, which fill all 2 slots and 1 task before it"
    )


def test_a_running_task_is_set_beside_its_own_history() -> None:
    around = Surroundings(
        AT, liveness=ALIVE, process=Process(4130, 600 * 2**20, AT), usual=Usual(200, 0.5, 100 * 2**20)
    )
    found = verdict(task(*LIFE), around)
    assert found.because == (
        "celery@a, child 4130, started it 1 s ago and is alive: heartbeat 1 s ago; longer than the 500 ms that 95 % of "
        "the last 200 took; its process has 600 MiB (95 % of its name take at most 100 MiB)"
    )


@pytest.mark.parametrize("kinds", [("sent",), LIFE[:2], LIFE])
def test_what_was_declared_stands_over_what_its_events_say(kinds: tuple[str, ...]) -> None:
    held = Surroundings(AT, liveness=DEAD, declared=Declared("held", "the dead celery@a has it until 12:00"))
    assert verdict(task(*kinds), held) == ("held", "the dead celery@a has it until 12:00")


def test_a_declaration_says_nothing_of_a_task_that_ended() -> None:
    assert verdict(task(*LIFE, "succeeded"), Surroundings(AT, declared=Declared("unknown", "x"))).word == "succeeded"


def test_a_lost_task_says_why() -> None:
    lost = task(*LIFE, "lost", because="celery@a was killed; it had acknowledged the task")
    found = verdict(lost, Surroundings(AT))
    assert found.word == "lost"
    assert found.because.startswith(f"lost on celery@a, not heard of since {rfc3339(AT - 1)}")
    assert found.because.endswith("celery@a was killed; it had acknowledged the task")


def test_a_parked_task_is_dead_with_the_reason() -> None:
    found = verdict(task(*LIFE, "parked", because="3 processes died running it"), Surroundings(AT))
    assert found.word == "dead"
    assert found.because.startswith("set aside, and not run again, on celery@a")


def test_a_task_that_ran_twice_names_both_runs() -> None:
    twice = verdict(task(*LIFE, "succeeded", "received", "started", retries=0), Surroundings(AT, liveness=ALIVE))
    assert twice.because.endswith("it ran twice: attempt 1 on celery@a and attempt 2 on celery@a")


def test_a_redelivery_and_a_rescue_are_told() -> None:
    again = verdict(task("sent", "received", "queued", "received", retries=0), Surroundings(AT, liveness=ALIVE))
    assert "it was delivered again" in again.because
    assert again.because.endswith("rescue put it back into its queue")


def test_a_revoked_task_whose_message_still_stands_there_may_run() -> None:
    called_off = verdict(task("sent"), Surroundings(AT, queue=queue(3), called_off=AT - 1))
    assert called_off.word == "waiting"
    assert "but its message is still there" in called_off.because
    seen = Sighting("t1", AT + 5, Place("ready", "mail", 4), AT + 5)
    dropped = verdict(task("sent", "received", "revoked"), Surroundings(AT + 9, sighting=seen))
    assert (dropped.word, "still stands in mail" in dropped.because) == ("revoked", True)


def test_a_success_of_long_ago_says_why_its_result_reads_pending() -> None:
    old = verdict(task(*LIFE, "succeeded"), Surroundings(AT + 2 * 86_400))
    assert old.because.endswith("so AsyncResult may read PENDING now")
    assert "PENDING" not in verdict(task(*LIFE, "succeeded"), Surroundings(AT)).because


def test_every_verdict_stands_on_dated_evidence() -> None:
    around = Surroundings(
        AT,
        roles=(LOST,),
        held=Held("tag", "t1", None, "mail", AT - 9),
        sighting=Sighting("t1", AT - 3, Place("ready", "mail", 7), AT - 3),
        claimed=Claimed("celery@a", "active", AT - 2),
        queue=queue(4),
        ahead=6,
        liveness=ALIVE,
        process=Process(4130, 2**20, AT - 1),
        watching=1.0,
    )
    told = proofs(task("sent"), around)
    assert [fact.at for fact in told] == sorted(fact.at for fact in told)
    assert {fact.source for fact in told} == {"event", "broker", "ledger", "worker", "process"}
    assert all(fact.fact and fact.how for fact in told)
    assert proofs(Task("nobody"), Surroundings(AT, watching=7.0))[0].at == 7.0
