"""The kills of a living worker's children: as the recorder inside it watched them, else as its host shows them."""

from __future__ import annotations

from celeriac.detectors import prose
from celeriac.detectors.child_death import ChildDeath
from celeriac.detectors.child_deaths import child_deaths
from celeriac.detectors.child_loops import apart_from_loops
from celeriac.detectors.climb import Climb, climb, points_of
from celeriac.detectors.liveness import Life
from celeriac.detectors.memory import BEFORE, Kill, fact, host_wide, kills_of_children
from celeriac.detectors.traces import seen
from celeriac.model.evidence import Evidence
from celeriac.model.finding import Fact
from celeriac.model.view import View

SHOWN = 2
MOST_OF_IT = 0.5
"""Share of the limit that a child must have been seen with for its climb to be the story of its end."""


def child_kill(view: View, life: Life) -> Kill | None:
    """The kills of this living worker's children in the last minutes, as one; None without any.

    A recorder that told of one lives in the main process: that it spoke after the kill proves the main alive, so
    nothing is waited for.
    """
    told = tuple(death for death in child_deaths(view, life) if death.cause == "oom" and death.told is not None)
    if not told:
        return kills_of_children(view, life)
    apart = apart_from_loops(told)
    return _watched(view, apart) if apart else None


def _watched(view: View, deaths: tuple[ChildDeath, ...]) -> Kill:
    last = deaths[-1]
    line = _kernel_line(view, last.told)
    everywhere = line is not None and host_wide(line)
    limit = None if everywhere or last.told is None else last.told.number("limit")
    told = (*(death.fact for death in deaths[-SHOWN:]), *((fact(line),) if line is not None else ()))
    return Kill(
        cause="host" if everywhere else "child",
        at=deaths[0].at,
        confidence="certain",
        facts=tuple(dict.fromkeys((*told, *_curve(last, limit)))),
        limit=limit,
        pid=last.pid,
        times=len(deaths),
        story=_story(last, limit),
    )


def _kernel_line(view: View, told: Evidence | None) -> Evidence | None:
    """The kernel's own line about it, where this host's log is read: the pid agrees outside containers alone."""
    near = (line for line in seen(view, "oom-kill") if told is not None and abs(line.at - told.at) <= BEFORE)
    return next((line for line in near if told is not None and (line.host, line.pid) == (told.host, told.pid)), None)


def _climb(death: ChildDeath) -> Climb | None:
    return climb(points_of(death.told.data.get("curve"))) if death.told is not None else None


def _story(death: ChildDeath, limit: float | None) -> str:
    """What grew and how fast; what was on it, when it died faster than it was looked at."""
    rise = _climb(death)
    who = death.task_words if death.task_id is not None else "it"
    if rise is not None and rise.high >= MOST_OF_IT * (limit or 0.0):
        return f"{who} {rise.words(limit)}"
    reached = f"its memory limit of {prose.size(limit)} was reached" if limit else "its memory limit was reached"
    return f"{reached} while it ran {who}" if death.task_id is not None else reached


def _curve(death: ChildDeath, limit: float | None) -> tuple[Fact, ...]:
    rise = _climb(death)
    if rise is None or death.told is None:
        return ()
    words = f"pool process {death.pid} {rise.words(limit)}, as its main process watched it"
    return (Fact(death.at, death.told.source, words, death.told.how),)
