"""A real `celeriac serve`, and the `celeriac` command as a user runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree
from types import TracebackType
from typing import Any, NamedTuple, Self

from lab.wait import wait_until

ADDRESS = re.compile(r"http://[\d.]+:\d+")


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The printed JSON."""
        return json.loads(self.out)


def celeriac(*args: str, timeout: float = 60, cwd: Path | None = None, env: dict[str, str] | None = None) -> Outcome:
    """Run `celeriac ARGS` to its end."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "celeriac", *args],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", **(env or {})},
        check=False,
    )
    return Outcome(run.returncode, run.stdout, run.stderr)


class Server:
    """`with Server(redis.url) as server:` a `celeriac serve` over its own store, answering.

    `store` is a file, or the URL of what is none; `under` is a command that runs it in its place, as
    `sh -c 'ulimit …; exec "$@"' sh` does.
    """

    def __init__(self, broker: str, *args: str, store: Path | str | None = None, under: Sequence[str] = ()) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="lab-server-"))
        self.path = store if isinstance(store, Path) else self.directory / "celeriac.db"
        self._store = store if isinstance(store, str) else f"sqlite:///{self.path}"
        self.url = ""
        self._broker = broker
        self._args = args
        self._under = under
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def store(self) -> str:
        """The store's URL."""
        return self._store

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The server's process."""
        assert self._process is not None, "the server was not started"
        return self._process

    @property
    def log(self) -> str:
        """All it said on stderr so far."""
        path = self.directory / "server.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Start, or start again over the same store."""
        before = len(self.log)
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(*self._under, sys.executable, "-m", "celeriac", "serve", "--broker", self._broker),
                    *("--store", self.store, "--listen", "127.0.0.1:0", *self._args),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                start_new_session=True,
            )
        wait_until(lambda: self._announced(before), timeout=30, why="celeriac serve to say where it is")
        found = ADDRESS.search(self.log[before:])
        assert found is not None
        self.url = found.group()
        wait_until(self._answers, timeout=30, why="the dashboard to answer")

    def kill(self) -> None:
        """SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)

    def term(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def get(self, path: str) -> Any:
        """JSON of `/api/v1/<path>`."""
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}", timeout=10) as answer:
            return json.load(answer)

    def incidents(self, *states: str) -> list[dict[str, Any]]:
        """The incidents in one of `states` (any without)."""
        items: list[dict[str, Any]] = self.get("incidents")["items"]
        return [item for item in items if not states or item["state"] in states]

    def incident(self, kind: str, *states: str, timeout: float = 30) -> dict[str, Any]:
        """Wait for an incident of `kind` in one of `states` (default: open) and give it whole."""
        wanted = states or ("open",)

        def found() -> dict[str, Any] | None:
            return next((one for one in self.incidents(*wanted) if one["kind"] == kind), None)

        one = wait_until(found, timeout=timeout, every=0.2, why=f"a {kind} incident {' or '.join(wanted)}")
        assert one is not None
        detail: dict[str, Any] = self.get(f"incidents/{one['id']}")
        return detail

    def know(self, node: str, timeout: float = 30) -> None:
        """Wait until the worker was heard and has answered what it consumes."""

        def known() -> bool:
            return any(one["node"] == node and one["queues"] for one in self.get("workers")["items"])

        wait_until(known, timeout=timeout, every=0.1, why=f"{node} to be known")

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
        assert self.process.poll() is None, f"celeriac serve ended with {self.process.returncode}:\n{self.log}"
        return ADDRESS.search(self.log[before:]) is not None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def _clean(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(timeout=15)
        rmtree(self.directory, ignore_errors=True)
