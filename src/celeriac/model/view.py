"""What detectors judge: everything known as of one moment, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from celeriac.model.broker import BrokerLook
from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot
from celeriac.model.gap import Gap
from celeriac.model.queue import Queue
from celeriac.model.source import SourceMark
from celeriac.model.task import Task
from celeriac.model.worker import Worker


@dataclass(frozen=True, slots=True)
class View:
    """Facts as of `at` (Unix seconds, the watermark).

    workers    every life heard of in the last day, any order; several lives may share a node name
    tasks      not ended and touched by a worker, or ended in the last 15 minutes by a worker's loss; at most `TASKS`
    queues     with the looks of the last 15 minutes
    broker     the newest look, None before the first and while the broker cannot be seen
    evidence   every level, and the edges of the last day, oldest first
    gaps       of the last hour
    sources    every source there has been
    observed   seconds this has been watched without a break
    history    true when events from before the fault can be on record (a store watched, or logs were read)
    server_age seconds the newest write of the collector is old; None in a one-shot look
    """

    at: float
    workers: tuple[Worker, ...] = ()
    tasks: tuple[Task, ...] = ()
    tasks_complete: bool = True
    queues: tuple[Queue, ...] = ()
    broker: BrokerLook | None = None
    evidence: tuple[Evidence, ...] = ()
    gaps: tuple[Gap, ...] = ()
    sources: tuple[SourceMark, ...] = ()
    blind_spots: tuple[BlindSpot, ...] = ()
    observed: float = 0.0
    history: bool = True
    server_age: float | None = None

    def source(self, name: str) -> SourceMark | None:
        """The named source, None when there never was one."""
        return next((source for source in self.sources if source.name == name), None)

    def sees(self, name: str) -> bool:
        """True when the named source is being read now."""
        source = self.source(name)
        return source is not None and source.live(self.at)
