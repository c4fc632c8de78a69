"""Real Celery workers and producers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import rmtree
from types import TracebackType
from typing import Any, Self

from lab.app import make_app
from lab.wait import wait_until

TESTS = Path(__file__).resolve().parent.parent


class Worker:
    """`with Worker(server.url) as worker:` a `celery -A lab.app worker` in a session of its own, ready for work.

    `conf` are Celery settings of the worker, `args` more command line. At the end its whole process group is killed.
    `ready=False` returns without waiting.
    """

    def __init__(
        self,
        broker: str,
        *,
        pool: str = "prefork",
        concurrency: int = 2,
        queues: Sequence[str] = ("celery",),
        app: str = "lab.app",
        node: str = "w1@lab",
        events: bool = True,
        conf: Mapping[str, Any] | None = None,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        ready: bool = True,
    ) -> None:
        self.node = node
        self.directory = Path(tempfile.mkdtemp(prefix="lab-worker-"))
        self.log = self.directory / "worker.log"
        self._command = [
            *(
                str(Path(sys.executable).with_name("celery")),
                "-A",
                app,
                "worker",
                "--without-mingle",
                "-l",
                "INFO",
            ),
            *("-P", pool, "-c", str(concurrency), "-Q", ",".join(queues), "-n", node),
            *(["-E"] if events else []),
            *args,
        ]
        paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONUNBUFFERED": "1",
            "LAB_BROKER": broker,
            "LAB_CONF": json.dumps(dict(conf or {})),
            **(env or {}),
        }
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The main process."""
        assert self._process is not None, "the worker was not started"
        return self._process

    @property
    def pid(self) -> int:
        """The main process id, the `pid` of the worker's events."""
        return self.process.pid

    @property
    def children(self) -> tuple[int, ...]:
        """The direct children now: the pool processes of a prefork worker."""
        text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        return tuple(int(pid) for pid in text.split())

    @property
    def output(self) -> str:
        """Everything the worker logged so far."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def start(self) -> None:
        """Start, or start again under the same node name; the log goes on."""
        before = len(self.output)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._env,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if self._ready:
            wait_until(lambda: self._is_ready(before), timeout=60, why=f"{self.node} to be ready")

    def kill(self) -> None:
        """SIGKILL the main process alone, as the kernel would, and reap it. Pool children live on for a moment."""
        self._end(signal.SIGKILL)

    def term(self) -> None:
        """SIGTERM (warm shutdown) and wait for the end."""
        self._end(signal.SIGTERM)

    def stop(self) -> None:
        """SIGSTOP the main process."""
        self.process.send_signal(signal.SIGSTOP)

    def cont(self) -> None:
        """SIGCONT the main process."""
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._clean()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._clean()

    def _is_ready(self, before: int) -> bool:
        assert self.process.poll() is None, f"{self.node} ended with {self.process.returncode}:\n{self.output}"
        return " ready." in self.output[before:]

    def _end(self, signum: int) -> None:
        self.process.send_signal(signum)
        self.process.wait(timeout=60)

    def _clean(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=15)
        rmtree(self.directory, ignore_errors=True)


class Producer:
    """`with Producer(server.url) as producer:` publishes the lab's tasks by their short name."""

    def __init__(self, broker: str, conf: Mapping[str, Any] | None = None) -> None:
        self.app = make_app(broker, conf)

    def send(self, task: str, *args: object, **options: Any) -> str:
        """Publish `lab.<task>`; options as for `send_task`. Gives the task id."""
        return str(self.app.send_task(f"lab.{task}", args=args, **options).id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.app.close()
