"""Start a command that cannot outlive the drill: `launcher.py PARENT_PID PROCS_FILE COMMAND...`.

Run as a script of its own by a bare interpreter, so it imports the standard library alone. It asks the kernel to
SIGKILL the process when its parent dies (prctl(2), PR_SET_PDEATHSIG; kept over exec), which holds even when the
parent is killed with -9 and can clean up nothing. Then it joins the control group whose `cgroup.procs` is
PROCS_FILE ("" for none), so that every byte of the command is counted, and becomes the command.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
CANNOT_START = 127


def main(parent: int, procs: str, command: list[str]) -> None:
    """Become `command`; exits at once when `parent` has gone already."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the request was made: nobody will send the signal
        sys.exit(CANNOT_START)
    try:
        if procs:
            Path(procs).write_text("0", encoding="ascii")
        os.execvp(command[0], command)  # noqa: S606 - the drill's own command line
    except OSError as error:
        sys.exit(f"{command[0]} cannot be started: {error.strerror}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
