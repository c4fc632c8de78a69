"""Pool children that start, do nothing and die, again and again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from celeriac.detectors.child_death import ChildDeath
from celeriac.detectors.child_deaths import child_deaths
from celeriac.detectors.liveness import Life
from celeriac.model.view import View

WINDOW = 60.0
"""Seconds within which the deaths of a loop lie."""
LEAST = 3
"""Deaths that make a loop."""
LIVE_FOR = 30.0
"""Seconds after its last death for which a loop is told; the parent starts the next child within five."""
_CAUSES = {"oom": "oom", "up-timeout": "up-timeout", "recycled": "max-memory-baseline"}


@dataclass(frozen=True, slots=True)
class ChildLoop:
    """`deaths` of one living worker's children, oldest first; `cause` is a `worker-crash-loop` cause slug."""

    cause: str
    deaths: tuple[ChildDeath, ...]

    @property
    def times(self) -> int:
        """How many died: when they die too fast, the recorder tells some and counts the others."""
        untold = sum(int(death.told.number("untold") or 0) for death in self.deaths if death.told is not None)
        return len(self.deaths) + untold


def child_loop(view: View, life: Life) -> ChildLoop | None:
    """The loop that this worker's children are in now, None when they are in none."""
    dead = [one for one in child_deaths(view, life) if one.fruitless and view.at - one.at <= WINDOW + LIVE_FOR]
    recent = tuple(one for one in dead if dead[-1].at - one.at <= WINDOW)
    if len(recent) < LEAST or view.at - recent[-1].at > LIVE_FOR:
        return None
    return ChildLoop(_cause(recent), recent)


def apart_from_loops(deaths: tuple[ChildDeath, ...]) -> tuple[ChildDeath, ...]:
    """Those of `deaths`, oldest first, that were in no loop: a loop is one story, and over when it is mended."""
    dead = [one for one in deaths if one.fruitless]
    runs = (dead[at : at + LEAST] for at in range(len(dead) - LEAST + 1))
    looping = {id(one) for run in runs if run[-1].at - run[0].at <= WINDOW for one in run}
    return tuple(one for one in deaths if id(one) not in looping)


def _cause(deaths: tuple[ChildDeath, ...]) -> str:
    """What most of them died of. A SIGKILL of children that never got to work, without memory, is the parent's."""
    (most, _), *_ = Counter(death.cause for death in deaths).most_common(1)
    if most in _CAUSES:
        return _CAUSES[most]
    if most in ("exit", "segfault"):
        return "init-error"
    killed = all(death.status == "SIGKILL" for death in deaths)
    return "up-timeout" if most == "signal" and killed and all(death.told is None for death in deaths) else "unknown"
