"""The books on starts claim exactly what is missing, whatever repeats."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from celeriac.model.gap import Tally, heard, started

PERIOD = 2.0
stretches = st.lists(
    st.lists(st.tuples(st.integers(1, 199), st.booleans()), max_size=8, unique_by=lambda one: one[0]),
    min_size=2,
    max_size=8,
)
"""For each stretch between two heartbeats, when tasks started (hundredths of it) and whether the event arrived."""


def _post(stretched: list[list[tuple[int, bool]]], *, repeat: int = 1, restart: bool = False) -> int:
    """Keep books over the stretches and one more heartbeat; the starts claimed missing."""
    tally = Tally("celery@lab", 7, at=0.0, counted=0)
    processed = missing = 0
    arrived: list[float] = []
    for number, stretch in enumerate([*stretched, []]):
        for hundredths, came in stretch:
            at = number * PERIOD + hundredths / 100
            processed += 1
            if came:
                arrived.append(at)
                tally = started(tally, at)
        for _ in range(repeat):
            tally, more = heard(tally, (number + 1) * PERIOD, processed)
            missing += more
        if restart:
            tally = _restored(tally, arrived)
    return missing


def _restored(tally: Tally, arrived: list[float]) -> Tally:
    """The books as the store gives them back: without starts, which are read again from the event rows."""
    bare = replace(tally, starts=())
    for at in (at for at in arrived if at > tally.at):
        bare = started(bare, at)
    return bare


@given(stretches)
def test_exactly_the_starts_that_never_came_are_missing(stretched: list[list[tuple[int, bool]]]) -> None:
    assert _post(stretched) == sum(1 for stretch in stretched for _, came in stretch if not came)


@given(stretches, st.integers(2, 4))
def test_a_heartbeat_heard_again_changes_nothing(stretched: list[list[tuple[int, bool]]], repeat: int) -> None:
    assert _post(stretched, repeat=repeat) == _post(stretched)


@given(stretches)
def test_books_restored_between_any_two_heartbeats_go_on_exactly(stretched: list[list[tuple[int, bool]]]) -> None:
    assert _post(stretched, restart=True) == _post(stretched)
