"""Any order, duplication and interleaving of a task's events gives the same task."""

from __future__ import annotations

from functools import reduce
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from celeriac.model.event import TASK_KINDS, Event
from celeriac.model.task import Task, fold, fold_all, merge
from lab.lifecycle import event

_texts = st.one_of(st.none(), st.sampled_from(["", "a", "b", "shop.add"]))


@st.composite
def task_events(draw: st.DrawFn) -> Event:
    """Any event of the task "t", close enough in time and place that they collide."""
    return event(
        draw(st.sampled_from(sorted(TASK_KINDS))),
        draw(st.integers(0, 12)) / 4,
        task_id="t",
        worker=draw(st.sampled_from(["celery@a", "celery@b"])),
        pid=draw(st.integers(1, 2)),
        data={
            "name": draw(_texts),
            "queue": draw(_texts),
            "args": draw(_texts),
            "retries": draw(st.one_of(st.none(), st.integers(0, 2))),
            "exception": draw(_texts),
            "requeue": draw(st.booleans()),
            "expired": draw(st.booleans()),
        },
    )


histories = st.lists(task_events(), min_size=1, max_size=40)


@given(histories, st.randoms(use_true_random=False))
def test_any_order_and_repetition_of_events_gives_the_same_task(history: list[Event], random: Random) -> None:
    shuffled = history * 2
    random.shuffle(shuffled)

    assert fold_all("t", tuple(shuffled)) == fold_all("t", tuple(history))


@given(histories, histories, histories)
def test_partial_views_of_a_task_merge_to_the_same_whole(a: list[Event], b: list[Event], c: list[Event]) -> None:
    left, middle, right = (reduce(fold, part, Task("t")) for part in (a, b, c))

    assert merge(merge(left, middle), right) == merge(left, merge(middle, right)) == fold_all("t", (*a, *b, *c))
    assert merge(left, middle) == merge(middle, left)
    assert merge(left, left) == left


@given(st.integers(129, 200), st.randoms(use_true_random=False))
def test_a_task_that_never_stops_coming_back_keeps_both_ends_in_any_order(count: int, random: Random) -> None:
    history = [event("task-received", float(at), task_id="t") for at in range(count)]
    shuffled = list(history)
    random.shuffle(shuffled)

    task = fold_all("t", tuple(shuffled))

    assert task == fold_all("t", tuple(history))
    assert task.cut
    assert (task.marks[0].at, task.marks[-1].at, len(task.marks)) == (0.0, count - 1.0, 128)


@given(histories)
def test_attempts_are_numbered_and_ended_ones_say_when(history: list[Event]) -> None:
    attempts = fold_all("t", tuple(history)).attempts

    assert [attempt.number for attempt in attempts] == list(range(1, len(attempts) + 1))
    assert all((attempt.ended_at is not None) == attempt.state.ended for attempt in attempts)
    assert all((attempt.delivery == "first") == (attempt.number == 1) for attempt in attempts)


@given(histories)
def test_every_publish_is_in_an_attempt_and_no_attempt_is_invented(history: list[Event]) -> None:
    task = fold_all("t", tuple(history))
    published = [mark.at for mark in task.marks if mark.what == "sent"]

    assert bool(task.attempts) == bool(task.marks)
    assert sorted(one.published_at for one in task.attempts if one.published_at is not None) == published
    assert len(task.attempts) <= len(task.marks)
