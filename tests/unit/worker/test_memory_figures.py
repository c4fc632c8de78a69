"""Curves, trends and peaks: bounded, and true to what was seen."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from celeriac.worker.children import Newborns
from celeriac.worker.curve import POINTS, Curve
from celeriac.worker.peaks import NAMES, Peaks, Sketch
from celeriac.worker.trend import POINTS as TREND_POINTS
from celeriac.worker.trend import SPARSEST, Trend, TrendPoint

MB = 1 << 20
sizes = st.lists(st.integers(1, 1 << 40), min_size=1, max_size=500)


@given(sizes)
def test_a_curve_is_short_in_order_and_keeps_the_peak(seen: list[int]) -> None:
    curve = Curve()
    for second, size in enumerate(seen):
        curve.add(1000.0 + second, size)
    points = curve.since(1000.0)
    assert curve.peak == max(seen)
    assert 1 <= len(points) <= POINTS
    assert points == sorted(points, key=lambda point: point[0])
    assert {size for _, size in points} <= set(seen)


def test_a_short_curve_is_told_as_it_was() -> None:
    curve = Curve()
    for second, size in enumerate((50, 80, 70)):
        curve.add(10.0 + second, size)
    assert curve.since(9.5) == [[0.5, 50], [1.5, 80], [2.5, 70]]


def test_a_curve_that_grows_to_the_end_ends_with_its_peak() -> None:
    curve = Curve()
    for second in range(3600):
        curve.add(float(second), second + 1)
    assert curve.since(0.0)[-1] == [3599.0, 3600]


def test_an_unseen_curve_has_no_peak() -> None:
    assert Curve().peak is None
    assert Curve().since(0.0) == []


@given(sizes)
def test_a_percentile_is_right_within_a_bucket(seen: list[int]) -> None:
    sketch = Sketch()
    for size in seen:
        sketch.add(size, 0.0)
    for share in (0.5, 0.95):
        exact = sorted(seen)[max(0, -(-int(share * 100) * len(seen) // 100) - 1)]
        assert exact * 0.94 - 1 <= sketch.at(share) <= exact * 1.06 + 1
    assert sketch.most == max(seen)
    assert sketch.tasks == len(seen)


def test_the_names_told_are_the_greatest_and_few() -> None:
    peaks = Peaks()
    for number in range(1000):
        peaks.add(f"task.{number}", (number + 1) * MB, 1000.0)
    told = peaks.greatest()
    assert len(told) == NAMES
    assert told["task.999"] == [1, 1000 * MB, 1000 * MB, 1000 * MB, 1000.0]
    assert "task.0" not in told


def test_a_trend_is_dense_when_young_and_an_hour_long_when_old() -> None:
    trend = Trend(1.0)
    for second in range(30):
        trend.add(TrendPoint(float(second), 1, 1, second))
    assert len(trend.points) == 30
    for second in range(30, 20_000):
        trend.add(TrendPoint(float(second), 1, 1, second))
    points = trend.points
    assert TREND_POINTS // 2 <= len(points) <= TREND_POINTS
    assert points[-1].at > 20_000 - 2 * SPARSEST
    assert points[0].at < 20_000 - 1800
    gaps = {later.at - earlier.at for earlier, later in itertools.pairwise(points)}
    assert gaps == {SPARSEST}


def test_a_clock_that_steps_back_does_not_stop_the_trend() -> None:
    trend = Trend(1.0)
    trend.add(TrendPoint(1000.0, 1, 1, 0))
    trend.add(TrendPoint(500.0, 2, 1, 0))
    assert [point.total for point in trend.points] == [1, 2]


def test_the_baseline_is_that_of_the_newest_children() -> None:
    newborns = Newborns()
    assert newborns.baseline is None
    for pid in range(100):
        newborns.add(pid, 50 * MB if pid < 50 else 80 * MB)
    newborns.add(99, 80 * MB)
    assert newborns.baseline == 80 * MB
