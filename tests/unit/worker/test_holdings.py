"""Which deliveries a worker keeps from the visibility timeout."""

from __future__ import annotations

from types import SimpleNamespace

from celeriac.clock import rfc3339
from celeriac.worker.holdings import LONGEST, TAKEN_WITHIN, Holdings, orphans

NOW = 1_795_000_000.0


def message(eta: object = None) -> SimpleNamespace:
    return SimpleNamespace(headers={"eta": eta})


def test_a_delivery_is_due_when_its_score_may_be_old_and_again_after_it_was_written() -> None:
    holdings, one = Holdings(NOW), message()
    holdings.look({"tag": one}, (), NOW + 10)
    assert holdings.due(NOW + 10, 20) == ()
    (due,) = holdings.due(NOW + 30, 20)
    assert (due.low, due.high) == (NOW - TAKEN_WITHIN, NOW + 10)
    assert due.renewed(NOW + 30) == NOW + 30
    due.settle(ours=True)
    assert (due.low, due.high) == (NOW + 30, NOW + 30)
    holdings.look({"tag": one}, (), NOW + 31)
    assert holdings.due(NOW + 31, 20) == ()
    assert holdings.due(NOW + 50, 20) == (due,)


def test_what_may_or_may_not_have_been_written_is_tried_again_and_nothing_between_is_taken_for_it() -> None:
    holdings = Holdings(NOW)
    holdings.look({"tag": message()}, (), NOW)
    (due,) = holdings.due(NOW + 30, 20)
    assert due.renewed(NOW + 30) == due.renewed(NOW + 500) == NOW + 30
    assert (due.low, due.high) == (NOW - TAKEN_WITHIN, NOW)
    due.settle(ours=True)
    assert due.renewed(NOW + 510) == NOW + 510


def test_a_clock_that_was_set_back_moves_no_score_back() -> None:
    holdings = Holdings(NOW)
    holdings.look({"tag": message()}, (), NOW)
    (due,) = holdings.due(NOW + 30, 20)
    assert due.renewed(NOW - 100) == NOW


def test_what_was_acknowledged_is_forgotten() -> None:
    holdings = Holdings(NOW)
    holdings.look({"tag": message(), "done": message()}, {"done"}, NOW)
    assert [one.tag for one in holdings.due(NOW + 30, 20)] == ["tag"]
    holdings.look({}, (), NOW + 30)
    assert holdings.due(NOW + 60, 20) == ()


def test_what_somebody_else_has_is_left_alone_until_it_is_delivered_here_anew() -> None:
    holdings, one = Holdings(NOW), message()
    holdings.look({"tag": one}, (), NOW)
    (due,) = holdings.due(NOW + 30, 20)
    due.settle(ours=False)
    holdings.look({"tag": one}, (), NOW + 30)
    assert holdings.due(NOW + 90, 20) == ()
    holdings.look({"tag": message()}, (), NOW + 40)
    assert len(holdings.due(NOW + 90, 20)) == 1


def test_nothing_is_kept_for_longer_than_a_day_after_its_arrival_or_its_time() -> None:
    holdings = Holdings(NOW)
    delivered = {"now": message(), "later": message(rfc3339(NOW + 1000)), "odd": message("tomorrow")}
    holdings.look(delivered, (), NOW)
    assert {one.tag for one in holdings.due(NOW + LONGEST - 1, 20)} == {"now", "later", "odd"}
    assert {one.tag for one in holdings.due(NOW + LONGEST + 1, 20)} == {"later"}
    assert holdings.due(NOW + LONGEST + 1001, 20) == ()


def test_what_runs_in_a_process_that_is_gone_is_an_orphan() -> None:
    def request(tag: str, pid: int | None) -> SimpleNamespace:
        return SimpleNamespace(message=SimpleNamespace(delivery_tag=tag), worker_pid=pid)

    assert orphans([request("runs", 10), request("waits", None), request("gone", 11)], {10, 12}) == {"gone"}
