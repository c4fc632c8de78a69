"""Which chords are written down, and what is written of their members."""

from __future__ import annotations

from dataclasses import replace

from celeriac.collector.chords import STILL, Chords
from celeriac.model.evidence import Evidence
from celeriac.model.outcome import ChordCount
from celeriac.store import Member

AT = 1795000000.0
COUNT = ChordCount("g", size=3, done=2, counted=frozenset({"a", "b"}), expires_in=100.0)


def member(task: str, term: str) -> Member:
    return Member(task, "g", "part", term, None, "w1@lab", AT, AT - 50, "body", "merge")


PARTS = (member("a", "succeeded"), member("b", "succeeded"), member("c", "running"))


def look(chords: Chords, *counts: ChordCount, at: float) -> tuple[Evidence, ...]:
    asked = chords.groups([one.group_id for one in counts])
    still = chords.still([one for one in counts if one.group_id in asked], at)
    return (*chords.facts(still, PARTS if still else (), at), *chords.gone(counts, at))


def test_a_chord_that_moves_is_not_written_down_and_one_that_stands_still_is() -> None:
    chords = Chords(2.0)
    assert look(chords, replace(COUNT, done=1), at=AT) == ()
    assert look(chords, COUNT, at=AT + STILL) == ()
    (fact,) = look(chords, COUNT, at=AT + 2 * STILL)
    assert fact.data["moved_at"] == AT + STILL
    assert fact.data["missing"] == [["c", "part", "running", None, "w1@lab", AT]]
    assert (fact.data["body"], fact.data["body_name"], fact.data["since"]) == ("body", "merge", AT - 50)
    assert fact.data["expires_at"] == AT + 2 * STILL + 100.0


def test_once_written_down_it_is_followed_to_its_end() -> None:
    chords = Chords(2.0)
    look(chords, COUNT, at=AT)
    look(chords, COUNT, at=AT + STILL)
    (moved,) = look(chords, replace(COUNT, done=3, counted=None), at=AT + STILL + 1)
    assert moved.data["moved_at"] == AT + STILL + 1
    (last,) = look(chords, at=AT + STILL + 2)
    assert (last.id, last.data["done_at"]) == (moved.id, AT + STILL + 2)
    assert look(chords, at=AT + STILL + 3) == ()


def test_a_count_that_went_at_its_time_has_expired() -> None:
    chords = Chords(2.0)
    look(chords, COUNT, at=AT)
    look(chords, replace(COUNT, expires_in=1.0), at=AT + STILL)
    (last,) = look(chords, at=AT + STILL + 2)
    assert last.data["expired_at"] == AT + STILL + 2


def test_where_nobody_is_named_the_missing_are_those_that_have_not_ended() -> None:
    chords = Chords(2.0)
    unnamed = replace(COUNT, counted=None)
    look(chords, unnamed, at=AT)
    (fact,) = look(chords, unnamed, at=AT + STILL)
    assert fact.data["missing"] == [["c", "part", "running", None, "w1@lab", AT]]
    assert fact.data["counted"] is False
