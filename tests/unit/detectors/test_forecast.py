"""A forecast stands on a steady rise, and on nothing less."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from celeriac.detectors.forecast import HORIZON, forecast, slope

MIB = 1 << 20
LIMIT = 512 * MIB


def curve(size: Callable[[int], float], points: int = 60, every: float = 60.0) -> list[tuple[float, float]]:
    return [(index * every, size(index) * MIB) for index in range(points)]


def test_a_steady_leak_is_told_with_its_pace_and_its_time() -> None:
    found = forecast(curve(lambda index: 200 + index), 260 * MIB, LIMIT)
    assert found is not None
    assert found.rate == pytest.approx(MIB / 60)
    assert found.seconds == pytest.approx(252 * 60)
    assert found.span == 59 * 60


def test_a_noisy_leak_is_told_about_as_well() -> None:
    dice = random.Random(7)
    found = forecast(curve(lambda index: 200 + 2 * index + dice.uniform(-8, 8)), 320 * MIB, LIMIT)
    assert found is not None
    assert found.rate == pytest.approx(2 * MIB / 60, rel=0.1)


@pytest.mark.parametrize(
    ("why", "size"),
    [
        ("flat", lambda index: 200.0),
        ("falling", lambda index: 400.0 - index),
        ("noise", lambda index: 250 + 60 * math.sin(index * 2.3) * math.cos(index)),
        ("a sawtooth of recycled children", lambda index: 200 + 10 * (index % 10)),
        ("a warm-up that levels off", lambda index: 120 + 200 * (1 - math.exp(-index / 8))),
        ("one step", lambda index: 200.0 if index < 30 else 300.0),
        ("one spike", lambda index: 200.0 if index != 30 else 500.0),
        ("a spike at the end", lambda index: 200.0 if index < 58 else 500.0),
        ("a rise too small to matter", lambda index: 200 + 0.2 * index),
        ("a rise that ended", lambda index: 200 + 3 * min(index, 25)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_calm(why: str, size: Callable[[int], float]) -> None:
    assert forecast(curve(size), 300 * MIB, LIMIT) is None, why


def test_a_limit_that_is_far_away_is_no_news() -> None:
    slow = curve(lambda index: 200 + index)
    assert forecast(slow, 260 * MIB, 64 * LIMIT) is None
    assert HORIZON < (64 * LIMIT - 260 * MIB) / (MIB / 60)


def test_too_few_points_or_too_short_a_time_tell_nothing() -> None:
    assert forecast(curve(lambda index: 200 + 10 * index, points=5), 250 * MIB, LIMIT) is None
    assert forecast(curve(lambda index: 200 + 10 * index, points=20, every=1.0), 390 * MIB, LIMIT) is None
    assert forecast([], 1.0, LIMIT) is None


def test_a_short_trend_speaks_for_a_near_limit_alone() -> None:
    short = curve(lambda index: 200 + 4 * index, points=30, every=1.0)
    assert forecast(short, 320 * MIB, LIMIT) is not None, "48 s ahead, after 29"
    assert forecast(short, 120 * MIB, LIMIT) is None, "98 s ahead, after 29"


def test_past_the_limit_there_is_no_time_left() -> None:
    found = forecast(curve(lambda index: 200 + 6 * index), 600 * MIB, LIMIT)
    assert found is not None
    assert found.seconds == 0.0


def test_the_slope_of_one_point_is_flat() -> None:
    assert slope([(1.0, 5.0)]) == 0.0
