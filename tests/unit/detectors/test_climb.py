"""The last climb of a curve, in the words of an incident."""

from __future__ import annotations

from celeriac.detectors.climb import climb, points_of

MIB = 1 << 20


def test_a_climb_begins_where_the_curve_leaves_its_floor() -> None:
    flat = [(float(second), 180.0 * MIB) for second in range(50)]
    steep = [(50.0 + second, (180.0 + 60 * second) * MIB) for second in range(1, 5)]
    found = climb([*flat, *steep, (54.3, 498.0 * MIB)])
    assert found is not None
    assert found.words(512.0 * MIB) == "grew 60 MB/s from 180 MB to 498 of 512 MB in 5.3 s"


def test_without_a_limit_only_the_size_is_said() -> None:
    found = climb([(0.0, 10.0 * MIB), (2.0, 30.0 * MIB)])
    assert found is not None
    assert found.words(None) == "grew 10 MB/s from 10 MB to 30 MB in 2.0 s"


def test_units_are_said_twice_where_they_differ() -> None:
    found = climb([(0.0, 10.0 * MIB), (2.0, 900.0 * MIB)])
    assert found is not None
    assert found.words(2048.0 * MIB).endswith("to 900 MB of 2 GB in 2.0 s")


def test_a_flat_or_a_falling_curve_or_one_point_is_no_climb() -> None:
    assert climb([]) is None
    assert climb([(0.0, 5.0 * MIB)]) is None
    assert climb([(0.0, 5.0 * MIB), (1.0, 5.0 * MIB)]) is None
    assert climb([(0.0, 50.0 * MIB), (1.0, 5.0 * MIB)]) is None


def test_what_is_no_pair_of_numbers_is_left_out() -> None:
    assert points_of([[1, 2], [3], "no", [4, None], (5, 6.5)]) == ((1.0, 2.0), (5.0, 6.5))
    assert points_of(None) == ()
