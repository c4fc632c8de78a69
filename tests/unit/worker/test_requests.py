"""Which tasks are heard."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.worker.request import Request

from celeriac.worker.requests import Recorded, listen


def test_a_task_with_a_request_of_its_own_making_is_unheard_alone() -> None:
    def factory(*_: object) -> None:
        """Makes requests, and is no class."""

    class Slotted(Request):
        __slots__ = ("mine",)

    def work() -> None:
        """Whatever."""

    app = Celery("heard", broker="memory://", set_as_current=False)
    for name, request in (
        ("a", staticmethod(factory)),
        ("b", Slotted),
        ("c", int),
        ("d", "celery.worker.request:Request"),
    ):
        app.task(name=name, Request=request)(work)
    journal: Any = object()
    poison: Any = object()
    listen(app, journal, poison)
    listen(app, journal, poison)
    tasks: dict[str, Any] = {name: app.tasks[name].Request for name in "abcd"}
    assert (tasks["a"], tasks["c"]) == (factory, int)
    assert issubclass(tasks["b"], Recorded)
    assert tasks["b"].__mro__[2] is Slotted
    assert issubclass(tasks["d"], Recorded)
    app.close()
