"""The death of one pool child, as a value: what it was, and what became of the task it ran."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from celeriac.model.evidence import Evidence
from celeriac.model.finding import Confidence, Fact
from celeriac.model.task import Task

SIGKILL, SIGSEGV, SIGTERM = 9, 11, 15
ON_PURPOSE = frozenset({"recycled", "shutdown"})
CLOCKS_AGREE = 2.0
"""Seconds by which a death and its task's events, of other clocks, may seem out of order."""


@dataclass(frozen=True, slots=True)
class ChildDeath:
    """One pool process that ended while its main lives. `at` is Unix seconds.

    `cause` is a `worker-child-lost` cause slug, "oom", "recycled", "shutdown" or "unknown". `status` is how it ended
    (`SIGSEGV`, `exit code 3`), "" when that was not seen. `task_id` is what it ran, None when nothing or not known;
    `task` the same where it is on record. `fruitless` is true when it died before it did any work. `told` is the
    evidence of the recorder inside its main, None where it is known from outside alone.
    """

    at: float
    cause: str
    fact: Fact
    confidence: Confidence = "certain"
    status: str = ""
    pid: int | None = None
    task_id: str | None = None
    task_name: str | None = None
    task: Task | None = None
    fruitless: bool = False
    told: Evidence | None = None

    @property
    def on_purpose(self) -> bool:
        """True for a child that its parent replaced or stopped as it was asked to."""
        return self.cause in ON_PURPOSE

    @property
    def task_words(self) -> str:
        """`exports.csv[9f3c…]`."""
        return f"{self.task_name or 'a task'}[{self.task_id}]"

    @property
    def fate(self) -> str:
        """What became of its task: failed | requeued | revoked | succeeded | unknown (not told yet); "" without one."""
        if self.task_id is None:
            return ""
        return "unknown" if self.task is None else _fate(self.task, self.at)


def status_words(number: float | None, code: float | None) -> str:
    """`SIGSEGV`, `signal 40`, `exit code 3`; "" when neither is known."""
    if number:
        try:
            return signal.Signals(int(number)).name
        except ValueError:
            return f"signal {number:.0f}"
    return "" if code is None else f"exit code {code:.0f}"


def _fate(task: Task, at: float) -> str:
    """By its marks from about then on: a requeued message is taken again, by this worker's next child or another."""
    after = [mark for mark in task.marks if mark.at >= at - CLOCKS_AGREE]
    said = {mark.what for mark in after}
    requeued = any(mark.what == "rejected" and mark.detail == "requeued" for mark in after)
    if requeued or "retried" in said or any(mark.what == "received" and mark.at > at for mark in after):
        return "requeued"
    return next((what for what in ("failed", "revoked", "succeeded") if what in said), "unknown")
