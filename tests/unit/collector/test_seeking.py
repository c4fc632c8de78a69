"""The seek loop: when a task is looked for, and when again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from celeriac.collector.seeking import IDLE, LONGEST, SEEKING, SeekLoop
from celeriac.errors import BrokerUnavailableError
from celeriac.model.broker import BrokerLook
from celeriac.model.event import Event
from celeriac.model.queue import QueueSample
from celeriac.model.sighting import Place, Search, Wanted
from celeriac.model.source import SourceMark
from celeriac.store import Batch, Store

NOW = 1_000.0
LOOK = BrokerLook(NOW, NOW, "redis", "7", "master", 0.001, queues=(QueueSample("celery", NOW, 0),))


class Answers:
    """Stands for a broker: says `tell` of everything that is wanted, after `parts` calls."""

    def __init__(self, tell: str, parts: int = 1) -> None:
        self.tell = tell
        self.parts = parts
        self.asked: list[tuple[float, set[str]]] = []
        self.fails = False
        self._began: float | None = None
        self._left = 0

    def search(self, wanted: Wanted, at: float) -> Search:
        if self.fails:
            self._began = None
            raise BrokerUnavailableError("gone", cause="down")
        if self._began is None:
            self._began, self._left = at, self.parts
            self.asked.append((at, set(wanted.ids)))
        self._left -= 1
        began = self._began
        if self._left:
            return Search(began, done=False)
        self._began = None
        ids = frozenset(wanted.ids)
        return Search(
            began,
            done=True,
            found=dict.fromkeys(ids, Place("unacked")) if self.tell == "found" else {},
            absent=ids if self.tell == "absent" else frozenset(),
            unsure=dict.fromkeys(ids, "too deep") if self.tell == "unsure" else {},
        )


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store.open("sqlite://")
    store.record(Batch(NOW, look=LOOK, marks=(SourceMark("broker", NOW),)))
    yield store
    store.close()


def _publish(store: Store, *ids: str) -> None:
    data = {"name": "lab.add", "queue": "celery"}
    events = (Event(f"sent-{one}", "task-sent", 10.0, 10.0, "test", task_id=one, data=data) for one in ids)
    store.record(Batch(NOW, events=tuple(events)))


def _run(answers: Answers, store: Store, seconds: int) -> SeekLoop:
    broker: Any = SimpleNamespace(search=answers.search)
    loop = SeekLoop(broker, store)
    for second in range(seconds):
        loop.step(NOW + second)
    return loop


def test_without_a_suspect_nothing_is_asked(store: Store) -> None:
    answers = Answers("found")
    assert _run(answers, store, 5).interval == IDLE
    assert answers.asked == []


def test_an_absence_is_looked_for_again_at_once(store: Store) -> None:
    _publish(store, "t")
    answers = Answers("absent")
    assert _run(answers, store, 2).interval == SEEKING
    assert [at - NOW for at, _ in answers.asked] == [0, 1]
    sighting = store.sighting("t")
    assert sighting is not None
    assert sighting.absences == 2


@pytest.mark.parametrize("answer", ["found", "unsure"])
def test_the_same_answer_again_doubles_the_wait_up_to_a_limit(store: Store, answer: str) -> None:
    _publish(store, "t")
    answers = Answers(answer)
    _run(answers, store, 130)
    assert [at - NOW for at, _ in answers.asked] == [0, 1, 3, 7, 15, 31, 61, 91, 121]
    assert LONGEST == 30


@pytest.mark.parametrize("changed", [{"run_id": "b"}, {"flushes": 2}, {"evicted_keys": 7}, {"refused": 3}])
def test_after_a_restart_a_flush_an_eviction_or_a_refusal_everything_is_looked_for_anew(
    store: Store, changed: dict[str, Any]
) -> None:
    before = replace(LOOK, run_id="a", flushes=1, evicted_keys=5, eviction_policy="allkeys-lru")
    store.record(Batch(NOW, look=before))
    _publish(store, "t")
    answers = Answers("found")
    loop = _run(answers, store, 10)
    assert [at - NOW for at, _ in answers.asked] == [0, 1, 3, 7]
    store.record(Batch(NOW + 10, look=replace(before, at=NOW + 10, **changed)))
    loop.step(NOW + 10)
    loop.step(NOW + 11)
    assert [at - NOW for at, _ in answers.asked] == [0, 1, 3, 7, 10, 11]


def test_evictions_that_take_no_queue_change_nothing(store: Store) -> None:
    before = replace(LOOK, run_id="a", evicted_keys=5, eviction_policy="volatile-lru")
    store.record(Batch(NOW, look=before))
    _publish(store, "t")
    answers = Answers("found")
    loop = _run(answers, store, 10)
    store.record(Batch(NOW + 10, look=replace(before, at=NOW + 10, evicted_keys=900)))
    loop.step(NOW + 10)
    assert [at - NOW for at, _ in answers.asked] == [0, 1, 3, 7]


def test_a_new_suspect_does_not_wait_for_the_old_ones(store: Store) -> None:
    _publish(store, "old")
    answers = Answers("found")
    loop = _run(answers, store, 5)
    _publish(store, "new")
    loop.step(NOW + 5)
    assert answers.asked[-1] == (NOW + 5, {"new"})


def test_a_search_in_parts_goes_on_with_what_was_wanted(store: Store) -> None:
    _publish(store, "t")
    answers = Answers("absent", parts=3)
    _run(answers, store, 4)
    assert [at - NOW for at, _ in answers.asked] == [0, 3]


def test_after_an_outage_a_search_begins_anew(store: Store) -> None:
    _publish(store, "t")
    answers = Answers("absent", parts=2)
    loop = _run(answers, store, 1)
    answers.fails = True
    with pytest.raises(BrokerUnavailableError):
        loop.step(NOW + 1)
    answers.fails = False
    loop.step(NOW + 2)
    assert [at - NOW for at, _ in answers.asked] == [0, 2]
