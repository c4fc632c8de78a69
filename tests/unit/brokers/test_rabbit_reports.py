"""Learning from the reports of the nodes how old the management API's figures can be."""

from __future__ import annotations

from celeriac.brokers.rabbit_reports import Reports


def heard(*shown: dict[str, int | None]) -> bool:
    reports = Reports()
    for one in shown:
        reports.hear(one)
    return reports.are_whole


def test_two_reports_after_the_first_are_one_whole_round() -> None:
    assert heard({"a": 1}, {"a": 1}, {"a": 6}, {"a": 6}, {"a": 11})


def test_one_report_may_have_come_just_after_the_first() -> None:
    assert not heard({"a": 1}, {"a": 6}, {"a": 6})


def test_every_node_must_have_reported() -> None:
    assert not heard({"a": 1, "b": 1}, {"a": 6, "b": 1}, {"a": 11, "b": 1})


def test_a_node_that_came_later_is_waited_for() -> None:
    assert not heard({"a": 1}, {"a": 6}, {"a": 11, "b": 1})


def test_nodes_that_do_not_report_prove_nothing() -> None:
    assert not heard({}, {}, {})
    assert not heard({"a": None}, {"a": None}, {"a": None})
