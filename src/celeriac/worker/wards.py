"""The deaths of tasks, as all workers count them at the broker: bounded, and never in the way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from time import monotonic, time
from typing import TypeVar

from celeriac.errors import TransportUnavailableError, WireError
from celeriac.model.fatality import SIGNAL, Fatality
from celeriac.model.wire import decode, encode
from celeriac.transport.lives import Beat, Lives
from celeriac.transport.tally import Tally
from celeriac.worker.guard import tell

T = TypeVar("T")
PATIENCE = 0.5
"""Seconds for one step of one call: to connect, to answer."""
REST = 5.0
"""Seconds in which nothing is asked after a call failed: a broker that is away must not cost each task its second."""
BEATS = 3
"""Beats that a life must have missed to be dead."""
LEAST_SILENCE = 5.0
FORGOTTEN = 12 * 3600.0
"""Seconds of silence after which a life's field is taken away."""


class Wards:
    """Of one worker; may be called from any thread. `silence` is seconds without a beat after which a life is over."""

    def __init__(
        self, boot: str, count: Callable[[], Tally], connect: Callable[[], Lives | None], heartbeat: float
    ) -> None:
        self._boot = boot
        self._open_count = count
        self._open_lives = connect
        self._silence = max(LEAST_SILENCE, BEATS * heartbeat)
        self._tally: Tally | None = None
        self._lives: Lives | None = None
        self._one = threading.Lock()
        self._not_before = float("-inf")

    def died(self, task_id: str, fatality: Fatality) -> tuple[Fatality, ...] | None:
        """Count it; every death of the task then, oldest first. None when the broker cannot be asked now."""
        return self._asked(lambda tally, _: _add(tally, task_id, fatality))

    def history(self, task_id: str) -> tuple[tuple[Fatality, ...], bool] | None:
        """The deaths of a task that comes again, and whether one of them became known just now: a life that no longer
        beats had it on its hands. None when the broker cannot be asked now."""
        return self._asked(lambda tally, lives: self._read(tally, lives, task_id))

    def close(self) -> None:
        """Drop the connections."""
        with self._one:
            for line in (self._tally, self._lives):
                if line is not None:
                    line.close()

    def _asked(self, question: Callable[[Tally, Lives | None], T]) -> T | None:
        if monotonic() < self._not_before or not self._one.acquire(timeout=PATIENCE):
            return None
        try:
            if self._tally is None:
                self._tally, self._lives = self._open_count(), self._open_lives()
            return question(self._tally, self._lives)
        except TransportUnavailableError as error:
            self._not_before = monotonic() + REST
            tell("Wards", error)
            return None
        finally:
            self._one.release()

    def _read(self, tally: Tally, lives: Lives | None, task_id: str) -> tuple[tuple[Fatality, ...], bool]:
        known = _understood(tally.notes(task_id))
        beats = () if lives is None else lives.read()
        alive = {beat.boot for beat in beats if beat.age <= self._silence} | {self._boot}
        told = {one.mark for one in known}
        found = [_main_death(beat) for beat in beats if beat.boot not in alive and task_id in _ids(beat)]
        news = [one for one in found if one.mark not in told]
        for one in news:
            known = _add(tally, task_id, one)
        if lives is not None and (old := [beat.boot for beat in beats if beat.age > FORGOTTEN]):
            lives.leave(*old)
        return tuple(one for one in known if not (one.main and one.boot in alive)), bool(news)


def _add(tally: Tally, task_id: str, fatality: Fatality) -> tuple[Fatality, ...]:
    return _understood(tally.add(task_id, fatality.mark, json.dumps(encode(fatality)).encode()))


def _main_death(beat: Beat) -> Fatality:
    """Nobody was left to say how: the life had the task on its hands, and beats no more."""
    return Fatality(time() - beat.age, str(_said(beat).get("node", "")), beat.boot, SIGNAL, main=True)


def _ids(beat: Beat) -> Iterable[object]:
    ids = _said(beat).get("ids")
    return ids if isinstance(ids, list) else ()


def _said(beat: Beat) -> dict[str, object]:
    try:
        said = json.loads(beat.body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _understood(notes: Iterable[bytes]) -> tuple[Fatality, ...]:
    """The deaths, oldest first; a note of another version is one that cannot be read."""
    found = []
    for note in notes:
        try:
            found.append(decode(Fatality, json.loads(note)))
        except (ValueError, WireError) as error:
            tell("Wards", error)
    return tuple(sorted(found, key=lambda one: one.at))
