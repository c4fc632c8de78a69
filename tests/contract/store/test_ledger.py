"""The ledger's questions and acts: who is suspected, what searches say, and that the balance is the rows' own."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from celeriac.model.broker import BrokerLook
from celeriac.model.event import Event
from celeriac.model.ledger import Declaration, Term, is_recorded, term_of
from celeriac.model.queue import QueueSample
from celeriac.model.sighting import Place, Search
from celeriac.model.source import SourceMark
from celeriac.store import Batch, Store, TaskQuery
from celeriac.store.ledger import CLOCKS, RETRY_SETTLE, SETTLE

NOW = 10_000.0
KINDS = (
    "task-sent",
    "task-received",
    "task-started",
    "task-succeeded",
    "task-failed",
    "task-retried",
    "task-revoked",
    "task-rejected",
    "task-queued",
    "task-parked",
    "task-unpublished",
)


def _event(kind: str, task_id: str, at: float, queue: str | None = "celery", **data: object) -> Event:
    worker = None if kind in ("task-sent", "task-queued", "task-unpublished") else "w@lab"
    facts = {"name": "lab.add", **data} | ({} if queue is None else {"queue": queue})
    return Event(f"{kind}-{task_id}-{at}", kind, at, at, "test", worker, 7 if worker else None, task_id, facts)


def _sent(store: Store, *at: float, queue: str | None = "celery") -> list[str]:
    """Publish a task at each of these times; their ids."""
    ids = [f"{queue}-{one:g}" for one in at]
    events = tuple(_event("task-sent", task_id, one, queue) for task_id, one in zip(ids, at, strict=True))
    store.record(Batch(NOW, events=events))
    return ids


def _look(store: Store, **queues: tuple[int, str | None]) -> None:
    """A look at each queue: how many are ready, and the oldest; the watermark comes to it."""
    samples = tuple(QueueSample(name, NOW, ready, oldest_id=oldest) for name, (ready, oldest) in queues.items())
    look = BrokerLook(NOW, NOW, "redis", "7", "master", 0.001, queues=samples)
    store.record(Batch(NOW, look=look, marks=(SourceMark("broker", NOW),)))


def _suspects(store: Store) -> list[str]:
    return list(store.suspects(100))


def test_what_is_older_than_the_oldest_message_is_suspected(store: Store) -> None:
    ids = _sent(store, 100, 200, 300)
    _look(store, celery=(3, ids[1]))
    assert _suspects(store) == [ids[0]]


def test_in_an_empty_queue_everything_that_settled_is_suspected(store: Store) -> None:
    ids = _sent(store, 100, 200, NOW - SETTLE / 2)
    _look(store, celery=(0, None))
    assert _suspects(store) == ids[:2]


def test_where_fewer_stand_than_should_wait_any_may_be_missing(store: Store) -> None:
    """A message of low priority that starves is the oldest for ever: the order alone would hide a loss behind it."""
    ids = _sent(store, 100, 200, 300)
    _look(store, celery=(2, ids[0]))
    assert _suspects(store) == ids


def test_while_all_stand_in_their_queue_nobody_is_suspected(store: Store) -> None:
    ids = _sent(store, 100, 200, 300)
    _look(store, celery=(3, ids[0]))
    assert _suspects(store) == []


def test_producers_whose_clocks_differ_a_little_raise_no_suspicion(store: Store) -> None:
    ids = _sent(store, 100, 100 + CLOCKS / 2)
    _look(store, celery=(2, ids[1]))
    assert _suspects(store) == []


def test_each_queue_has_an_order_of_its_own(store: Store) -> None:
    mine = _sent(store, 100, 200, queue="mine")
    theirs = _sent(store, 50, 60, queue="theirs")
    _look(store, mine=(2, mine[1]), theirs=(2, theirs[0]))
    assert _suspects(store) == [mine[0]]


@pytest.mark.parametrize("queue", [None, "a-routing-key"])
def test_a_task_of_no_queue_that_is_looked_at_is_suspected_once_it_settled(store: Store, queue: str | None) -> None:
    ids = _sent(store, 100, NOW - SETTLE / 2, queue=queue)
    _look(store, celery=(0, None))
    assert _suspects(store) == ids[:1]


def test_a_retry_is_suspected_only_when_its_message_should_have_been_taken(store: Store) -> None:
    (task_id,) = _sent(store, 100)
    told = [_event(f"task-{what}", task_id, 100 + step) for step, what in enumerate(("received", "started"), 1)]
    store.record(Batch(NOW, events=(*told, _event("task-retried", task_id, NOW - RETRY_SETTLE / 2))))
    _look(store, celery=(0, None))
    assert _suspects(store) == []
    store.record(Batch(NOW, marks=(SourceMark("broker", NOW + RETRY_SETTLE),)))
    assert _suspects(store) == [task_id]


def test_what_a_worker_took_or_ended_is_no_suspect(store: Store) -> None:
    ids = _sent(store, 100, 200)
    store.record(Batch(NOW, events=(_event("task-received", ids[0], 101), _event("task-succeeded", ids[1], 201))))
    _look(store, celery=(0, None))
    assert _suspects(store) == []


def test_many_in_doubt_leave_room_for_what_is_newly_missed(store: Store) -> None:
    ids = _sent(store, *range(100, 108))
    _look(store, celery=(0, None))
    in_doubt = [Declaration(one, Term.UNKNOWN, "", "its worker is frozen", 100.001) for one in ids[:6]]
    store.declare(in_doubt, NOW)
    assert list(store.suspects(4)) == [*ids[:2], *ids[6:]]
    assert list(store.suspects(7)) == [*ids[:5], *ids[6:]]


def test_an_unknown_stays_suspected_and_a_lost_one_does_not(store: Store) -> None:
    ids = _sent(store, 100, 200)
    _look(store, celery=(0, None))
    store.declare(
        [
            Declaration(ids[0], Term.UNKNOWN, "", "its queue is too deep", 100.001),
            Declaration(ids[1], Term.LOST, "flushed", "the broker was emptied", 200.001),
        ],
        NOW,
    )
    assert _suspects(store) == [ids[0]]


def test_a_series_of_searches_is_told_for_each_task(store: Store) -> None:
    for began in (1.0, 2.0):
        store.record(
            Batch(NOW, search=Search(began, True, {"here": Place("ready", "celery", 3)}, frozenset({"gone"}), {}))
        )
    store.record(Batch(NOW, search=Search(3.0, True, {}, frozenset(), {"gone": "too deep"})))
    here, gone = store.sighting("here"), store.sighting("gone")
    assert here is not None
    assert gone is not None
    assert (here.place, here.seen_at) == (Place("ready", "celery", 3), 2.0)
    assert (gone.absences, gone.absent_since, gone.unsure) == (2, 1.0, "too deep")
    assert store.sighting("nobody") is None


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_balance_always_equals_a_count_of_the_tasks(seed: int) -> None:
    random, store = Random(seed), Store.open("sqlite://")
    try:
        for _ in range(random.randint(1, 6)):
            store.record(Batch(NOW, events=tuple(_any_event(random) for _ in range(random.randint(0, 12)))))
            store.declare([_any_declaration(random) for _ in range(random.randint(0, 4))], NOW)
            store.record(Batch(NOW + random.randint(0, 50)))
            _agrees(store)
    finally:
        store.close()


def _any_event(random: Random) -> Event:
    kind, task_id = random.choice(KINDS), f"t{random.randint(0, 5)}"
    eta = {"eta": "1970-01-01T02:47:00+00:00"} if random.random() < 0.2 else {}
    return _event(kind, task_id, NOW - random.randint(0, 100), random.choice(["a", "b", None]), **eta)


def _any_declaration(random: Random) -> Declaration:
    term = random.choice((Term.LOST, Term.HELD, Term.UNKNOWN))
    return Declaration(f"t{random.randint(0, 6)}", term, "flushed", "because", NOW - random.randint(0, 100))


def _agrees(store: Store) -> None:
    """Counters against rows; and a row's term is its events' own, or stands over an open one."""
    counted: Counter[str | None] = Counter()
    published = 0
    for row in store.tasks(TaskQuery(), limit=100).items:
        task = store.task(row.id)
        assert task is not None
        own = term_of(task)
        if own is not None:
            published += is_recorded(task)
            counted[row.term] += 1
        declared = row.term in (Term.HELD, Term.UNKNOWN) or (own, row.term) == (Term.SCHEDULED, Term.RESERVED)
        assert row.term == own or (declared and own is not None and own.open)
    total = store.balance()[0]
    assert total.holds
    assert total.published == published
    assert {term.value: tasks for term, tasks in total.terms.items() if tasks} == dict(counted)
