"""A Linux of its own with a unified cgroup version 2: User-Mode Linux, one ordinary process."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab.need import need

_INIT = """#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mount -t cgroup2 none /sys/fs/cgroup
echo '+memory +pids' >/sys/fs/cgroup/cgroup.subtree_control
mount -t hostfs none {place} -o {place}
{command} >{place}/output 2>&1
echo $? >{place}/status
halt -f
"""


def run_in_uml(place: Path, command: Sequence[str], *, memory: str = "512M", timeout: float = 60) -> str:
    """What `command` prints inside; AssertionError when it fails. Absolute paths only, no environment is handed on.

    The host's files are there read-only, the directory `place` can be written.
    """
    start = place / "init"
    start.write_text(_INIT.format(place=shlex.quote(str(place)), command=shlex.join(command)))
    start.chmod(0o755)
    with (place / "console").open("wb") as console:
        subprocess.run(
            [
                *(need("linux.uml"), f"mem={memory}", "rootfstype=hostfs", "rootflags=/", "ro", "quiet"),
                *("con=null", "con0=null,fd:1", f"init={start}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            timeout=timeout,
            check=False,
        )
    status, output = place / "status", place / "output"
    said = output.read_text() if output.exists() else (place / "console").read_text(errors="replace")
    assert status.exists() and status.read_text().strip() == "0", said
    return said
