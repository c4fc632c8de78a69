"""The recorded sample app with more ways for its pool processes to die.

LAB_INIT_SECONDS is how long each sleeps before it gets ready. While the file LAB_INIT_BROKEN exists, it then leaves
with status 1.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from celery import shared_task, signals

from lab.recorded import app

__all__ = ["app"]


@shared_task(name="lab.swell")
def swell(megabytes: int, seconds: float) -> int:
    """Allocate so much, evenly over that time."""
    rows = []
    for _ in range(megabytes):
        rows.append(b"\x01" * (1 << 20))
        time.sleep(seconds / megabytes)
    return len(rows)


@shared_task(name="lab.leave")
def leave(status: int) -> None:
    """End the process that runs this, at once."""
    os._exit(status)


@shared_task(name="lab.quit")
def quit_politely(status: int) -> None:
    """Ask the process that runs this to end."""
    sys.exit(status)


@signals.worker_process_init.connect
def _get_ready(**_: object) -> None:
    time.sleep(float(os.environ.get("LAB_INIT_SECONDS", "0")))
    if Path(os.environ.get("LAB_INIT_BROKEN", "/nowhere")).exists():
        os._exit(1)
