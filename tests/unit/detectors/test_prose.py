"""Facts in words."""

from __future__ import annotations

import pytest

from celeriac.detectors import prose


@pytest.mark.parametrize(
    ("bytes_", "words"), [(96 << 20, "96 MB"), (1 << 30, "1 GB"), (3 << 29, "1.5 GB"), (64 << 10, "64 kB")]
)
def test_sizes_read_as_people_set_them(bytes_: int, words: str) -> None:
    assert prose.size(bytes_) == words


@pytest.mark.parametrize(("seconds", "words"), [(8.2, "8 s"), (240, "4 min"), (3600, "1 h"), (7500, "2 h 5 min")])
def test_spans_take_the_unit_that_fits(seconds: float, words: str) -> None:
    assert prose.span(seconds) == words


@pytest.mark.parametrize(("rate", "words"), [(5.0, "5/s"), (2.25, "2.2/s"), (0.2, "12/min")])
def test_slow_rates_are_told_by_the_minute(rate: float, words: str) -> None:
    assert prose.rate(rate) == words


def test_long_lists_are_cut_and_counted() -> None:
    assert prose.names(["a"]) == "a"
    assert prose.names(["a", "b", "c"]) == "a, b and c"
    assert prose.names([*"abcdefg"]) == "a, b, c and 4 more"


def test_counts_have_separators_and_plurals() -> None:
    assert prose.count(1, "task") == "1 task"
    assert prose.count(1487, "task") == "1,487 tasks"
    assert prose.clock(1_795_000_000.0) == "11:06Z"
