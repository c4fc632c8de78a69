"""The books on events: a hole is claimed where we were blind, with its exact size, and nowhere else."""

from __future__ import annotations

from celeriac.collector.books import Books
from celeriac.model.event import Event
from celeriac.model.gap import Gap, Tally

NODE = "celery@web-1"


def beat(at: float, processed: int, *, pid: int = 7, kind: str = "worker-heartbeat") -> Event:
    return Event(
        f"b{pid}-{at}", kind, at, at, "native", NODE, pid, data={"processed": processed, "active": 0, "freq": 2.0}
    )


def start(at: float, *, pid: int = 7) -> Event:
    return Event(f"s{pid}-{at}", "task-started", at, at, "native", NODE, pid, task_id=f"t{at}")


def books(*tallies: Tally, reporting: bool = False, starts: tuple[float, ...] = ()) -> Books:
    lives = [(one.worker, one.pid) for one in tallies] if reporting else []
    return Books(tallies, lives, lambda worker, pid, after: tuple(at for at in starts if at > after))


def gaps(book: Books, *events: Event) -> list[Gap]:
    return [gap for event in events for gap in book.post([event], event.at).gaps]


def test_a_connected_monitor_claims_no_hole() -> None:
    book = books()
    assert gaps(book, beat(0, 0), start(1), start(1.5), beat(2, 2), beat(4, 2), beat(6, 2)) == []


def test_starts_missed_over_a_reconnect_are_counted_exactly() -> None:
    book = books()
    assert gaps(book, beat(0, 0), start(1), beat(2, 1), beat(4, 1)) == []
    book.blind("reconnect")
    found = gaps(book, start(9), beat(10, 16), beat(12, 16))
    assert [(gap.size, gap.cause, gap.worker, gap.pid) for gap in found] == [(14, "reconnect", NODE, 7)]
    assert gaps(book, beat(14, 16), beat(16, 16)) == []


def test_a_start_that_arrives_after_the_heartbeat_that_counts_it_is_no_hole() -> None:
    book = books()
    gaps(book, beat(0, 0), start(1), beat(2, 1), beat(4, 1))
    book.blind("reconnect")
    assert gaps(book, beat(6, 2), start(5.5), beat(8, 2), beat(10, 2)) == []


def test_a_task_that_sends_no_events_is_no_hole_while_we_are_connected() -> None:
    book = books()
    assert gaps(book, beat(0, 0), start(1), beat(2, 5), beat(4, 9), beat(6, 14)) == []


def test_a_worker_without_task_events_has_nothing_to_lose() -> None:
    book = books()
    gaps(book, beat(0, 0), beat(2, 3))
    book.blind("reconnect")
    assert gaps(book, beat(10, 40), beat(12, 41)) == []


def test_a_restart_counts_what_was_missed_while_down_from_what_is_on_record() -> None:
    book = books(Tally(NODE, 7, at=10.0, counted=5), reporting=True, starts=(9.0, 11.0, 12.0))
    book.blind("monitor-down")
    found = gaps(book, beat(70, 27), beat(72, 27))
    assert [(gap.size, gap.cause, gap.after, gap.until) for gap in found] == [(20, "monitor-down", 10.0, 70.0)]


def test_a_life_born_while_we_were_blind_is_counted_from_its_birth() -> None:
    book = books(Tally(NODE, 7, at=10.0, counted=5), reporting=True)
    book.blind("monitor-down")
    found = gaps(book, beat(70, 12, pid=8), start(71, pid=8), beat(72, 13, pid=8), beat(74, 13, pid=8))
    assert [(gap.size, gap.pid) for gap in found] == [(12, 8)]


def test_the_first_life_ever_heard_is_a_beginning_not_a_hole() -> None:
    book = books()
    assert gaps(book, beat(0, 5000), start(1), beat(2, 5001), beat(4, 5001)) == []


def test_the_same_heartbeat_twice_changes_nothing() -> None:
    book = books()
    gaps(book, beat(0, 0), start(1), beat(2, 1))
    book.blind("reconnect")
    assert [gap.size for gap in gaps(book, beat(6, 4), beat(6, 4), beat(8, 4), beat(8, 4))] == [3]


def test_a_start_that_was_sent_after_the_heartbeat_that_counts_it_and_never_came_is_counted_too() -> None:
    book = books()
    gaps(book, beat(0, 0), start(1), beat(2, 1), beat(4, 2))
    book.blind("reconnect")
    assert [gap.size for gap in gaps(book, beat(10, 16), beat(12, 16))] == [1, 14]
