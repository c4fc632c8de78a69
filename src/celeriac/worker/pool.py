"""A prefork pool's processes, as the flight recorder may see them from another thread: read, never touched.

Lists and sets of the pool are copied in one step of the interpreter, so that the main loop may change them meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import signals

from celeriac.worker import slots
from celeriac.worker.deaths import Status

RUN = 0
"""The state of a pool that works (billiard/pool.py)."""


class Member:
    """One process of the pool. It stays readable when the pool has let go of it."""

    __slots__ = ("_popen", "_process", "_ready", "pid")

    def __init__(self, process: Any) -> None:
        self.pid = int(process.pid)
        self._process = process
        self._popen = process._popen
        self._ready: bool | None = None

    @property
    def ended(self) -> bool:
        """True when the parent has taken note of its end. Never asks the kernel: that would be to take note of it."""
        return self._returncode is not None

    @property
    def status(self) -> Status:
        """How it ended, as far as the parent knows."""
        return Status.of_returncode(self._returncode)

    @property
    def controlled(self) -> bool:
        """True when the pool ended it on purpose: it shrank (billiard/process.py, terminate_controlled)."""
        return bool(getattr(self._process, "_controlled_termination", False))

    @property
    def by_operator(self) -> bool:
        """True when it was ended for its task's sake (billiard/pool.py, terminate_job)."""
        return bool(getattr(self._process, "_job_terminated", False))

    @property
    def _returncode(self) -> int | None:
        code: int | None = getattr(self._popen, "returncode", None)
        return code

    def ready_in(self, pool: Any) -> bool | None:
        """Whether it has said that it can take work (celery/concurrency/asynpool.py, on_process_alive); None where the
        pool does not ask. Once ready is ready."""
        if not self._ready:
            queues = getattr(pool, "_fileno_to_inq", None)
            waiting = self._process in tuple(getattr(pool, "_waiting_to_start", ()))
            written = queues is not None and queues.get(self._process.inqW_fd) is self._process
            self._ready = True if written else False if waiting else self._ready
        return self._ready


class Pool:
    """The pool of one worker (`celery.concurrency.base.BasePool`); no members unless it forks."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self.name = slots.name(pool)
        self.forks = slots.forks(pool)
        self._on_fork: Callable[..., None] | None = None

    @property
    def members(self) -> dict[int, Any]:
        """Its processes now by pid, as billiard keeps them."""
        billiard = self._billiard
        return {} if billiard is None else {process.pid: process for process in tuple(billiard._pool) if process.pid}

    @property
    def stopping(self) -> bool:
        """True when the pool ends as a whole, or has not begun."""
        billiard = self._billiard
        return billiard is None or billiard._state != RUN

    @property
    def up_timeout(self) -> float | None:
        """Seconds a child has to get ready in before its parent kills it; None where nobody waits for it."""
        return getattr(self._billiard, "_proc_alive_timeout", None)

    @property
    def max_tasks(self) -> int | None:
        """Tasks after which a child is replaced."""
        return getattr(self._billiard, "_maxtasksperchild", None)

    @property
    def max_memory(self) -> int | None:
        """Bytes above which a child is replaced after its task; billiard has it in KiB."""
        kilobytes = getattr(self._billiard, "_max_memory_per_child", None)
        return kilobytes * 1024 if kilobytes else None

    def is_ready(self, member: Member) -> bool | None:
        """Whether it can take work, None unknown."""
        return member.ready_in(self._billiard)

    def listen(self, on_fork: Callable[[], None]) -> None:
        """Call `on_fork` before each fork, in the thread that forks."""

        def forking(**_: Any) -> None:
            on_fork()

        self._on_fork = forking
        signals.worker_before_create_process.connect(forking)

    def close(self) -> None:
        """Listen no more."""
        if self._on_fork is not None:
            signals.worker_before_create_process.disconnect(self._on_fork)

    @property
    def _billiard(self) -> Any:
        """The pool behind Celery's, None before it starts and after it stops (celery/concurrency/prefork.py)."""
        return self._pool._pool if self.forks else None
