"""The guard: a fault of ours is ours alone; what a signal's handler raises is the task's."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator

import pytest

from celeriac.worker.guard import guarded


class SoftLimit(Exception):  # noqa: N818 -- as Celery names its own
    """What a handler raises to end a task."""


@pytest.fixture
def limit() -> Iterator[None]:
    def raise_limit(*_: object) -> None:
        raise SoftLimit

    before = signal.signal(signal.SIGUSR1, raise_limit)
    yield
    signal.signal(signal.SIGUSR1, before)


def test_a_fault_of_ours_is_none_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    @guarded
    def hook() -> int:
        raise ZeroDivisionError("told once in a life")

    assert [hook(), hook()] == [None, None]
    assert caplog.text.count("told once in a life") == 1


class Unspeakable(Exception):  # noqa: N818
    """Has no words for itself."""

    def __str__(self) -> str:
        raise self


def test_a_fault_that_cannot_even_be_said_is_none() -> None:
    @guarded
    def hook() -> None:
        raise Unspeakable

    hook()


def test_a_log_filter_that_fails_is_not_the_callers_trouble() -> None:
    def fail(_: logging.LogRecord) -> bool:
        raise LookupError("the user's own")

    @guarded
    def hook() -> None:
        raise ZeroDivisionError("under a filter that fails")

    logger = logging.getLogger("celeriac")
    logger.addFilter(fail)
    try:
        hook()
    finally:
        logger.removeFilter(fail)


def test_a_soft_time_limit_that_strikes_inside_a_hook_reaches_the_task(limit: None) -> None:
    @guarded
    def hook() -> None:
        signal.raise_signal(signal.SIGUSR1)

    with pytest.raises(SoftLimit):
        hook()
