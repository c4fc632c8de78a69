"""A curve of memory: points in its box, its limit, and the same in words."""

from __future__ import annotations

import pytest

from celeriac.web.curve import FAR, HEIGHT, WIDTH, curve
from celeriac.web.words import size

MB = 2**20


def test_two_samples_reach_from_edge_to_edge_beneath_the_limit() -> None:
    drawn = curve([[0.0, 180 * MB], [5.3, 498 * MB]], 512 * MB)
    assert drawn is not None
    (left, low), (right, high) = [tuple(map(float, point.split(","))) for point in drawn.line.split()]
    assert (left, right) == (0.0, WIDTH)
    assert drawn.limit is not None
    assert drawn.limit < high < low < HEIGHT
    assert drawn.says == "from 180 MB to 498 MB in 5.3 s, at most 498 MB; the limit is 512 MB"


def test_one_sample_is_no_curve() -> None:
    assert curve([]) is None
    assert curve([[0.0, 5.0]], 9.0) is None


def test_a_limit_that_is_far_away_is_said_and_not_drawn() -> None:
    drawn = curve([[0, MB], [1, MB]], FAR * MB + 1)
    assert drawn is not None
    assert drawn.limit is None
    assert "the limit is 8 MB" in drawn.says


def test_an_unknown_limit_is_called_unknown() -> None:
    drawn = curve([[0, 0], [0, 0]])
    assert drawn is not None
    assert drawn.says.endswith("no limit is known")


@pytest.mark.parametrize(
    ("amount", "said"), [(0, "0 kB"), (940 * 1024, "940 kB"), (498 * MB, "498 MB"), (int(1.9 * 2**30), "1.9 GB")]
)
def test_sizes_are_written_as_limits_are_set(amount: int, said: str) -> None:
    assert size(amount) == said


def test_a_size_not_seen_is_unknown() -> None:
    assert "unknown" in size(None)
