"""Black boxes whose owners are dead: whoever finds one tells of it, and takes it away once that has surely arrived."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from random import Random
from typing import Any

from celeriac.errors import WireError
from celeriac.model.wire import decode
from celeriac.worker.blackbox import FIXED, HEAD, MAGIC, OWN, SIZE, SUFFIX, Label
from celeriac.worker.tail import read

LOOKED_AT = 256
"""Boxes that are looked at in one search; where there are more, others the next time."""
KEPT = 30.0
"""Seconds after which what was told has arrived, or its teller lives and goes on trying."""
DAY = 86_400.0
"""Seconds after which nobody waits for word of a process any more."""


@dataclass(frozen=True, slots=True)
class Wreck:
    """A box whose owner is dead. `last` is the number of the newest item it noted; `touched` when it last lived for
    certain; `kills` its memory group's count then, None unknown. `items` are its newest, on the wire's form, the first
    of them numbered `first`: whether they were shipped, nobody here knows."""

    label: Label
    last: int
    touched: float
    kills: int | None
    first: int = 1
    items: tuple[list[Any], ...] = ()


Told = dict[str, float]
"""The boxes that somebody told of already, by name, and when (monotonic seconds)."""


def wrecks(home: Path, system: str, user: int, random: Random, told: Told, ticks: float) -> tuple[Wreck, ...]:
    """What the dead of `system` left in that user's home, each once. `told` is the finder's memory; `ticks` is now.

    A box stays for `KEPT` seconds more: if its finder is killed before it could hand over, another finds it. To be told
    of twice does no harm, for its numbers make it once.
    """
    with _boxes(home, user) as (directory, names):
        for name in [name for name, at in told.items() if ticks - at > KEPT]:
            del told[name]
            with suppress(OSError):
                os.unlink(name, dir_fd=directory)
        own = [name for name in names if name.startswith(f"{system}.") and name not in told]
        chosen = random.sample(own, min(len(own), LOOKED_AT))
        found = {name: wreck for name in chosen if (wreck := _found(directory, name)) is not None}
    told |= dict.fromkeys(found, ticks)
    return tuple(found.values())


def is_crowded(home: Path, system: str, user: int) -> bool:
    """True when more stand there than one search looks at: while the broker is away they only become more."""
    with _boxes(home, user) as (_, names):
        return sum(name.startswith(f"{system}.") for name in names) >= LOOKED_AT


def sweep(home: Path, system: str, user: int, now: float) -> None:
    """Take away what another system's dead left there more than a day ago, and what is no box: nobody asks for it."""
    with _boxes(home, user) as (directory, names):
        for name in names:
            if not name.startswith(f"{system}."):
                _sweep(directory, name, now)


@contextmanager
def _boxes(home: Path, user: int) -> Iterator[tuple[int, list[str]]]:
    """The open directory and the names of the boxes in it; none where it is not that user's own."""
    try:
        directory = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        yield -1, []
        return
    try:
        with os.scandir(directory) as entries:
            trusted = entries if os.fstat(directory).st_uid == user else ()
            names = [entry.name for entry in trusted]
        yield directory, [name for name in names if name.endswith(SUFFIX) and name not in OWN]
    finally:
        os.close(directory)


@contextmanager
def _locked(directory: int, name: str) -> Iterator[int | None]:
    """The file, ours alone; None while its owner lives, and when another was faster. Nothing in a stranger's directory
    is waited for: a pipe of that name has no end."""
    try:
        file = os.open(name, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    except OSError:
        yield None
        return
    try:
        seen = os.fstat(file)
        if stat.S_ISREG(seen.st_mode):
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file if os.fstat(file).st_nlink else None
        else:
            yield None
    finally:
        os.close(file)


def _found(directory: int, name: str) -> Wreck | None:
    with suppress(OSError), _locked(directory, name) as file:
        return None if file is None else _read(os.pread(file, SIZE, 0))
    return None


def _sweep(directory: int, name: str, now: float) -> None:
    with suppress(OSError), _locked(directory, name) as file:
        if file is not None:
            wreck = _read(os.pread(file, SIZE, 0))
            if max(os.fstat(file).st_mtime, wreck.touched if wreck else 0.0) < now - DAY:
                os.unlink(name, dir_fd=directory)


def _read(content: bytes) -> Wreck | None:
    """None for what is no box, or one whose owner never came to touch it."""
    if len(content) < HEAD:
        return None
    magic, last, touched, kills = FIXED.unpack_from(content)
    if magic != MAGIC or not touched or not isfinite(touched):
        return None
    with suppress(ValueError, WireError):
        label = decode(Label, json.loads(content[FIXED.size : HEAD]))
        first, items = read(content[HEAD:], last)
        return Wreck(label, last, touched, None if kills < 0 else kills, first, tuple(items))
    return None
