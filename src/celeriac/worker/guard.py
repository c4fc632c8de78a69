"""A guest never breaks the house: what fails in here is counted and said once, and the user's code goes on."""

from __future__ import annotations

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
        except Exception as error:  # whatever it is, it is ours and not the task's
            tell(hook.__qualname__, error)
            return None

    return guest


def tell(hook: str, error: Exception) -> None:
    """Log a fault of ours the first time it is seen."""
    text = f"{type(error).__name__}: {error}"
    if text in _told or len(_told) >= _TOLD_LIMIT:
        return
    _told.add(text)
    emit(RecorderFault(hook, text))
