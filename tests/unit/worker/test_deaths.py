"""The cause of a child's death, from what its parent knows."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from celeriac.worker.deaths import Death, Status, cause


def killed(**known: Any) -> Death:
    return Death(Status(signal=signal.SIGKILL), busy=True, **{"kills_added": 0, **known})


def left(code: int, *, busy: bool = False, **known: Any) -> Death:
    return Death(Status(code=code), busy=busy, **known)


def test_what_the_parent_said_comes_first() -> None:
    assert cause(killed(blame="hard-time-limit", kills_added=1)) == "hard-time-limit"


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ({"kills_added": 1}, "oom"),
        ({"kills_added": 1, "stopping": True}, "oom"),
        ({"kills_added": 0}, "signal"),
        ({"kills_added": None}, "unknown"),
        ({"stopping": True}, "shutdown"),
        ({"controlled": True}, "shutdown"),
        ({"never_ready": True, "age": 4.1, "up_timeout": 4.0}, "up-timeout"),
        ({"never_ready": True, "age": 1.0, "up_timeout": 4.0}, "signal"),
        ({"never_ready": None, "age": 4.1, "up_timeout": 4.0}, "signal"),
        ({"never_ready": True, "age": 4.1, "up_timeout": 4.0, "kills_added": 1}, "oom"),
    ],
)
def test_a_sigkill_is_explained_by_what_is_around_it(known: dict[str, Any], why: str) -> None:
    assert cause(killed(**known)) == why


@pytest.mark.parametrize(
    ("code", "busy", "why"),
    [(155, False, "recycled"), (0, False, "recycled"), (0, True, "exit"), (1, False, "exit"), (15, True, "signal")],
)
def test_an_exit_code_is_recycling_only_where_nothing_was_left_undone(code: int, busy: bool, why: str) -> None:
    assert cause(left(code, busy=busy)) == why


def test_a_child_that_leaves_with_its_pool_was_stopped() -> None:
    assert cause(left(1, stopping=True)) == "shutdown"
    assert cause(left(15, controlled=True)) == "shutdown"
    assert cause(left(155, stopping=True)) == "recycled"


def test_a_crash_is_one_even_as_the_pool_ends() -> None:
    assert cause(Death(Status(signal=signal.SIGSEGV), busy=True, stopping=True)) == "segfault"


def test_other_signals_are_signals() -> None:
    for number in (signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGTERM):
        assert cause(Death(Status(signal=number), busy=True)) == "signal"


def test_without_a_status_nothing_is_claimed() -> None:
    assert cause(Death(Status(), busy=True)) == "unknown"


def test_a_parents_return_code_is_read() -> None:
    assert Status.of_returncode(-9) == Status(signal=9)
    assert Status.of_returncode(155) == Status(code=155)
    assert Status.of_returncode(None) == Status()
