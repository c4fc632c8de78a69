"""What outlives a SIGKILL of the recording process: a small file that says who it was, and how far it had come.

The file is memory that the kernel keeps for a dead process. Its owner holds a POSIX record lock on it, which ends with
the process, is not inherited by a fork (fcntl(2), F_SETLK), and says dead or alive across pid namespaces, where a pid
says nothing.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import stat
import struct
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

from celeriac.host.processes import read_process, since_boot
from celeriac.model.parcel import Sender
from celeriac.worker.groups import Group
from celeriac.worker.recorder import Recorder

SIZE = 4096
SUFFIX = ".flight"
MAGIC = b"celeriac"
_FIXED = struct.Struct("<8sQdq")
"""Magic, number of the newest item, when it was last touched (Unix seconds), kills of its memory group (-1 unknown)."""
_NEWEST, _TOUCHED, _KILLS = slice(8, 16), slice(16, 24), slice(24, 32)
_FOUND_LIMIT = 64
_own: set[str] = set()


@dataclass(frozen=True, slots=True)
class Label:
    """Who the owner is. `started` is Unix seconds; `group`, `version` and `inode` are its memory group's."""

    boot: str
    role: str
    node: str
    pid: int
    host: str
    started: float | None
    group: str | None = None
    version: int | None = None
    inode: int | None = None


@dataclass(frozen=True, slots=True)
class Wreck:
    """A box whose owner is dead. `last` is the number of the newest item it noted; `touched` when it last lived for
    certain; `kills` its memory group's count then, None unknown."""

    label: Label
    last: int
    touched: float
    kills: int | None


class BlackBox:
    """This process's own box. Written in place: a number costs a tenth of a microsecond."""

    def __init__(self, path: Path, file: int, label: Label) -> None:
        self._path = path
        self._file = file
        self._label = label
        self._map = mmap.mmap(file, SIZE)
        self._view = memoryview(self._map)
        self._view[:8] = MAGIC
        self._write_label(label)
        self.newest = self._view[_NEWEST].cast("Q")
        self._touched = self._view[_TOUCHED].cast("d")
        self._kills = self._view[_KILLS].cast("q")

    @classmethod
    def open(cls, recorder: Recorder, directory: Path | None = None) -> BlackBox | None:
        """Where its items are counted from now on; None where such a file cannot be had."""
        directory = directory or home()
        if not _is_private(directory):
            return None
        path = directory / f"{recorder.sender.boot}{SUFFIX}"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        _own.add(path.name)
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(file, SIZE)
        box = cls(path, file, _label(recorder.sender))
        recorder.buffer.count_in(box.newest)
        return box

    def touch(self, now: float, group: Group | None) -> None:
        """The process lives, at `now`."""
        reading = None if group is None else group.reading
        if group is not None and reading is not None and (group.path, reading.inode) != self._place:
            version = group.group.version
            self._write_label(replace(self._label, group=group.path, version=version, inode=reading.inode))
        self._kills[0] = -1 if reading is None or reading.kills is None else reading.kills
        self._touched[0] = now

    def close(self) -> None:
        """The process ends as it should: there is nothing to find. The file stays mapped, since items are still
        counted in it."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)
        _own.discard(self._path.name)

    @property
    def _place(self) -> tuple[str | None, int | None]:
        return self._label.group, self._label.inode

    def _write_label(self, label: Label) -> None:
        self._label = label
        text = json.dumps(asdict(label)).encode()[: SIZE - _FIXED.size]
        self._view[_FIXED.size :] = text.ljust(SIZE - _FIXED.size)


def home() -> Path:
    """This user's boxes on this host."""
    return Path(tempfile.gettempdir()) / f"celeriac-{os.geteuid()}"


def wrecks(directory: Path) -> Iterator[Wreck]:
    """Each box there whose owner is dead, once: whoever gets its lock takes it away."""
    if not directory.is_dir():
        return
    for path in islice(directory.glob(f"*{SUFFIX}"), _FOUND_LIMIT):
        if path.name not in _own and (wreck := _claimed(path)) is not None:
            yield wreck


def _claimed(path: Path) -> Wreck | None:
    """None while its owner lives, and when another was faster."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        content = os.read(file, SIZE)
        if os.fstat(file).st_nlink == 0 or len(content) < SIZE:
            return None
        path.unlink()
        return _read(content)
    except OSError:
        return None
    finally:
        os.close(file)


def _read(content: bytes) -> Wreck | None:
    magic, last, touched, kills = _FIXED.unpack_from(content)
    if magic != MAGIC or not touched:
        return None
    with suppress(ValueError, TypeError):
        label = Label(**json.loads(content[_FIXED.size :]))
        return Wreck(label, last, touched, None if kills < 0 else kills)
    return None


def _label(sender: Sender) -> Label:
    process = read_process(sender.pid)
    started = None if process is None else process.started(sender.born, since_boot())
    return Label(sender.boot, sender.role, sender.node, sender.pid, sender.host, started)


def _is_private(directory: Path) -> bool:
    """Make it; false when it belongs to somebody else, or is open to others."""
    directory.mkdir(mode=0o700, exist_ok=True)
    seen = directory.lstat()
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid() and not seen.st_mode & 0o077
