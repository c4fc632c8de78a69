"""The line of /proc/PID/stat."""

from __future__ import annotations

import pytest

from celeriac.host.processes import PAGE, TICKS, parse_stat


def stat(name: str = "celery", state: str = "S", exit_code: int = 0) -> bytes:
    rest = [state, "41", *["0"] * 17, "12345", "9999", "250", *["0"] * 27, str(exit_code)]
    return f"4121 ({name}) {' '.join(rest)}\n".encode()


@pytest.mark.parametrize("name", ["celery", "a b", "evil) S 1 (", "((", ""])
def test_any_name_is_read_whole(name: str) -> None:
    process = parse_stat(stat(name))
    assert (process.pid, process.name, process.state, process.parent) == (4121, name, "S", 41)
    assert (process.start_ticks, process.rss) == (12345, 250 * PAGE)


def test_a_zombie_has_ended_and_tells_the_signal_that_killed_it() -> None:
    zombie = parse_stat(stat(state="Z", exit_code=9))
    assert zombie.ended
    assert zombie.signal == 9
    assert parse_stat(stat(state="Z", exit_code=1 << 8)).signal is None


def test_a_process_that_gave_its_memory_back_has_ended() -> None:
    dying = parse_stat(stat().replace(b" 9999 250 ", b" 0 0 "))
    assert dying.state == "S"
    assert dying.ended


def test_start_times_follow_the_time_since_boot() -> None:
    assert parse_stat(stat()).started(now=1000.0, since_boot=500.0) == 500.0 + 12345 / TICKS


def test_a_later_process_with_the_same_pid_is_another_life() -> None:
    assert parse_stat(stat()).same_life(parse_stat(stat("other")))
    assert not parse_stat(stat()).same_life(parse_stat(stat().replace(b" 12345 ", b" 12346 ")))
