"""What outlives a SIGKILL of the recording process: a small file that says who it was, how far it had come, and what
it noted last.

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
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from celeriac.host.processes import read_process, since_boot
from celeriac.model.parcel import Item, Sender
from celeriac.worker.groups import Group
from celeriac.worker.recorder import Recorder
from celeriac.worker.tail import RING, write

HEAD = 4096
SIZE = HEAD + RING
SUFFIX = ".flight"
MAGIC = b"celeriac"
FIXED = struct.Struct("<8sQdq")
"""Magic, number of the newest item, when it was last touched (Unix seconds), kills of its memory group (-1 unknown)."""
OWN: set[str] = set()
"""Names of this process's boxes. None may be opened again: closing it would end the lock (fcntl(2))."""
_NEWEST, _TOUCHED, _KILLS = slice(8, 16), slice(16, 24), slice(24, 32)
_TAIL = slice(HEAD, SIZE)


@dataclass(frozen=True, slots=True)
class Label:
    """Who the owner is. `started` is Unix seconds; `group`, `version` and `inode` are its memory group's. `left` says
    that it ended by itself, with a record that the broker had not taken."""

    boot: str
    role: str
    node: str
    pid: int
    host: str
    started: float | None
    group: str | None = None
    version: int | None = None
    inode: int | None = None
    left: bool = False


class BlackBox:
    """This process's own box, the Tail of its buffer. Written in place: an item costs some two microseconds."""

    def __init__(self, path: Path, file: int, label: Label) -> None:
        self._path = path
        self._file = file
        self._label = label
        self._map = mmap.mmap(file, SIZE)
        self._view = memoryview(self._map)
        self._view[:8] = MAGIC
        self._write_label(label)
        self._newest = self._view[_NEWEST].cast("Q")
        self._ring = self._view[_TAIL]
        self._touched = self._view[_TOUCHED].cast("d")
        self._kills = self._view[_KILLS].cast("q")

    @classmethod
    def open(cls, recorder: Recorder, system: str, directory: Path | None = None) -> BlackBox | None:
        """Where its items are counted from now on; None where such a file cannot be had. `system` says which record
        they go to: only who writes to the same may tell of it.

        Its place on the disk is taken here. A write to mapped memory that finds the disk full kills the process
        (mmap(2), SIGBUS).
        """
        directory = directory or home()
        if not _is_private(directory):
            return None
        path = directory / f"{system}.{recorder.sender.boot}{SUFFIX}"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.posix_fallocate(file, 0, SIZE)
            box = cls(path, file, _label(recorder.sender))
        except OSError:
            path.unlink(missing_ok=True)
            os.close(file)
            raise
        OWN.add(path.name)
        recorder.buffer.keep_in(box)
        return box

    def note(self, number: int, item: Item | None) -> None:
        """See Tail. An item that no slot takes is a hole at the end, which is counted."""
        if item is not None:
            with suppress(struct.error, TypeError, ValueError):
                write(self._ring, number, item)
        self._newest[0] = number

    def touch(self, now: float, group: Group | None) -> None:
        """The process lives, at `now`."""
        reading = None if group is None else group.reading
        if group is not None and reading is not None and (group.path, reading.inode) != self._place:
            version = group.group.version
            self._write_label(replace(self._label, group=group.path, version=version, inode=reading.inode))
        self._kills[0] = -1 if reading is None or reading.kills is None else reading.kills
        self._touched[0] = now

    def leave(self, now: float) -> None:
        """The process ends by itself at `now`; whoever finds the box tells the rest. The lock goes with the process."""
        self._write_label(replace(self._label, left=True))
        self._touched[0] = now

    def close(self) -> None:
        """The process ends as it should: there is nothing to find. The file stays mapped, since items are still
        counted in it."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)
        OWN.discard(self._path.name)

    @property
    def _place(self) -> tuple[str | None, int | None]:
        return self._label.group, self._label.inode

    def _write_label(self, label: Label) -> None:
        self._label = label
        text = json.dumps(asdict(label)).encode()[: HEAD - FIXED.size]
        self._view[FIXED.size : HEAD] = text.ljust(HEAD - FIXED.size)


def home() -> Path:
    """This user's boxes on this host."""
    return Path(tempfile.gettempdir()) / f"celeriac-{os.geteuid()}"


def _label(sender: Sender) -> Label:
    process = read_process(sender.pid)
    started = None if process is None else process.started(sender.born, since_boot())
    return Label(sender.boot, sender.role, sender.node, sender.pid, sender.host, started)


def _is_private(directory: Path) -> bool:
    """Make it; false when it belongs to somebody else, or is open to others."""
    directory.mkdir(mode=0o700, exist_ok=True)
    seen = directory.lstat()
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid() and not seen.st_mode & 0o077
