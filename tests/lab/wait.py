"""Waiting for something to become true, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, TypeVar

T = TypeVar("T")


def wait_until(
    predicate: Callable[[], T | Literal[False] | None], timeout: float = 10.0, every: float = 0.05, why: str = ""
) -> T:
    """The first truthy answer of `predicate`; AssertionError after `timeout` seconds, with its last answer."""
    deadline = time.monotonic() + timeout
    while True:
        answer = predicate()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(
                f"{why or 'the condition'} did not come true in {timeout:g} s; last answer: {answer!r}"
            )
        time.sleep(every)
