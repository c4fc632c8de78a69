"""Numbers and times for people."""

from __future__ import annotations

import pytest

from celeriac.cli.render.figures import age, count, counted, duration, moment, rate

DAY = "2026-11-21T10:02:11.000000Z"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (0.25, "0.25 s"),
        (12.4, "12 s"),
        (119.0, "119 s"),
        (180.0, "3 min"),
        (9000.0, "2.5 h"),
        (3e5, "3.47 d"),
    ],
)
def test_a_duration_takes_the_unit_people_would(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_an_unknown_figure_says_so() -> None:
    assert {count(None), duration(None), moment(None), rate(None), age(None, DAY), age(DAY, None)} == {"unknown"}


def test_zero_is_no_unknown() -> None:
    assert (count(0), rate(0.0), age(DAY, DAY)) == ("0", "steady", "0 s")


def test_a_count_of_one_has_no_plural() -> None:
    assert (counted(1, "task"), counted(1487, "task")) == ("1 task", "1,487 tasks")


def test_the_date_is_said_when_it_is_another_day() -> None:
    assert moment(DAY, DAY) == "10:02:11Z"
    assert moment(DAY, "2026-11-22T00:00:00.000000Z") == "2026-11-21 10:02:11Z"


def test_growth_has_a_sign() -> None:
    assert (rate(5.04), rate(-0.5)) == ("+5.0/s", "-0.5/s")
