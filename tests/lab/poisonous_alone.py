"""The tasks that end what runs them, and nobody inside to tell of it: `celery -A lab.poisonous_alone worker`."""

from __future__ import annotations

import os
import signal

from celery import shared_task

from lab.app import app

__all__ = ["app"]


@shared_task(name="lab.crash", acks_late=True, reject_on_worker_lost=True)
def crash() -> None:
    """End like a crash in C; the message goes back."""
    os.kill(os.getpid(), signal.SIGSEGV)
