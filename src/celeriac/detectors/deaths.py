"""Each death, classified once: the worker kinds read it from here, so that they exclude one another."""

from __future__ import annotations

from dataclasses import dataclass

from celeriac.detectors.causes import Cause, cause_of
from celeriac.detectors.consumption import disconnected, served, unserved, work_waits
from celeriac.detectors.deliveries import named_by_hearsay
from celeriac.detectors.endings import Ending, endings
from celeriac.detectors.fates import Fate, fate_of, fates
from celeriac.detectors.liveness import lives
from celeriac.detectors.memory import Kill, fact, kill_of, lone_kills
from celeriac.detectors.reading import once_per_view
from celeriac.detectors.traces import Trace
from celeriac.model.evidence import Evidence
from celeriac.model.finding import Confidence, finding_key
from celeriac.model.queue import Queue
from celeriac.model.view import View

FRESH = 900.0
"""Seconds for which a death is told though nothing waits for the dead."""
EVIDENCE_LAG = 1.5
"""Seconds to wait after an end for the kernel's and the cgroup's word before it is called anything but memory."""


@dataclass(frozen=True, slots=True)
class Death:
    """A death that stands: what it was, what it did. Exactly one of `kill` (memory) and `cause` (anything else)."""

    ending: Ending
    fate: Fate
    kill: Kill | None
    cause: Cause | None
    queues: tuple[Queue, ...]

    @property
    def key(self) -> str:
        """The incident's fingerprint, shared with `worker-silent`: one story, refined as evidence comes."""
        return finding_key("worker", self.ending.name)

    @property
    def confidence(self) -> Confidence:
        """How sure it is that the worker died, and of what."""
        if self.kill is not None:
            return self.kill.confidence
        return self.cause.confidence if self.cause else "possible"


@once_per_view
def deaths(view: View) -> tuple[Death, ...]:
    """The deaths that stand, oldest first; one per node, its newest."""
    newest: dict[str, Death] = {}
    for ending, fate in zip(endings(view), fates(view), strict=True):
        death = _classify(view, ending, fate)
        if death is not None and _stands(view, death):
            newest[ending.name] = death
    found = tuple(newest.values())
    one_shot = view.server_age is None  # a server that never heard a worker has nothing to tie a kernel line to
    return _by_kernel_alone(view) if not found and one_shot and _is_deserted(view) else found


def death_of(view: View, queue: str) -> Death | None:
    """The death that left `queue` without a consumer."""
    return next((one for one in deaths(view) if queue in {left.name for left in one.queues}), None)


def _classify(view: View, ending: Ending, fate: Fate) -> Death | None:
    queues = unserved(view, ending)
    kill = kill_of(view, ending)
    if kill is not None:
        return Death(ending, fate, kill, None, queues)
    if not ending.inferred and view.at - ending.at < EVIDENCE_LAG:
        return None
    cause = cause_of(view, ending, fate)
    return Death(ending, fate, None, cause, queues) if cause else None


def _stands(view: View, death: Death) -> bool:
    if death.ending.heir is not None:
        return False
    missed = work_waits(view) if death.ending.life is None else bool(death.queues)
    return missed or view.at - death.ending.at < FRESH


def _is_deserted(view: View) -> bool:
    """True when work waits, nobody was ever heard, and nobody is connected who could be a busy worker."""
    return not lives(view) and work_waits(view) and disconnected(view)


def _by_kernel_alone(view: View) -> tuple[Death, ...]:
    """After the fact, with no life and no container left: the newest kernel line that reads like a worker's end."""
    lines = lone_kills(view)
    if not lines:
        return ()
    line = lines[-1]
    ending = Ending(named_by_hearsay(view), line.at, line.at, Trace())
    return (Death(ending, fate_of(view, ending), _lone(line), None, served(view, ending)),)


def _lone(line: Evidence) -> Kill:
    named = (line.text("command") or "").lstrip("[").startswith("celery")
    confidence: Confidence = "likely" if named else "possible"
    return Kill("container", line.at, confidence, (fact(line),), pid=line.pid)
