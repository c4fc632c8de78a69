"""What enters the store in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from celeriac.model.broker import BrokerLook
from celeriac.model.dead_letter import DeadLetter
from celeriac.model.event import Event
from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot
from celeriac.model.gap import Gap, Tally
from celeriac.model.recording import Recording
from celeriac.model.sighting import Search
from celeriac.model.source import SourceMark
from celeriac.model.worker import Worker


@dataclass(frozen=True, slots=True)
class Batch:
    """Events are edges: appended once, folded into tasks and workers. The rest are levels: the newest value stands.

    `marks` are the sources that were read (or failed to be); with `now` they move the watermark. `blind_spots`
    are, by source, what it cannot see now; sources that are not in it keep theirs. `filled` are the ids of holes that
    proved to be none. `search` is what a look for missing tasks came to, `dead_letters` what workers
    set aside.
    """

    now: float
    events: tuple[Event, ...] = ()
    look: BrokerLook | None = None
    workers: tuple[Worker, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    gaps: tuple[Gap, ...] = ()
    filled: tuple[str, ...] = ()
    recordings: tuple[Recording, ...] = ()
    tallies: tuple[Tally, ...] = ()
    search: Search | None = None
    dead_letters: tuple[DeadLetter, ...] = ()
    marks: tuple[SourceMark, ...] = ()
    blind_spots: Mapping[str, tuple[BlindSpot, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a batch came to: how many events were new, how many had been seen before, and the watermark after it."""

    fresh: int
    repeated: int
    watermark: float
