"""How much of the broker the record may take."""

from __future__ import annotations

import pytest

from celeriac.transport.cap import DAY, MEBIBYTE, Limits, Memory, ceiling, crowded, weight
from celeriac.transport.redis_outlet import read_memory

LIMITS = Limits()


def test_the_defaults_are_what_is_promised() -> None:
    assert (LIMITS.size, LIMITS.share, LIMITS.pause, LIMITS.ttl) == (64 * MEBIBYTE, 0.05, 0.80, DAY)


@pytest.mark.parametrize(
    ("most", "expected"),
    [(None, 64 * MEBIBYTE), (0, 64 * MEBIBYTE), (100 * MEBIBYTE, 5 * MEBIBYTE), (10**12, 64 * MEBIBYTE)],
)
def test_the_cap_is_the_size_and_never_over_the_share_of_maxmemory(most: int | None, expected: int) -> None:
    assert ceiling(LIMITS, Memory(1, most)) == expected


def test_a_body_weighs_more_than_its_bytes() -> None:
    assert weight(0) > 0
    assert weight(262_144) >= 1.25 * 262_144


@pytest.mark.parametrize(
    ("used", "most", "expected"),
    [(79, 100, False), (80, 100, False), (81, 100, True), (10**12, None, False), (None, 100, False)],
)
def test_the_record_waits_above_the_pause(used: int | None, most: int | None, expected: bool) -> None:
    assert crowded(LIMITS, Memory(used, most)) is expected


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (b"# Memory\r\nused_memory:123\r\nused_memory_human:123B\r\nmaxmemory:456\r\n", Memory(123, 456)),
        (b"# Memory\r\nused_memory:123\r\nmaxmemory:0\r\n", Memory(123, None)),
        (b"# Memory\r\nused_memory:many\r\n", Memory(None, None)),
        (None, Memory(None, None)),
    ],
)
def test_the_servers_figures_are_read_and_what_it_does_not_say_is_unknown(info: object, expected: Memory) -> None:
    assert read_memory(info) == expected
