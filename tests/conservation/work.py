"""The tasks whose effects are counted outside: `celery -A conservation.work worker`."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from celery import Celery, Task, shared_task

import celeriac
from conservation.outside import WORK, note

EARLY, LATE, BROKEN = "conservation.early", "conservation.late", "conservation.broken"
LEDGER = Path(os.environ.get("CONSERVATION_LEDGER", "."))


def make_app(broker: str) -> Celery:
    """An app with the tasks below, its settings a JSON object in the environment."""
    made = Celery("conservation", broker=broker, set_as_current=False)
    made.conf.broker_connection_retry_on_startup = True
    made.conf.update(json.loads(os.environ.get("LAB_CONF", "{}")))
    return made


def _work(task: Task[Any, Any], seconds: float) -> None:
    note(LEDGER / WORK, what="start", id=task.request.id, pid=os.getpid(), main=os.getppid())
    time.sleep(seconds)
    note(LEDGER / WORK, what="done", id=task.request.id, pid=os.getpid(), main=os.getppid())


@shared_task(name=EARLY, bind=True)
def early(self: Task[Any, Any], seconds: float) -> None:
    """Work that is acknowledged before it begins."""
    _work(self, seconds)


@shared_task(name=LATE, bind=True, acks_late=True)
def late(self: Task[Any, Any], seconds: float) -> None:
    """Work that is acknowledged when it is done."""
    _work(self, seconds)


@shared_task(name=BROKEN, bind=True)
def broken(self: Task[Any, Any], seconds: float) -> None:
    """Work that fails."""
    note(LEDGER / WORK, what="start", id=self.request.id, pid=os.getpid(), main=os.getppid())
    raise ValueError(f"broken after {seconds} s")


app = make_app(os.environ.get("LAB_BROKER", "memory://"))
celeriac.install(app)
