"""The recorded sample app with tasks that end what runs them: `celery -A lab.poisonous worker`."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from celery import shared_task

from lab.recorded import app

__all__ = ["app"]


@shared_task(name="lab.poison", acks_late=True, reject_on_worker_lost=True)
def poison(*_: object, **__: object) -> None:
    """Kill the process that runs this; its message goes back."""
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task(name="lab.crash", acks_late=True, reject_on_worker_lost=True)
def crash() -> None:
    """End like a crash in C; the message goes back."""
    os.kill(os.getpid(), signal.SIGSEGV)


@shared_task(name="lab.hang", acks_late=True, acks_on_failure_or_timeout=False, time_limit=1)
def hang() -> None:
    """Sleep beyond the hard limit; the message goes back."""
    time.sleep(60)


@shared_task(name="lab.assassin", acks_late=True)
def assassin(after: float = 1.0) -> None:
    """Kill the worker's main process, a while after it began."""
    time.sleep(after)
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


@shared_task(name="lab.gorge", acks_late=True)
def gorge() -> None:
    """Find no memory: Celery ends the whole worker."""
    raise MemoryError


AGAIN: dict[str, Any] = {"retry_on_worker_lost": True, "max_retries": 1, "default_retry_delay": 0}
"""Celery 5.7 sends such a task again by itself, once, when its process was lost."""


@shared_task(name="lab.persist", **AGAIN)
def persist() -> None:
    """Kill the process that runs this."""
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task(name="lab.slow", acks_late=True)
def slow(seconds: float) -> None:
    """Work longer than the visibility timeout."""
    time.sleep(seconds)
