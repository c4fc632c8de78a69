"""Double-entry books on events: what heartbeats say was started, against the starts that arrived.

A hole is claimed only where we were blind (down, or cut off from the broker) between two heartbeats of one worker
life: connected, nothing is lost on the way, and a task with `send_events=False` counts without ever being an event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from celeriac.model.event import Event, fingerprint
from celeriac.model.gap import Gap, Tally, heard, started

LIVES_LIMIT = 10_000

Life = tuple[str, int]
StartsOf = Callable[[str, int, float], tuple[float, ...]]
IsRecorded = Callable[[str, int], bool]


@dataclass(frozen=True, slots=True)
class Entry:
    """What posting events came to: holes proven, and the tallies whose judged heartbeat moved."""

    gaps: tuple[Gap, ...] = ()
    tallies: tuple[Tally, ...] = ()


class Books:
    """The tally of every worker life. `starts_of` reads starts on record, so that a restart goes on exactly;
    `is_recorded` tells lives with a recorder inside: their record is numbered, and says itself what is missing."""

    def __init__(
        self,
        tallies: Iterable[Tally],
        reporting: Iterable[Life],
        starts_of: StartsOf,
        is_recorded: IsRecorded = lambda _node, _pid: False,
    ) -> None:
        self._tallies = {(tally.worker, tally.pid): tally for tally in tallies}
        self._reporting = set(reporting)
        self._starts_of = starts_of
        self._is_recorded = is_recorded
        self._restored = set(self._tallies)
        self._blind: str | None = None
        self._awaiting: dict[Life, str] = {}
        self._covering: dict[Life, tuple[float, str]] = {}

    def blind(self, cause: str) -> None:
        """We could not hear until now: each life's next heartbeat covers a stretch of which events may be missing."""
        self._blind = cause
        self._covering.clear()
        self._awaiting = dict.fromkeys(self._tallies, cause)

    def post(self, events: Iterable[Event], now: float) -> Entry:
        """Enter `events`, in the order they came."""
        gaps: list[Gap] = []
        moved: dict[Life, Tally] = {}
        for event in events:
            if event.worker is None or event.pid is None:
                continue
            life = (event.worker, event.pid)
            if event.kind == "task-started":
                self._start(life, event.at)
            elif event.kind in ("worker-heartbeat", "worker-online"):
                before = self._tallies.get(life)
                gap = self._beat(life, event, now)
                gaps += [gap] if gap else []
                after = self._tallies.get(life)
                if after is not None and (before is None or after.at != before.at):
                    moved[life] = after
        return Entry(tuple(gaps), tuple(moved.values()))

    def _start(self, life: Life, at: float) -> None:
        self._reporting.add(life)
        if life in self._tallies:
            self._tallies[life] = started(self._restore(life), at)

    def _beat(self, life: Life, event: Event, now: float) -> Gap | None:
        processed = event.number("processed")
        if processed is None:
            return None
        if life not in self._tallies:
            self._open(life, event.at, int(processed))
            return None
        if life in self._awaiting:
            self._covering[life] = (event.at, self._awaiting.pop(life))
        before = self._restore(life)
        after, missing = heard(before, event.at, int(processed))
        self._tallies[life] = after
        return self._claim(life, before, after, missing, now) if after.at != before.at else None

    def _open(self, life: Life, at: float, processed: int) -> None:
        """A life not heard of before. Born while we were blind, all it did so far was missed."""
        while len(self._tallies) >= LIVES_LIMIT:
            self._forget(next(iter(self._tallies)))
        if self._blind is None or processed == 0:
            self._tallies[life] = Tally(*life, at=at, counted=processed)
            return
        recorded = self._starts_of(*life, 0.0)
        self._tallies[life] = Tally(*life, at=0.0, counted=0, beats=((at, processed),), starts=recorded)
        self._covering[life] = (at, self._blind)

    def _claim(self, life: Life, before: Tally, after: Tally, missing: int, now: float) -> Gap | None:
        """A hole up to the judged heartbeat. One before the covering heartbeat counts too: its starts may have been
        sent just after it, when we were blind already."""
        if life not in self._covering:
            return None
        beat, cause = self._covering[life]
        if after.at >= beat:
            del self._covering[life]
        if missing == 0 or life not in self._reporting or self._is_recorded(*life):
            return None
        worker, pid = life
        name = fingerprint("gap", worker, pid, after.at)
        return Gap(name, "events", worker, pid, before.at, after.at, missing, cause, found_at=now)

    def _restore(self, life: Life) -> Tally:
        """The life's tally; one that came from the store first gets back the starts recorded after its heartbeat."""
        tally = self._tallies[life]
        if life not in self._restored:
            return tally
        self._restored.discard(life)
        for at in self._starts_of(*life, tally.at):
            tally = started(tally, at)
        return tally

    def _forget(self, life: Life) -> None:
        self._tallies.pop(life, None)
        self._awaiting.pop(life, None)
        self._covering.pop(life, None)
        self._restored.discard(life)
        self._reporting.discard(life)
