"""The account of a recorder: whatever is lost on the way, repeated or out of order, the holes are exact."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from celeriac.model.evidence import Evidence
from celeriac.model.parcel import Parcel, Sender
from celeriac.model.recording import SPANS, Recording, begun, died, holes, note

SENDER = Sender("b" * 32, "worker", "celery@web-1", 7, "web-1", 100.0)


@dataclass(frozen=True)
class Life:
    """What a recorder did: its parcels, which of them arrived, and the numbers lost in either way."""

    parcels: tuple[Parcel, ...]
    arrived: tuple[Parcel, ...]
    newest: int

    @property
    def missing(self) -> int:
        """Numbers up to the newest arrival that never came."""
        last = max((one.first + one.size - 1 for one in self.arrived), default=0)
        return last - sum(one.size for one in self.arrived)


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """Up to thirty parcels; before each some items may be dropped by a full buffer, and each may be lost."""
    parcels, arrived, number, dropped = [], [], 1, 0
    for step in range(draw(st.integers(1, 30))):
        lost = draw(st.integers(0, 3))
        number, dropped = number + lost, dropped + lost
        size = draw(st.integers(0, 4))
        parcel = Parcel(SENDER, number, size, 101.0 + step, dropped=dropped)
        number += size
        parcels.append(parcel)
        if draw(st.booleans()):
            arrived.append(parcel)
    return Life(tuple(parcels), tuple(arrived), number - 1)


def account(parcels: tuple[Parcel, ...] | list[Parcel]) -> Recording:
    """All of them, noted in turn."""
    recording = begun(SENDER, 101.0, 1.0)
    for parcel in parcels:
        recording = note(recording, parcel, parcel.sent_at)
    return recording


@settings(max_examples=300, deadline=None)
@given(lives(), st.data())
def test_any_order_and_repetition_gives_the_same_holes_and_their_exact_size(life: Life, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(life.arrived + life.arrived[: len(life.arrived) // 2]))
    found = holes(account(shuffled), 200.0)

    assert found == holes(account(life.arrived), 200.0)
    filled = sum(gap.size or 0 for gap in found)
    empty_end = max((one.first for one in life.arrived if not one.size), default=1) - 1
    last = max((one.first + one.size - 1 for one in life.arrived), default=0)
    assert filled == life.missing + max(0, empty_end - last)


@settings(max_examples=200, deadline=None)
@given(lives())
def test_what_all_arrives_leaves_only_what_the_buffer_dropped(life: Life) -> None:
    found = holes(account(life.parcels), 200.0)
    assert {gap.cause for gap in found} <= {"buffer-full"}
    assert sum(gap.size or 0 for gap in found) == life.parcels[-1].dropped


@settings(max_examples=200, deadline=None)
@given(lives(), st.data())
def test_what_comes_late_fills_its_hole(life: Life, data: st.DataObject) -> None:
    first = data.draw(st.permutations(life.arrived))
    late = data.draw(st.permutations([one for one in life.parcels if one not in life.arrived]))
    assert holes(account([*first, *late]), 200.0) == holes(account(life.parcels), 200.0)


@settings(max_examples=200, deadline=None)
@given(lives(), st.integers(0, 20))
def test_a_killed_process_lost_what_it_had_counted_beyond_its_last_parcel(life: Life, more: int) -> None:
    whole = account(life.parcels)
    gone = Evidence(
        "e", 300.0, "worker", "process-gone", "web-1", "", "", data={"boot": SENDER.boot, "last": life.newest + more}
    )
    killed = [gap for gap in holes(died(whole, gone), 301.0) if gap.cause == "killed"]
    assert sum(gap.size or 0 for gap in killed) == more
    assert holes(died(whole, gone), 301.0) == holes(died(died(whole, gone), gone), 301.0)


def test_an_account_stays_small_however_many_holes_there_are() -> None:
    parcels = [Parcel(SENDER, 1 + 10 * step, 5, 101.0 + step) for step in range(500)]
    found = account(parcels)
    assert len(found.spans) == SPANS
    assert sum(gap.size or 0 for gap in holes(found, 700.0)) == SPANS * 5


def test_what_was_shipped_before_anybody_watched_is_no_hole() -> None:
    parcel = Parcel(SENDER, 501, 5, 160.0, dropped=3)
    for since in (None, 150.0):
        assert holes(note(begun(SENDER, 161.0, since), parcel, 161.0), 161.0) == ()
    watched = holes(note(begun(SENDER, 161.0, 99.0), parcel, 161.0), 161.0)
    assert {gap.cause: gap.size for gap in watched} == {"buffer-full": 3, "trimmed": 497}
