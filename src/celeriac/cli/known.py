"""What somebody named and nobody has: said as wrong usage, with the names that come near."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import click

from celeriac.store import Store
from celeriac.store.query import fits

NEAR = 3
ALIKE = 0.5


class UnknownNameError(click.ClickException):
    """Wrong usage, which the help of the command says nothing about."""

    exit_code = 2


def check_worker(store: Store, node: str) -> None:
    """Raises UnknownNameError for a worker that was not heard of in the last day."""
    nodes = {worker.node for worker in store.workers()}
    if node not in nodes:
        near = get_close_matches(node, sorted(nodes), n=NEAR, cutoff=ALIKE)
        raise UnknownNameError(_unknown(f"no worker {node} was heard of in the last day", near, "celeriac workers"))


def check_task(store: Store, task_id: str) -> None:
    """Raises UnknownNameError for a task that nothing on record names: no event, and no message that is held."""
    held = (one.task_id or one.tag for one in store.held() or ())
    if store.task(task_id) is None and task_id not in held:
        near = [row.id for row in store.tasks(fits("id", f"{task_id}*"), limit=NEAR).items]
        raise UnknownNameError(_unknown(f"no task {task_id} was ever heard of", near, "celeriac tasks"))


def _unknown(wrong: str, near: Iterable[str], lists: str) -> str:
    meant = ", ".join(near)
    return f"{wrong}. " + (f"Did you mean {meant}?" if meant else f"`{lists}` shows those that were")
