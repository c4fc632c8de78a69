"""The sample app of the tests, recorded from inside: `celery -A lab.recorded worker`.

LAB_INSTALL is a JSON object of options for `celeriac.install`. LAB_OTHER is the broker of a second app. LAB_FAULT names
functions of ours ("module:name.name", commas between) that raise instead of working, and note in the file `faults` that
they did.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

from celery import Task, shared_task
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded
from celery.worker.control import control_command

import celeriac
from lab.app import app, make_app

__all__ = ["app"]
other = make_app(os.environ.get("LAB_OTHER", "memory://"))


@shared_task(name="lab.again", bind=True, max_retries=2)
def again(self: Task[Any, Any], times: int) -> int:
    """Retry `times` times, then succeed."""
    if self.request.retries < times:
        raise self.retry(countdown=0)
    return self.request.retries


@shared_task(name="lab.reject", bind=True, acks_late=True)
def reject(self: Task[Any, Any], requeue: bool = False) -> None:
    """Reject the message; when `requeue`, until it has come back once."""
    if requeue and (self.request.delivery_info or {}).get("redelivered"):
        return
    raise Reject("unwanted", requeue=requeue)


@shared_task(name="lab.refuse")
def refuse() -> None:
    """Reject a message that was acknowledged already."""
    raise Reject("too late", requeue=True)


@shared_task(name="lab.ignore")
def ignore() -> None:
    """Ask to be ignored."""
    raise Ignore


@shared_task(name="lab.patient", soft_time_limit=1)
def patient(seconds: float) -> str:
    """Sleep, and give up politely at the soft limit."""
    try:
        time.sleep(seconds)
    except SoftTimeLimitExceeded:
        return "gave up"
    return "done"


@shared_task(name="lab.late", acks_late=True)
def late(seconds: float = 0.0) -> int:
    """Acknowledged when done; gives the pid that did it."""
    time.sleep(seconds)
    return os.getpid()


@shared_task(name="lab.unheard", send_events=False, ignore_result=True)
def unheard() -> None:
    """A task whose native events are off."""


@shared_task(name="lab.spread")
def spread(count: int) -> None:
    """Publish `count` tasks from within a task."""
    for number in range(count):
        app.send_task("lab.noop", args=(number,))


@shared_task(name="lab.abroad")
def abroad(name: str) -> None:
    """Publish by the other app."""
    other.send_task("lab.noop", args=(name,), task_id=name)


@shared_task(name="lab.beget")
def beget(name: str) -> None:
    """Publish from a process of the task's own."""
    child = multiprocessing.get_context("fork").Process(
        target=app.send_task, args=("lab.noop",), kwargs={"task_id": name}
    )
    child.start()
    child.join()


@shared_task(name="lab.segfault")
def segfault() -> None:
    """End like a crash in C."""
    os.kill(os.getpid(), signal.SIGSEGV)


@shared_task(name="lab.login")
def login(user: str, password: str) -> str:
    """Has a secret among its arguments."""
    return f"{user} is in"


@control_command(name="lab_hang")
def hang(state: object) -> None:
    """The worker's main loop turns no more."""
    time.sleep(600)


def _break(target: str) -> None:
    """Make a function of ours raise from now on."""
    module, _, path = target.partition(":")
    holder: Any = importlib.import_module(module)
    *owners, name = path.split(".")
    for owner in owners:
        holder = getattr(holder, owner)

    def broken(*_: object, **__: object) -> None:
        with Path("faults").open("a", encoding="utf-8") as faults:
            faults.write(f"{target}\n")
        raise RuntimeError(f"broken on purpose: {target}")

    setattr(holder, name, broken)


for _target in filter(None, os.environ.get("LAB_FAULT", "").split(",")):
    _break(_target)
if "LAB_OTHER" in os.environ:
    celeriac.install(other)
celeriac.install(app, **json.loads(os.environ.get("LAB_INSTALL", "{}")))
