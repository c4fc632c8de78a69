"""The sample app of the tests with children that die: `celery -A lab.faulty worker`, recorded inside when LAB_INSTALL
(a JSON object of options) is set.

LAB_INIT_SECONDS is how long each pool process takes to be up, once LAB_INIT_AFTER (a file) is there; LAB_INIT_EXIT the
code with which it then ends instead.
"""

from __future__ import annotations

import ctypes
import json
import os
import time
from pathlib import Path
from typing import Any

from celery import shared_task, signals

import celeriac
from lab.app import app

__all__ = ["app"]
HOARD: list[bytes] = []


@shared_task(name="lab.crash")
def crash() -> None:
    """Read memory that nobody owns."""
    ctypes.string_at(0)


@shared_task(name="lab.leave")
def leave(code: int) -> None:
    """End the process that runs this, without a word."""
    os._exit(code)


@shared_task(name="lab.abort_late", acks_late=True, reject_on_worker_lost=True)
def abort_late(flag: str) -> None:
    """Abort at the first run, which makes the file `flag`; succeed at the next."""
    if not Path(flag).exists():
        Path(flag).touch()
        os.abort()


@shared_task(name="lab.leak")
def leak(megabytes: int) -> int:
    """Keep memory for good."""
    HOARD.append(b"\x01" * (megabytes << 20))
    return len(HOARD)


@signals.worker_process_init.connect
def initialise(**_: Any) -> None:
    """Take as long as it is told, or fail."""
    after = os.environ.get("LAB_INIT_AFTER")
    if after is None or not Path(after).exists():
        return
    if code := int(os.environ.get("LAB_INIT_EXIT", "0")):
        os._exit(code)
    time.sleep(float(os.environ.get("LAB_INIT_SECONDS", "0")))


if "LAB_INSTALL" in os.environ:
    celeriac.install(app, **json.loads(os.environ["LAB_INSTALL"]))
