"""A real system under test: a broker, three workers, a producer, `celeriac serve`; and who restarts what dies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from conservation.broker import Broker
from conservation.checker import Answer, Ledger
from conservation.outside import JOURNAL, LOOKS, PUBLISHES, WORK, note, now, read
from lab.celery import TESTS, Worker
from lab.proxy import Proxy
from lab.redis import RedisServer
from lab.server import Server
from lab.wait import wait_until

CONF = {"broker_connection_max_retries": None, "worker_prefetch_multiplier": 2}
WORKERS, SLOTS = 3, 2
REST = 15.0
"""Seconds for which nothing may be open: after a restart Celeriac hears late of what was published before it."""
OPEN = ("waiting", "scheduled", "reserved", "running", "held", "retrying", "unknown")


def _skewed(seconds: float) -> dict[str, str]:
    """The environment of a Python whose wall clock is ahead by so much."""
    return {"CONSERVATION_SKEW": str(seconds), "PYTHONPATH": f"{TESTS / 'conservation' / 'skewed'}:{TESTS}"}


def _is_ready(worker: Worker) -> bool:
    return " ready." in worker.output


class World:
    """`with World(folder, broker, skew=3.0) as world:`; `skew` seconds is the second worker's clock ahead."""

    def __init__(self, folder: Path, broker: Broker, *, skew: float = 0.0, hands: int = WORKERS) -> None:
        self.folder = folder
        self.hands = hands
        self.broker = broker
        self.skew = skew
        self.results = RedisServer()
        self.workers: list[Worker] = []
        self._stack = ExitStack()
        self._lost_since: dict[str, float] = {}
        self._opened = now()
        self._ended = threading.Event()
        self._striking: set[str] = set()
        self._threads = [
            threading.Thread(target=self._guard, name="guard", daemon=True),
            threading.Thread(target=self._watch, name="watch", daemon=True),
            threading.Thread(target=self._look, name="look", daemon=True),
        ]

    @property
    def environment(self) -> dict[str, str]:
        """What the producer and the workers are told."""
        conf = {**CONF, **self.broker.conf, "result_backend": self.results.url}
        return {"CONSERVATION_LEDGER": str(self.folder), "LAB_CONF": json.dumps(conf)}

    @contextmanager
    def struck(self, kind: str, worker: Worker | None, **facts: Any) -> Iterator[None]:
        """Write down a fault that lasts as long as the block; nobody restarts that worker meanwhile."""
        began, node = now(), worker.node if worker else ""
        main = worker.pid if worker else 0
        self._striking.add(node)
        try:
            yield
        finally:
            note(self.folder / JOURNAL, kind=kind, whom=node, main=main, begun=began, until=now(), **facts)
            self._striking.discard(node)

    def publish(self, count: int, rate: float, seed: int) -> subprocess.Popen[bytes]:
        """A producer process, on its way."""
        with (self.folder / "producer.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "conservation.producer", str(count), str(rate), str(seed)],
                env={**os.environ, "PYTHONPATH": str(TESTS), "LAB_BROKER": self.broker.url(), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def settle(self, seconds: float) -> None:
        """Wait until the broker is empty, and Celeriac has nothing open any more and stays so; at most so long each."""
        with suppress(AssertionError):
            wait_until(self.broker.empty, seconds, every=0.5, why="the broker to be empty")
        self._opened = now()
        with suppress(AssertionError):
            wait_until(self._rests, seconds, every=0.5, why="the ledger to have nothing open")

    def ledger(self) -> Ledger:
        """What was written outside."""
        publishes, work, journal, looks = (read(self.folder / name) for name in (PUBLISHES, WORK, JOURNAL, LOOKS))
        stands, pops = self.broker.stands(), self.broker.pops
        return Ledger(publishes, work, journal, looks, stands, pops=pops, stored=self._stored())

    def _stored(self) -> frozenset[str]:
        prefix = "celery-task-meta-"
        with self.results.client() as results:
            return frozenset(key.decode().removeprefix(prefix) for key in results.scan_iter(f"{prefix}*", count=1000))

    def unconfirmed(self, kind: str) -> str:
        """The name of a fault at a broker where publishers ask for no confirmation, though they could."""
        return f"{kind}-unconfirmed" if not self.broker.confirms else kind

    def answers(self) -> dict[str, Answer]:
        """What Celeriac says of every task that was published: its list, and of what is lost or not in it the task's
        own page."""
        ids = [one["id"] for one in read(self.folder / PUBLISHES)]
        listed = {item["id"]: Answer(item["verdict"] or "never-seen") for item in self._listed("")}
        asked = [one for one in ids if one not in listed or listed[one].verdict == "lost"]
        with ThreadPoolExecutor(4) as pool:
            return listed | dict(zip(asked, pool.map(self._answer, asked), strict=True))

    def doubled(self) -> set[str]:
        """Tasks that Celeriac says ran twice."""
        return {item["id"] for item in self._listed("has:duplicate")}

    def holes(self) -> int:
        """How many events Celeriac says it has missed."""
        return sum(gap["size"] or 0 for gap in self.server.get("balance")["gaps"])

    def __enter__(self) -> Self:
        with self._stack:
            self._stack.enter_context(self.broker)
            self._stack.enter_context(self.results)
            settings = self.folder / "celeriac.toml"
            settings.write_text(f'{self.broker.settings}[results]\nurl = "{self.results.url}"\n', encoding="utf-8")
            self.server = self._stack.enter_context(Server(self.broker.url(), "--config", str(settings)))
            self.proxy = self._stack.enter_context(Proxy(self.broker.port))
            self._hire()
            for thread in self._threads:
                thread.start()
            self._stack = self._stack.pop_all()
        return self

    def _hire(self) -> None:
        """The workers: the second with a clock of its own, the last by way of the proxy."""
        host = uuid4().hex[:8]
        for number in range(self.hands):
            port = self.proxy.port if number == self.hands - 1 else None
            clock = _skewed(self.skew) if number == 1 and self.skew else {}
            worker = Worker(
                self.broker.url(port),
                concurrency=SLOTS,
                app="conservation.work",
                node=f"w{number}@{host}",
                env={**self.environment, **clock},
                ready=False,
            )
            self.workers.append(self._stack.enter_context(worker))
        for worker in self.workers:
            wait_until(partial(_is_ready, worker), 60, why=f"{worker.node} to be ready")
            self.server.know(worker.node, timeout=60)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(timeout=30)
        self._stack.close()

    def _guard(self) -> None:
        """A supervisor: what ended is started again after a moment."""
        while not self._ended.wait(0.5):
            for worker in self.workers:
                if worker.process.poll() is not None and worker.node not in self._striking:
                    at = now()
                    note(self.folder / JOURNAL, kind="ended", whom=worker.node, main=worker.pid, begun=at - 1, until=at)
                    worker.start()

    def _watch(self) -> None:
        """When somebody who looks at the dashboard would first have seen each loss."""
        while not self._ended.wait(0.5):
            with suppress(urllib.error.URLError, OSError):
                for item in self._listed("state:lost"):
                    self._lost_since.setdefault(item["id"], now())

    def _look(self) -> None:
        """What comes into the broker and leaves it, seen by our own eyes."""
        there = frozenset[str]()
        while not self._ended.wait(0.25):
            with suppress(*self.broker.failures):
                seen = self.broker.look()
                if seen is not None:
                    note(self.folder / LOOKS, came=sorted(seen - there), left=sorted(there - seen))
                    there = seen

    def _listed(self, query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = ""
        for _ in range(100):
            page = self.server.get(f"tasks?limit=200&q={query.replace(':', '%3A')}{after}")
            found += page["items"]
            if page["next"] is None:
                return found
            after = f"&after={page['next']}"
        return found

    def _answer(self, task_id: str) -> Answer:
        truth = self.server.get(f"tasks/{task_id}")
        return Answer(truth["verdict"], truth.get("cause"), self._lost_since.get(task_id))

    def _rests(self) -> bool:
        """True when nothing has been open for a while."""
        if not self._closed():
            self._opened = now()
        return now() - self._opened >= REST

    def _closed(self) -> bool:
        terms = self.server.get("balance")["terms"]
        return not any(terms[term] for term in OPEN)
