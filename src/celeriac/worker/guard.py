"""A guest never breaks the house: what fails in here is counted and said once, and the user's code goes on."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from celeriac.telemetry import RecorderFault, emit

P = ParamSpec("P")
R = TypeVar("R")

_told: set[str] = set()
_TOLD_LIMIT = 100


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
    """Log a fault of ours the first time it is seen."""
    text = f"{type(error).__name__}: {error}"
    if text in _told or len(_told) >= _TOLD_LIMIT:
        return
    _told.add(text)
    emit(RecorderFault(hook, text))
