"""Where the record of a worker begins, pauses and ends: two steps in Celery's own order of starting and stopping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from celery import bootsteps

from celeriac.worker.guard import guarded

if TYPE_CHECKING:
    from celeriac.worker.main import Main

MAINS: WeakKeyDictionary[Any, Main] = WeakKeyDictionary()
"""What is recorded, by its `WorkController`. The steps stay with the app; a worker that is not in here has none."""


class BesidePool(bootsteps.StartStopStep):
    """Starts when the pool has started. It has nothing to stop: what runs is finished, and all of it is told."""

    requires = ("celery.worker.components:Pool",)

    def include_if(self, parent: Any) -> bool:
        """Only in a worker that is recorded."""
        return parent in MAINS

    @guarded
    def start(self, parent: Any) -> None:
        """The pool's processes are there."""
        MAINS[parent].pool_started()


class BesideTasks(bootsteps.StartStopStep):
    """Starts with every connection, after the consumer of tasks; stops with its loss and at the end."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def include_if(self, parent: Any) -> bool:
        """Only in a worker that is recorded."""
        return parent.controller in MAINS

    @guarded
    def create(self, parent: Any) -> None:
        """Before the first connection: the tasks' strategies are made at each."""
        MAINS[parent.controller].consumer_made(parent)

    @guarded
    def start(self, parent: Any) -> None:
        """Connected."""
        MAINS[parent.controller].connected(parent)

    @guarded
    def stop(self, parent: Any) -> None:
        """A blueprint that restarts still runs; one that ends does not (celery/bootsteps.py, Blueprint.stop)."""
        main = MAINS[parent.controller]
        (main.disconnected if parent.blueprint.human_state() == "running" else main.stopping)(parent)

    @guarded
    def shutdown(self, parent: Any) -> None:
        """The very end, warm or cold: the pool is gone (celery/worker/worker.py, WorkController.on_stopped)."""
        MAINS[parent.controller].close(parent)
