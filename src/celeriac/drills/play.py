"""The demo's course: follow the timetable, watch what comes of it, and tell it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from celeriac.drills.dashboard import OPEN
from celeriac.drills.exports import LARGE, PER_SECOND, QUEUE, SMALL, Exports
from celeriac.drills.narrator import Narrator
from celeriac.drills.stage import Patience
from celeriac.drills.story import Story, closing
from celeriac.drills.timetable import Act, Cue
from celeriac.drills.words import MIB, docker_fix, ending, killer

TICK = 0.1
LOOK_EVERY = 0.5
"""Seconds between two reads of the dashboard."""
SETTLED_AFTER = 4.0
"""Seconds after which the diagnosis is shown although some of its lists are not known."""
DRAINED = 4
"""Waiting messages that are ordinary traffic, not backlog."""


class Play:
    """One demo, once everything is up."""

    def __init__(self, exports: Exports, narrator: Narrator, patience: Patience, cues: tuple[Cue, ...]) -> None:
        self._exports = exports
        self._narrator = narrator
        self._patience = patience
        self._cues = deque(cues)
        self._end = patience.now() + cues[-1].at
        self._dead_pid: int | None = None
        self._shown: tuple[str, str] | None = None
        self._closed = len(cues) == 1  # without faults there is nothing to sum up
        self._looked_at = 0.0
        self._waiting: int | None = None
        self.story = Story(began=patience.now())

    def perform(self) -> Story:
        """Play to the last cue; what happened. Raises Interrupted, DrillFailedError."""
        while self._cues:
            now = self._patience.now()
            self._exports.watch_memory()
            self._notice_death(now)
            if now - self._looked_at >= LOOK_EVERY:
                self._looked_at = now
                self._look(now)
            if now - self.story.began >= self._cues[0].at:
                self._act(self._cues.popleft().act)
            self._patience.rest(TICK)
        return self.story

    def _act(self, act: Act) -> None:
        if act is Act.HUGE_EXPORT:
            task_id = self._exports.ask_for_everything()
            self._tell("One customer asks for ten years of orders at once: 202 Accepted,", "yellow")
            self._tell(f"task {task_id}. It is built in memory …", "yellow")
        elif act is Act.RESTART:
            self._restart()
        else:
            self._close()

    def _notice_death(self, now: float) -> None:
        worker = self._exports.worker
        if self.story.died_at is not None or worker is None or worker.running:
            return
        self._note(died_at=now)
        self._dead_pid = worker.pid
        self._tell(f"The worker is dead: {ending(worker.exit_code)}.", "bold red")
        self._tell(killer(self._exports.group, SMALL))
        answers = "still answers" if self._exports.web_answers() else "does not answer"
        self._tell(f"Its log just stops. The web app {answers}. Nobody says a word …")

    def _look(self, now: float) -> None:
        self._waiting = self._exports.dashboard.waiting(QUEUE)
        if self._waiting is not None:
            self._note(most_waiting=max(self.story.most_waiting, self._waiting))
        if self.story.died_at is not None:
            self._look_at_incident(now)
        if self.story.restarted_at is not None:
            self._look_at_recovery(now)
        self._narrator.pulse(self._figures())

    def _look_at_incident(self, now: float) -> None:
        incident = self._read_incident()
        if incident is None or self.story.died_at is None:
            return
        self._note(incident=incident)
        if self.story.detected_at is None:
            self._note(detected_at=now)
            self._tell(f"Celeriac, {now - self.story.died_at:.1f} s after the kill: {incident['kind']}.", "bold green")
        self._show_once_settled(incident, now)

    def _read_incident(self) -> Mapping[str, Any] | None:
        """This worker's incident, of all that the server may have to tell."""
        dashboard = self._exports.dashboard
        if self.story.incident is not None:
            return dashboard.incident(self.story.incident["id"])
        return None if self._dead_pid is None else dashboard.death(self._dead_pid)

    def _show_once_settled(self, incident: Mapping[str, Any], now: float) -> None:
        """The diagnosis in full, when its lists are known; again when more evidence named another cause."""
        named = (incident["kind"], incident["cause"])
        known = incident["impact"]["lost"] is not None or now - (self.story.detected_at or now) >= SETTLED_AFTER
        if known and named != self._shown and incident["state"] in OPEN:
            self._shown = named
            self._narrator.show(incident)

    def _look_at_recovery(self, now: float) -> None:
        if self.story.drained_at is None and self._waiting is not None and self._waiting <= DRAINED:
            self._note(drained_at=now)
            self._tell(f"The queue is drained: {self._waiting} waiting.", "green")
        if self.story.resolved_at is None and (self.story.incident or {}).get("state") == "resolved":
            self._note(resolved_at=now)
            self._tell("The incident resolved by itself: a living worker takes the work.", "bold green")
        if self.story.complete:
            self._close()

    def _restart(self) -> None:
        if self.story.died_at is None:
            self._tell("The worker did not die: its memory limit was not enforced on this machine.", "bold red")
            return
        self._note(outage=self.story.incident)
        if self.story.incident is not None:
            self._tell(f"By now: {self.story.incident['summary']}")
        self._tell(f"The worker comes back with {LARGE // MIB} MB and 4 processes. In Docker a person would type:")
        self._tell(f"  {docker_fix(LARGE)}", "bold")
        self._exports.start_worker(LARGE, processes=4)
        self._note(restarted_at=self._patience.now())

    def _close(self) -> None:
        if self._closed:
            return
        self._closed = True
        left = max(0.0, self._end - self._patience.now())
        where = {"dashboard": f"{self._exports.dashboard.url} (for another {left:.0f} s)"} if left >= 1 else {}
        self._narrator.rows("What happened", dict(closing(self.story)) | where)

    def _figures(self) -> str:
        waiting = "unknown" if self._waiting is None else str(self._waiting)
        worker = self._exports.worker
        alive = "up" if worker is not None and worker.running else "dead"
        url = self._exports.dashboard.url
        return f"queue {QUEUE}: {waiting} waiting · worker {alive} · web app accepts {PER_SECOND:g}/s · {url}"

    def _tell(self, text: str, style: str = "") -> None:
        self._narrator.say(text, style)

    def _note(self, **moments: object) -> None:
        self.story = replace(self.story, **moments)  # type: ignore[arg-type]
