"""Celery's request, listened to in the main process: every word about a task but `received` passes through it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from time import time
from typing import TYPE_CHECKING, Any, ClassVar

from billiard.exceptions import WorkerLostError
from celery.exceptions import Ignore, Reject, TaskRevokedError, TimeLimitExceeded
from celery.utils.imports import symbol_by_name
from celery.worker import state
from celery.worker.request import Request

from celeriac.model.task import UNSAVED
from celeriac.worker.guard import guarded
from celeriac.worker.journal import ENDS, IGNORED, STARTED

if TYPE_CHECKING:
    from celery import Celery

    from celeriac.worker.journal import Journal
    from celeriac.worker.poison import Poison

_ON_SUCCESS, _EXECUTE = "on_success", "execute_using_pool"
_DEADLY = (WorkerLostError, MemoryError, TimeLimitExceeded, SystemExit)
"""What a task is said to have raised that ended its process: its child's, or with MemoryError the worker's own
(celery/worker/request.py, on_failure)."""


class Recorded(Request):
    """Mixed in before a task's own request class.

    Celery calls `send_event` for each step, whether events are on or off, but for success: the class that
    `create_request_cls` makes (celery/worker/request.py) asks first. That class is made by subclassing, and its
    `on_success` and `execute_using_pool` are wrapped as it is made.
    """

    journal: ClassVar[Journal]
    poison: ClassVar[Poison]
    _wanted: bool = False
    """Somebody asked for the end of the process it runs in: that is no death of the task's making."""
    _mourned: bool = False
    _ends: tuple[str, ...] = ()
    quits: bool = False
    """The task has asked its process to end, which says so before it does (billiard/pool.py, Worker.workloop)."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if _ON_SUCCESS in cls.__dict__:
            setattr(cls, _ON_SUCCESS, _heard_out(getattr(cls, _ON_SUCCESS)))
        if _EXECUTE in cls.__dict__:
            setattr(cls, _EXECUTE, _let_run(getattr(cls, _EXECUTE)))

    def send_event(self, type: str, **fields: Any) -> None:  # noqa: A002 -- Celery's own name for it
        """One step, told to the record and to Celery's own events at one and the same time."""
        at = time()
        self._hear(type, fields, at)
        super().send_event(type, timestamp=at, **fields)

    def on_failure(self, exc_info: Any, *args: Any, **kwargs: Any) -> Any:
        """Celery is silent on a task that asked to be ignored, or to be rejected when its message was gone already."""
        self.quits = isinstance(_raised(exc_info), (SystemExit, KeyboardInterrupt))
        self._mourn(_raised(exc_info))
        try:
            return super().on_failure(exc_info, *args, **kwargs)
        except Exception as error:
            self._hear_unsaved(exc_info, error)
            raise
        finally:
            if not self._ends:
                self._hear_silent(exc_info)

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """The hard limit ends the pool process."""
        if not soft:
            self.journal.blame(self, "hard-time-limit")
            self._mourn(TimeLimitExceeded(timeout))
        super().on_timeout(soft, timeout)

    def terminate(self, pool: Any, signal: Any = None) -> None:
        """An operator revoked it; a task that has not started is ended when it does."""
        self._wanted = True
        if self.time_start:
            self.journal.blame(self, "operator")
        super().terminate(pool, signal)

    def cancel(self, pool: Any, *args: Any, **kwargs: Any) -> None:
        """The worker gives the task up by itself: it shuts down cold, or has lost the connection it would acknowledge
        on (celery/worker/consumer/consumer.py, the only two callers)."""
        self._wanted = True
        if self.time_start:
            self.journal.blame(self, "shutdown")
        super().cancel(pool, *args, **kwargs)

    @guarded
    def _hear_unsaved(self, exc_info: Any, error: Exception) -> None:
        """The result backend is down: neither the child nor the main process can store how it ended, and Celery says
        nothing more of it (celery/app/trace.py, report_internal_error; celery/worker/request.py, on_failure). A
        MemoryError is the task's own, raised again to end the worker."""
        if not self._ends and not isinstance(error, MemoryError):
            said = {"exception": f"{UNSAVED}: {error!r}", "traceback": exc_info.traceback, "unsaved": True}
            self._hear("task-failed", said, time())

    def _mourn(self, error: object) -> None:
        """Count a death once, before the message goes back to be given to the next."""
        if isinstance(error, _DEADLY) and not (self._wanted or self._mourned or state.should_terminate):
            self._mourned = True
            self.poison.died(self, error)

    @guarded
    def _hear_silent(self, exc_info: Any) -> None:
        raised = _raised(exc_info)
        if isinstance(raised, Ignore):
            self._hear(IGNORED, {}, time())
        elif isinstance(raised, Reject):
            self._hear("task-rejected", {"requeue": False}, time())

    def _hear(self, kind: str, fields: dict[str, Any], at: float) -> None:
        """A hard time limit fails a task twice: by the pool's result and by its timeout. Once is enough."""
        if kind not in self._ends:
            self.journal.happened(self, kind, fields, at)
        if kind == STARTED:
            self.poison.began(self)
        if kind in ENDS:
            self.poison.over(self)
            self._ends = (*self._ends, kind)


def _raised(exc_info: Any) -> object:
    """What a child sends is wrapped (billiard/einfo.py)."""
    return getattr(exc_info.exception, "exc", exc_info.exception)


def listen(app: Celery, journal: Journal, poison: Poison) -> None:
    """Every task of `app` is received with a request that both hear, from the next connection on. A task whose
    request is no class, or none of Celery's, goes unheard alone."""
    made: dict[type[Request], Any] = {}
    for task in tuple(app.tasks.values()):
        _listen_to(task, (journal, poison), made)


@guarded
def _listen_to(task: Any, ears: tuple[Journal, Poison], made: dict[type[Request], Any]) -> None:
    base = symbol_by_name(task.Request)
    plain = base.__mro__[2] if issubclass(base, Recorded) else base
    if issubclass(plain, Request):
        task.Request = made.setdefault(plain, _recorded(plain, *ears))


def _recorded(base: type[Request], journal: Journal, poison: Poison) -> type[Recorded]:
    """`base` with ears, under its own name: Celery logs it."""
    ears = {"journal": journal, "poison": poison}
    body = {**ears, "__slots__": (), "__module__": base.__module__, "__qualname__": base.__qualname__}
    return type(base.__name__, (Recorded, base), body)


def _heard_out(on_success: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(on_success)
    def heard(self: Recorded, failed__retval__runtime: tuple[Any, Any, Any], **kwargs: Any) -> Any:
        try:
            return on_success(self, failed__retval__runtime, **kwargs)
        finally:
            failed, result, runtime = failed__retval__runtime
            if not failed:
                self._hear("task-succeeded", {"result": result, "runtime": runtime}, time())

    return heard


def _let_run(execute: Callable[..., Any]) -> Callable[..., Any]:
    """Celery takes this exception for "nothing to run", and frees the slot (celery/worker/worker.py, _process_task)."""

    @wraps(execute)
    def let_run(self: Recorded, pool: Any, **kwargs: Any) -> Any:
        if self.poison.sets_aside(self):
            raise TaskRevokedError(self.id)
        return execute(self, pool, **kwargs)

    return let_run
