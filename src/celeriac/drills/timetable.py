"""When what happens in a demo: a pure function of how long it may take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from celeriac.errors import ConfigError

SHORTEST = 45.0
"""Seconds below which the story has no time to end well."""


class Act(StrEnum):
    """What the demo does on purpose."""

    HUGE_EXPORT = "huge-export"
    RESTART = "restart"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Cue:
    """An act and when it is due, in seconds since everything was up."""

    at: float
    act: Act


def timetable(total: float, *, faults: bool) -> tuple[Cue, ...]:
    """The cues of a demo of `total` seconds, in order. Raises ConfigError when that is too short for its faults.

    In two minutes: health for 20 s, the fault, half a minute of outage (queues are judged after 15 s), and the rest
    to drain and to stay well for as long as an incident needs to resolve.
    """
    if not faults:
        return (Cue(total, Act.CLOSE),)
    if total < SHORTEST:
        raise ConfigError(
            f"{total:g} s is too short for the story", hint=f"Give it --for {SHORTEST:g} or more, or --no-faults"
        )
    return (
        Cue(min(20.0, total / 6), Act.HUGE_EXPORT),
        Cue(min(55.0, total * 0.46), Act.RESTART),
        Cue(total, Act.CLOSE),
    )
