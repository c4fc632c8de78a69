"""The sample app of the tests with results kept, and members and bodies of chords: `celery -A lab.chorded worker`.

LAB_RESULTS is the result backend. LAB_RECORDED says that the recorder is installed.
"""

from __future__ import annotations

import os
import time
from typing import Any

from celery import chord, shared_task

import celeriac
from lab.app import app

__all__ = ["app"]
app.conf.update(result_backend=os.environ["LAB_RESULTS"], task_ignore_result=False)


@shared_task(name="lab.part")
def part(number: int, seconds: float = 0.0) -> int:
    """One member of a chord."""
    time.sleep(seconds)
    return number


@shared_task(name="lab.gather")
def gather(parts: list[int]) -> int:
    """The body of a chord."""
    return sum(parts)


def start_chord(*seconds: float, **options: Any) -> dict[str, Any]:
    """A chord of one member for each of `seconds`; the ids of its body, its group and its members."""
    header = [app.signature("lab.part", args=(n, each), **options) for n, each in enumerate(seconds)]
    body: Any = chord(header, app=app)(app.signature("lab.gather"))
    return {"body": body.id, "group": body.parent.id, "members": [one.id for one in body.parent.results]}


if os.environ.get("LAB_RECORDED"):
    celeriac.install(app)
