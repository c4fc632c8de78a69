"""What detectors judge: everything known as of one moment, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from celeriac.model.broker import BrokerLook
from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot
from celeriac.model.gap import Gap
from celeriac.model.ledger import Balance, Term
from celeriac.model.queue import Queue
from celeriac.model.sighting import Sighting
from celeriac.model.source import SILENT_AFTER, SourceMark
from celeriac.model.task import Task
from celeriac.model.worker import Worker


@dataclass(frozen=True, slots=True)
class View:
    """Facts as of `at` (Unix seconds, the watermark).

    workers    every life heard of in the last day, any order; several lives may share a node name
    tasks      not ended and touched by a worker, or in the last 15 minutes ended by a worker's loss, declared lost,
               dead or run twice; at most `TASKS`
    suspects   published and not seen since their usual wait, or of unknown fate; the oldest, at most `SUSPECTS`
    sightings  what searches of the broker say of the suspects, by task id; one never looked for is not in it
    balance    the ledger's equation over all tasks, None before anything was on record
    standing   open tasks by queue and term, as the ledger has them
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
    suspects: tuple[Task, ...] = ()
    sightings: Mapping[str, Sighting] = field(default_factory=dict)
    balance: Balance | None = None
    standing: Mapping[str, Mapping[Term, int]] = field(default_factory=dict)
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

    def sees(self, name: str, host: str | None = None) -> bool:
        """True when the named source is being read now: here or by any agent, or, with `host`, by what reads that
        host: its agent if it ever had one, else what is read here."""
        own = [source for source in self.sources if source.name == f"{name}@{host}"]
        every = [source for source in self.sources if source.name.partition("@")[0] == name]
        here = [source for source in every if not source.remote]
        wanted = every if host is None else own or here
        return any(source.live(self.at) for source in wanted)

    def reader(self, name: str, fact: Evidence) -> SourceMark | None:
        """The source that vouches for a level: the agent on its host, unless the level is newer than that one's last
        read; then what is read here."""
        agent = self.source(f"{name}@{fact.host}")
        return agent if agent is not None and fact.at <= agent.mark + SILENT_AFTER else self.source(name)
