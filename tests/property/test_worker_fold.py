"""Any order, duplication and interleaving of a worker's signs of life gives the same life."""

from __future__ import annotations

from functools import reduce
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from celeriac.model.event import Event
from celeriac.model.worker import Claim, Worker, fold, from_event, merge
from lab.lifecycle import event

_queues = st.one_of(st.none(), st.just(("celery",)), st.just(("celery", "slow")))
_counts = st.one_of(st.none(), st.integers(0, 3))


@st.composite
def beats(draw: st.DrawFn) -> Event:
    """Any event of one worker life."""
    return event(
        draw(st.sampled_from(["worker-online", "worker-heartbeat", "worker-offline", "task-started"])),
        draw(st.integers(0, 8)) / 2,
        data={
            "freq": draw(st.sampled_from([2.0, 5.0])),
            "processed": draw(_counts),
            "active": draw(_counts),
            "sw_ident": "py-celery",
            "sw_ver": draw(st.sampled_from(["5.4", "5.7"])),
        },
    )


@st.composite
def answers(draw: st.DrawFn) -> Worker:
    """What the worker says when asked."""
    return Worker(
        "celery@lab",
        7,
        first_seen=draw(st.integers(0, 8)) / 2,
        heartbeat_seen=0.0,
        heartbeat_at=0.0,
        asked_at=draw(st.integers(0, 4)) / 2,
        queues=draw(_queues),
        claims=draw(st.one_of(st.none(), st.just(()), st.just((Claim("t", "lab.add", "active"),)))),
        pool=draw(st.sampled_from(["prefork", "solo"])),
        prefetch=draw(_counts),
    )


signs = st.lists(st.one_of(beats().map(from_event), answers()), min_size=1, max_size=20)


@given(signs, st.randoms(use_true_random=False))
def test_any_order_and_repetition_of_signs_gives_the_same_life(seen: list[Worker], random: Random) -> None:
    shuffled = seen * 2
    random.shuffle(shuffled)

    assert reduce(merge, shuffled) == reduce(merge, seen)


@given(signs, signs, signs)
def test_partial_views_of_a_life_merge_to_the_same_whole(a: list[Worker], b: list[Worker], c: list[Worker]) -> None:
    left, middle, right = (reduce(merge, part) for part in (a, b, c))

    assert merge(merge(left, middle), right) == merge(left, merge(middle, right))
    assert merge(left, middle) == merge(middle, left)
    assert merge(left, left) == left


@given(st.lists(beats(), min_size=1, max_size=20))
def test_folding_one_by_one_is_merging_all(history: list[Event]) -> None:
    folded = reduce(fold, history[1:], from_event(history[0]))

    assert folded == reduce(merge, map(from_event, history))


@given(st.lists(beats(), min_size=1, max_size=20))
def test_a_goodbye_stands_until_a_newer_sign_of_life(history: list[Event]) -> None:
    worker = reduce(merge, map(from_event, history))
    goodbyes = [one.at for one in history if one.kind == "worker-offline"]
    signs = [one.at for one in history if one.kind in ("worker-online", "worker-heartbeat")]

    assert worker.said_goodbye() == bool(goodbyes and max(goodbyes) >= max(signs, default=0.0))
