"""Three ways to read the kernel's log; each gives (seconds since boot, text) and raises EvidenceError when closed."""

from __future__ import annotations

import errno
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from celeriac.errors import EvidenceError

Line = tuple[float, str]

_COMMAND_TIMEOUT = 2.0
_LINES_LIMIT = 20_000
_RECORD_LIMIT = 8192
_DMESG = re.compile(r"^\[\s*(\d+\.\d+)\] (.*)$")
_JOURNAL = re.compile(r"^\[\s*(\d+\.\d+)\] \S+ kernel: (.*)$")


class KernelLog(Protocol):
    """One way to the log."""

    name: str
    every: float
    """Seconds to leave between reads."""

    def read(self) -> tuple[Line, ...]:
        """Lines not given before, oldest first, at most 20,000; all that is buffered at first. EvidenceError."""
        ...

    def close(self) -> None:
        """Release what is held."""
        ...


class Kmsg:
    """/dev/kmsg, one record per read (Documentation/ABI/testing/dev-kmsg). Starts at the oldest record."""

    name = "/dev/kmsg"
    every = 0.0

    def __init__(self) -> None:
        try:
            self._file = os.open(self.name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise EvidenceError(f"{self.name}: {error.strerror}") from error

    def read(self) -> tuple[Line, ...]:
        """What was logged since."""
        found: list[Line] = []
        for _ in range(_LINES_LIMIT):
            record = self._record()
            if record is None:
                break
            line = parse_record(record)
            if line is not None:
                found.append(line)
        return tuple(found)

    def close(self) -> None:
        """Close the device."""
        os.close(self._file)

    def _record(self) -> bytes | None:
        """The next record; empty where some were overwritten before they could be read."""
        try:
            return os.read(self._file, _RECORD_LIMIT)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno in (errno.EPIPE, errno.EINVAL):
                return b""
            raise EvidenceError(f"{self.name}: {error.strerror}") from error


class Command:
    """A program that prints the whole log, every time."""

    every = 2.0

    def __init__(self, name: str, arguments: tuple[str, ...], line: re.Pattern[str]) -> None:
        self.name = name
        self._arguments = arguments
        self._line = line
        self._last = float("-inf")

    def read(self) -> tuple[Line, ...]:
        """What it prints beyond the last time."""
        matches = (self._line.match(text) for text in self._run().splitlines()[-_LINES_LIMIT:])
        fresh = tuple((float(match[1]), match[2]) for match in matches if match and float(match[1]) > self._last)
        self._last = max((seconds for seconds, _ in fresh), default=self._last)
        return fresh

    def close(self) -> None:
        """Nothing is held."""

    def _run(self) -> str:
        try:
            done = subprocess.run(
                (self.name, *self._arguments),
                capture_output=True,
                timeout=_COMMAND_TIMEOUT,
                check=False,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "LC_ALL": "C"},
            )
        except OSError as error:
            raise EvidenceError(f"{self.name}: {error.strerror}") from error
        except subprocess.TimeoutExpired as error:
            raise EvidenceError(f"{self.name}: no answer in {_COMMAND_TIMEOUT:g} s") from error
        said = done.stderr.decode(errors="replace").strip().splitlines()
        if done.returncode or not done.stdout:
            raise EvidenceError(f"{self.name}: {said[0] if said else 'prints nothing'}")
        return done.stdout.decode(errors="replace")


def dmesg() -> KernelLog:
    """`dmesg`, for hosts where the device is closed and the system call is not."""
    return Command("dmesg", ("--kernel",), _DMESG)


def journal() -> KernelLog:
    """`journalctl`, open to the group systemd-journal."""
    return Command(
        "journalctl", ("-k", "-b", "-q", "--no-pager", "-o", "short-monotonic", "-n", str(_LINES_LIMIT)), _JOURNAL
    )


WAYS: tuple[Callable[[], KernelLog], ...] = (Kmsg, dmesg, journal)
"""In the order they are tried: the first costs nothing and forgets nothing."""


def parse_record(record: bytes) -> Line | None:
    """A record of /dev/kmsg; None for what is not the kernel's own word: anybody with the right may write there."""
    head, _, text = record.partition(b"\n")[0].decode(errors="replace").partition(";")
    fields = head.split(",")
    if len(fields) < 3 or int(fields[0]) >= 8:
        return None
    return int(fields[2]) / 1e6, text


def boot_id() -> str:
    """The id of this boot: the same second after boot is another one after the next."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
