"""The place a drill happens in: a directory, processes, and the guardian that clears away even after `kill -9`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO

from celeriac.drills.stage import guardian
from celeriac.drills.stage.process import Process

GOODBYE = 6.0
"""Seconds a process has between TERM and KILL."""
CLEARED_WITHIN = 15.0


class Stage:
    """Use it with `with`: on the way out every process ends, newest first, and everything kept is removed."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="celeriac-demo-"))
        self._processes: list[Process] = []
        self._guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", guardian.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            text=True,
            start_new_session=True,
        )
        self.remove_at_end(self.directory)

    def remove_at_end(self, path: Path) -> None:
        """Have `path` removed when the drill is over. Tell before making it: the drill may be killed in between."""
        line = self._line()
        line.write(f"{path}\n")
        line.flush()

    def start(
        self, name: str, command: Sequence[str], *, env: Mapping[str, str] | None = None, procs: Path | None = None
    ) -> Process:
        """Start `command`; its log is NAME.log in the stage's directory. `procs`: the control group to join."""
        kept = {"TMPDIR": str(self.directory)}  # what a killed process had open is cleared away too
        process = Process(name, command, self.directory / f"{name}.log", env={**kept, **(env or {})}, procs=procs)
        self._processes.append(process)
        return process

    def close(self) -> None:
        """End everything and clear away."""
        with ExitStack() as last:  # each step is taken, whatever becomes of the ones before
            last.callback(self._guardian.wait, CLEARED_WITHIN)
            last.callback(self._line().close)
            for process in self._processes:
                last.callback(process.stop, GOODBYE)

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _line(self) -> IO[str]:
        assert self._guardian.stdin is not None  # noqa: S101 - asked for with PIPE above
        return self._guardian.stdin
