"""One process of a drill, started through the launcher, in a session of its own so that Ctrl-C does not reach it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from celeriac.drills.stage import launcher

KILLED_WITHIN = 5.0
LAST_LINES = 3


class Process:
    """A running command and its log. Start it from a thread that lives as long as the drill: the kernel ties the
    process to the thread that forked it (prctl(2))."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, *, env: Mapping[str, str], procs: Path | None
    ) -> None:
        self.name = name
        self.log = log
        wrapped = [sys.executable, "-I", "-S", launcher.__file__, str(os.getpid()), str(procs or ""), *command]
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                wrapped,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **env},
                cwd=log.parent,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The command's pid: the launcher becomes the command."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._popen.poll()

    @property
    def running(self) -> bool:
        """True while it lives."""
        return self.exit_code is None

    def said(self, text: str) -> bool:
        """True when `text` stands in its log."""
        return text in self.log.read_text(encoding="utf-8", errors="replace")

    def last_words(self) -> str:
        """The last lines of its log, on one line."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return " / ".join(line.strip() for line in lines[-LAST_LINES:]) or "it said nothing"

    def kill(self) -> None:
        """SIGKILL to the process alone."""
        if self.running:
            self._popen.kill()

    def stop(self, patience: float) -> None:
        """TERM, and KILL to its whole session after `patience` seconds."""
        if self.running:
            self._popen.terminate()
        try:
            self._popen.wait(patience)
        except subprocess.TimeoutExpired:
            self._signal_session(signal.SIGKILL)
            self._popen.wait(KILLED_WITHIN)

    def _signal_session(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)  # its session's first group has its pid
        except ProcessLookupError:
            return
