"""Is this live? The one judgement of how far a figure may be believed, from what was read and when.

live    every source is being read, and tasks move or work waits
idle    the same, and proof that nothing happens: no task traffic, no worker busy, nothing ready
gap     live, but a known hole lies in the last quarter of an hour
stale   something is not being read, or the collector is behind
lost    nothing at all has been read for long, or ever
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from celeriac.model.event import RECORDED
from celeriac.model.gap import Gap
from celeriac.model.source import SILENT_AFTER, SourceMark

State = Literal["live", "idle", "gap", "stale", "lost"]
LOST_AFTER = 30.0
"""Seconds without any successful read after which the collector counts as gone."""
IDLE_AFTER = 30.0
"""Seconds without task traffic that make live idle."""
GAP_SHOWN = 900.0
"""Seconds a found hole stays on the badge; the lists keep it for longer."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Signs of work: Unix seconds of the newest task event (None: none ever), tasks running, messages ready.

    `active` and `ready` are None when they could not be seen: that is no proof of rest.
    """

    newest: float | None
    active: int | None
    ready: int | None

    def rests(self, now: float) -> bool:
        """True when nothing moves, and that was seen."""
        quiet = self.newest is None or now - self.newest > IDLE_AFTER
        return quiet and self.active == 0 and self.ready == 0


@dataclass(frozen=True, slots=True)
class Freshness:
    """The judgement. `as_of` is the watermark (None before the first read), `age` its seconds."""

    state: State
    because: str
    as_of: float | None
    age: float | None

    @property
    def stale(self) -> bool:
        """True when figures must not be taken for the present."""
        return self.state in ("stale", "lost")


def judge(
    sources: tuple[SourceMark, ...], watermark: float, gaps: Iterable[Gap], traffic: Traffic, now: float
) -> Freshness:
    """How far the figures at `watermark` may be believed at `now`. Never live while a source is failing."""
    read = [source.mark for source in sources if source.mark > 0]
    if not read:
        return Freshness("lost", _never(sources), None, None)
    as_of = watermark if watermark > 0 else min(read)
    age = max(0.0, now - as_of)
    silence = now - max(read)
    if silence > LOST_AFTER:
        return Freshness("lost", f"Nothing has been read for {silence:.0f} s{_last_error(sources)}", as_of, age)
    trouble = _trouble(sources, age, now)
    if trouble:
        return Freshness("stale", trouble, as_of, age)
    return _moving(gaps, traffic, as_of, age, now)


def _moving(gaps: Iterable[Gap], traffic: Traffic, as_of: float, age: float, now: float) -> Freshness:
    recent = [gap for gap in gaps if now - gap.found_at <= GAP_SHOWN]
    if recent:
        return Freshness("gap", f"Live, with a hole in the history: {_missing(recent)}", as_of, age)
    if traffic.rests(now):
        return Freshness("idle", "Every source is read, and nothing happens", as_of, age)
    return Freshness("live", "Every source is being read", as_of, age)


def _never(sources: tuple[SourceMark, ...]) -> str:
    return f"Nothing has been read yet{_last_error(sources)}"


def _last_error(sources: tuple[SourceMark, ...]) -> str:
    failing = next((source for source in sources if source.error), None)
    return f"; {failing.name}: {failing.error}" if failing else ""


def _trouble(sources: tuple[SourceMark, ...], age: float, now: float) -> str | None:
    sources = tuple(source for source in sources if not source.remote)  # a host that is gone makes nothing here old
    failing = next((source for source in sources if source.error), None)
    if failing:
        return f"{failing.name} cannot be read: {failing.error}"
    silent = [source for source in sources if not source.live(now)]
    reads = any(now - source.mark <= SILENT_AFTER / 2 for source in sources)
    if silent and reads:
        return f"{silent[0].name} has been silent for {now - silent[0].mark:.0f} s"
    return f"Collector behind: newest data is {age:.0f} s old" if silent or age > SILENT_AFTER else None


def _missing(gaps: list[Gap]) -> str:
    noun = "event" if any(gap.source == RECORDED for gap in gaps) else "task start"
    if any(gap.size is None for gap in gaps):
        return f"how many {noun}s are missing is not known"
    count = sum(gap.size or 0 for gap in gaps)
    return f"{count:,} {noun}{'' if count == 1 else 's'} missing"
