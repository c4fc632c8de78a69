"""A guest never breaks the house: what fails in here is counted and said once, and the user's code goes on."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import ParamSpec, TypeVar

from celeriac.telemetry import RecorderFault, Signal, emit

P = ParamSpec("P")
R = TypeVar("R")

_told: set[str] = set()
_TOLD_LIMIT = 100
_LONGEST = 500
"""Characters of a fault that are logged: it may hold what the user's own objects say."""


def guarded(hook: Callable[P, R]) -> Callable[P, R | None]:
    """`hook`, which never raises: None instead. Each kind of fault is logged once in a process's life."""

    @wraps(hook)
    def guest(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return hook(*args, **kwargs)
        except Exception as error:
            if _interrupts(error):
                raise
            tell(hook.__qualname__, error)
            return None

    return guest


def _interrupts(error: Exception) -> bool:
    """Whether it was raised by a signal's handler that happened to run in here: a soft time limit (billiard/pool.py,
    soft_timeout_sighandler) or the user's own alarm. It is meant for the task."""
    handlers = {getattr(signal.getsignal(number), "__code__", None) for number in signal.valid_signals()}
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in handlers:
            return True
        trace = trace.tb_next
    return False


def tell(hook: str, error: Exception) -> None:
    """Log a fault of ours the first time it is seen. Never raises, whatever the error's own `str` does."""
    text = _said(error)
    if text in _told or len(_told) >= _TOLD_LIMIT:
        return
    _told.add(text)
    say(RecorderFault(hook, text))


def say(word: Signal) -> None:
    """Log it, whatever the user's own log handlers and filters do: one that raises does so for its own records."""
    with suppress(Exception):
        emit(word)


def _said(error: Exception) -> str:
    name = type(error).__name__
    try:
        return f"{name}: {error}"[:_LONGEST]
    except Exception:
        return name
