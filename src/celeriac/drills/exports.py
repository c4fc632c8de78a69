"""The exports shop on a stage, watched by a real Celeriac server."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Callable

from celeriac.drills.dashboard import Dashboard
from celeriac.drills.stage import (
    MemoryGroup,
    MemoryWatcher,
    Patience,
    Process,
    Stage,
    free_port,
    make_memory_group,
    start_broker,
)
from celeriac.drills.stage.ports import LOOPBACK
from celeriac.drills.systems.exports.traffic import ask_for_export
from celeriac.drills.words import MIB, enforcer
from celeriac.errors import DrillFailedError

SMALL = 192 * MIB
LARGE = 768 * MIB
HUGE_ROWS = 6_000_000
"""One customer's ten years of orders: some 600 MB of CSV, all of it in memory."""
PER_SECOND = 5.0
QUEUE = "celery"
NODE = "exports@%h"
SYSTEM = "celeriac.drills.systems.exports"
UP_WITHIN = 30.0


class Exports:
    """Broker, server, web app, worker and customers. `group` is None where no control group may be made.

    `worker` is the newest one started; None before `open`.
    """

    def __init__(self, stage: Stage, patience: Patience, port: int) -> None:
        self._stage = stage
        self._patience = patience
        self._port = port
        self._web_url = f"http://{LOOPBACK}:{free_port()}"
        self._broker_url = ""
        self._starts = 0
        self._watcher: MemoryWatcher | None = None
        self.dashboard = Dashboard(f"http://{LOOPBACK}:{port}")
        self.group: MemoryGroup | None = None
        self.worker: Process | None = None

    def open(self, say: Callable[[str], None]) -> None:
        """Start everything, telling each step. Raises DrillFailedError, ConfigError, Interrupted."""
        self._broker_url = start_broker(self._stage, self._patience)
        say(f"broker     Valkey at {self._broker_url}")
        self._serve()
        say(f"celeriac   dashboard at {self.dashboard.url}")
        self._open_shop()
        say(f"web app    POST {self._web_url}/exports answers 202")
        self.group = make_memory_group(self._stage, SMALL)
        self.start_worker(SMALL, processes=2)
        say(f"worker     2 processes, memory limit {SMALL // MIB} MB {enforcer(self.group)}")
        self._stage.start("traffic", [sys.executable, "-m", f"{SYSTEM}.traffic", self._web_url, str(PER_SECOND)])
        say(f"customers  {PER_SECOND:g} CSV exports a second")

    def start_worker(self, limit: int, *, processes: int) -> None:
        """Start the worker under `limit` bytes and wait until it takes work."""
        self._starts += 1
        if self.group is not None:
            self.group.limit(limit)
        worker = self._stage.start(
            f"worker-{self._starts}",
            _celery("worker", "-n", NODE, "-c", str(processes), "-l", "INFO"),
            env={"EXPORTS_BROKER": self._broker_url},
            procs=self.group.procs if self.group else None,
        )
        self._until_up(worker, lambda: worker.said(" ready."))
        self.worker = worker
        self._enforce(worker, limit)

    def ask_for_everything(self) -> str:
        """One customer asks for a huge export; the task's id. Raises DrillFailedError."""
        try:
            return ask_for_export(self._web_url, order_id=0, rows=HUGE_ROWS)
        except OSError as error:
            raise DrillFailedError(f"the sample web app did not accept an export: {error}") from error

    def watch_memory(self) -> None:
        """One look of the demo's own limit watcher, where the kernel enforces no limit."""
        if self._watcher is not None:
            self._watcher.look()

    def web_answers(self) -> bool:
        """True when the web app serves."""
        try:
            with urllib.request.urlopen(f"{self._web_url}/healthz", timeout=2.0) as answer:  # noqa: S310 - our own loopback
                return bool(json.load(answer)["status"] == "ok")
        except (OSError, ValueError):
            return False

    def _enforce(self, worker: Process, limit: int) -> None:
        if self.group is None:
            self._watcher = MemoryWatcher(worker, limit)
        elif not self.group.whole:
            self.group.choose(worker.pid)

    def _serve(self) -> None:
        store = f"sqlite:///{self._stage.directory / 'celeriac.db'}"
        flags = ["--broker", self._broker_url, "--store", store, "--listen", f"{LOOPBACK}:{self._port}"]
        server = self._stage.start("server", [sys.executable, "-m", "celeriac", "serve", *flags])
        self._until_up(server, self.dashboard.ready)

    def _open_shop(self) -> None:
        port = self._web_url.rpartition(":")[2]
        command = [sys.executable, "-m", f"{SYSTEM}.web", port]
        web = self._stage.start("web", command, env={"EXPORTS_BROKER": self._broker_url})
        self._until_up(web, self.web_answers)

    def _until_up(self, process: Process, up: Callable[[], bool]) -> None:
        def checked() -> bool:
            if not process.running:
                raise DrillFailedError(f"the demo's {process.name} ended: {process.last_words()}")
            return up()

        self._patience.until(checked, UP_WITHIN, f"the demo's {process.name} was not ready")


def _celery(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", f"{SYSTEM}.app", *arguments]
