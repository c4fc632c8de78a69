"""The sample app of the tests: `celery -A lab.app worker`, broker and settings from the environment.

LAB_BROKER is the broker's URL, LAB_CONF a JSON object of Celery settings.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping
from typing import Any

from celery import Celery, shared_task


def make_app(broker: str, conf: Mapping[str, Any] | None = None) -> Celery:
    """An app with the tasks below."""
    app = Celery("lab", broker=broker, set_as_current=False)
    app.conf.task_ignore_result = True
    app.conf.broker_connection_retry_on_startup = True
    app.conf.update(conf or {})
    return app


@shared_task(name="lab.noop")
def noop(*args: object) -> int:
    """Nothing; gives the number of its arguments."""
    return len(args)


@shared_task(name="lab.nap")
def nap(seconds: float) -> None:
    """Hold a slot."""
    time.sleep(seconds)


@shared_task(name="lab.export")
def export(number: int, megabytes: int, hold: float = 0.0) -> int:
    """Allocate `megabytes` and touch every page, then hold them for `hold` seconds."""
    rows = [b"\x01" * (1 << 20) for _ in range(megabytes)]
    time.sleep(hold)
    return number + len(rows) - megabytes


@shared_task(name="lab.boom")
def boom() -> None:
    """Fail."""
    raise RuntimeError("boom")


@shared_task(name="lab.exhaust")
def exhaust() -> None:
    """Ask for more memory than there is."""
    raise MemoryError


@shared_task(name="lab.die")
def die() -> None:
    """SIGKILL the process that runs this."""
    os.kill(os.getpid(), signal.SIGKILL)


app = make_app(os.environ.get("LAB_BROKER", "memory://"), json.loads(os.environ.get("LAB_CONF", "{}")))
