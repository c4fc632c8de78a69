"""Tells of recording processes that were killed, by the black boxes they left."""

from __future__ import annotations

import os
from random import Random

from celeriac.host.cgroups import find_group, read_memory, read_mounts
from celeriac.model.event import fingerprint
from celeriac.model.evidence import Evidence
from celeriac.worker.blackbox import BlackBox, home
from celeriac.worker.facts import SOURCE
from celeriac.worker.groups import Group
from celeriac.worker.guard import guarded
from celeriac.worker.recorder import Recorder
from celeriac.worker.wrecks import Told, Wreck, is_crowded, sweep, wrecks

EVERY = 2.0
"""Seconds between two searches."""


class Boxes:
    """This process's own box, kept up to date, and those of the dead of the same system beside it."""

    def __init__(self, recorder: Recorder, system: str) -> None:
        self._recorder = recorder
        self._system = system
        self._random = Random()
        self._own: BlackBox | None = None
        self._next = 0.0
        self._told: Told = {}

    @guarded
    def open(self, now: float) -> None:
        """Where no file may be written, there is no box."""
        self._own = BlackBox.open(self._recorder, self._system)
        if self._own is not None:
            self._own.touch(now, None)
        sweep(home(), self._system, os.geteuid(), now)

    @guarded
    def look(self, now: float, ticks: float, group: Group | None) -> None:
        """This process lives, in that memory group; tell of others that were killed. `ticks` is a monotonic clock."""
        if self._own is not None:
            self._own.touch(now, group)
        if ticks >= self._next:
            self._next = ticks + EVERY
            self._search(now, ticks)

    def _search(self, now: float, ticks: float) -> None:
        """While the record is cut off nothing told arrives, so that no box may go: it is told of again afterwards."""
        if self._recorder.cut_off:
            self._told.clear()
        else:
            for wreck in wrecks(home(), self._system, os.geteuid(), self._random, self._told, ticks):
                self._recorder.note_fact(gone(self._recorder.sender.host, wreck, now))
                self._recorder.urge()

    @guarded
    def close(self, now: float) -> None:
        """This process ends by itself. Its box stays while the broker has not taken all of the record, unless many do:
        a worker that is started again and again would fill the disk."""
        if self._own is not None and self._recorder.waits and not is_crowded(home(), self._system, os.geteuid()):
            self._own.leave(now)
        elif self._own is not None:
            self._own.close()


def gone(host: str, wreck: Wreck, now: float) -> Evidence:
    """How it was killed, its box does not know; whether its memory group killed since, the kernel does."""
    label = wreck.label
    how = "by itself, and could not hand over its record," if label.left else "without a word"
    return Evidence(
        id=fingerprint("process-gone", "box", label.boot),
        at=now,
        source=SOURCE,
        what="process-gone",
        host=label.host,
        fact=f"the main process of {label.node} (pid {label.pid}) ended {how} after item {wreck.last}: "
        f"so says the black box it left on {host}",
        how=f"ps -p {label.pid}",
        pid=label.pid,
        nodes=(label.node,),
        data={
            "boot": label.boot,
            "last": wreck.last,
            "left": label.left,
            "tail": {"first": wreck.first, "items": list(wreck.items)},
            "role": label.role,
            "started": label.started,
            "namespace_pid": label.pid,
            "parent": None,
            "cgroup": label.group,
            "kills_added": _kills_added(wreck),
            "signal": None,
            "between": (wreck.touched, now),
        },
    )


def _kills_added(wreck: Wreck) -> int | None:
    """Growth of its group's kill count since it last looked; None where that group is not to be seen from here, or is
    another with its name."""
    label = wreck.label
    if wreck.kills is None or label.group is None:
        return None
    line = f"1:memory:{label.group}" if label.version == 1 else f"0::{label.group}"
    group = find_group([line], read_mounts())
    reading = None if group is None else read_memory(group)
    if reading is None or reading.kills is None or reading.inode != label.inode or reading.kills < wreck.kills:
        return None
    return reading.kills - wreck.kills
