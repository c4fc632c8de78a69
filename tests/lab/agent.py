"""A real `celeriac agent`, and a server that sees nothing of this host by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from shutil import rmtree
from types import TracebackType
from typing import Self

from lab.wait import wait_until

BLIND = ("env", "CELERIAC_EVIDENCE__HOST=false")
"""`Server(url, under=BLIND)` leaves this host to an agent."""


class Agent:
    """`with Agent(redis.url) as agent:` a `celeriac agent` that gathers and ships."""

    def __init__(self, broker: str, *args: str, env: Mapping[str, str] | None = None) -> None:
        self._env = {**os.environ, **(env or {})}
        self.directory = Path(tempfile.mkdtemp(prefix="lab-agent-"))
        self._command = [sys.executable, "-m", "celeriac", "agent", "--broker", broker, "--no-docker", *args]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The agent's process."""
        assert self._process is not None, "the agent was not started"
        return self._process

    @property
    def log(self) -> str:
        """All it said on stderr so far."""
        path = self.directory / "agent.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Start, or start again."""
        before = len(self.log)
        with (self.directory / "agent.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env=self._env,
                start_new_session=True,
            )
        wait_until(lambda: self._announced(before), timeout=30, why="celeriac agent to say what it ships")

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(timeout=30)

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Ask it to stop, and the exit code."""
        self.process.send_signal(signum)
        return self.process.wait(timeout=30)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._clean()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._clean()

    def _announced(self, before: int) -> bool:
        assert self.process.poll() is None, f"celeriac agent ended with {self.process.returncode}:\n{self.log}"
        return "Celeriac ships" in self.log[before:]

    def _clean(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        rmtree(self.directory, ignore_errors=True)
