"""Clear away what a drill leaves: `guardian.py`, with one path a line on its standard input.

Run as a script of its own by a bare interpreter. The drill holds the other end of the pipe, so the input ends when
the drill ends, however it ends. Then each path is removed, newest first: a control group once it is empty, a
directory with everything in it. The drill's processes need no clearing: the kernel kills them (see launcher.py).
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

EMPTY_WITHIN = 5.0
"""Seconds that killed processes may take to leave a control group."""


def main() -> None:
    """Remember paths until the drill is gone, then remove them."""
    kept = [Path(line.rstrip("\n")) for line in sys.stdin]
    for path in reversed(kept):
        if (path / "cgroup.procs").exists():
            remove_group(path, time.monotonic() + EMPTY_WITHIN)
        else:
            remove_directory(path, time.monotonic() + EMPTY_WITHIN)


def remove_group(path: Path, deadline: float) -> None:
    """Remove an empty control group; the kernel refuses (EBUSY) while a process is in it."""
    while time.monotonic() < deadline:
        try:
            path.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.05)  # noqa: TID251 - a bare script: nothing can ask it to stop


def remove_directory(path: Path, deadline: float) -> None:
    """Remove a directory tree; tried again while a dying process still writes into it."""
    while path.exists() and time.monotonic() < deadline:
        shutil.rmtree(path, ignore_errors=True)
        time.sleep(0.02)  # noqa: TID251 - as above


if __name__ == "__main__":
    main()
