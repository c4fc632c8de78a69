"""A Redis with a replica, and a sentinel over both."""

from __future__ import annotations

import signal
import subprocess
import tempfile
from pathlib import Path
from shutil import rmtree
from types import TracebackType
from typing import Self

import redis

from lab.need import need
from lab.port import free_port
from lab.redis import RedisServer
from lab.wait import wait_until

MASTER = "labmaster"


class Sentinels:
    """`with Sentinels() as sentinels:` one primary, one replica and `watchers` sentinels of the test's own."""

    def __init__(self, watchers: int = 1) -> None:
        self.primary = RedisServer()
        self.replica = RedisServer("--replicaof", "127.0.0.1", str(self.primary.port))
        self.ports = [free_port() for _ in range(watchers)]
        self.directory = Path(tempfile.mkdtemp(prefix="lab-sentinel-"))
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        """The broker's URL, as kombu takes it."""
        return ";".join(f"sentinel://127.0.0.1:{port}" for port in self.ports)

    @property
    def conf(self) -> dict[str, object]:
        """What an app must be told beside."""
        return {"broker_transport_options": {"master_name": MASTER}}

    def fail_over(self) -> None:
        """Kill the primary; returns when the replica was made the primary."""
        self.primary.kill()
        wait_until(lambda: self._primary() == self.replica.port, timeout=30, why="the failover")

    def __enter__(self) -> Self:
        try:
            self.primary.start()
            self.replica.start()
            self._processes = [self._watch(port) for port in self.ports]
            wait_until(self._know_the_replica, timeout=30, why="the sentinels to know the replica")
        except BaseException:
            self._clean()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._clean()

    def _watch(self, port: int) -> subprocess.Popen[bytes]:
        conf = self.directory / f"{port}.conf"
        conf.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {self.directory}\n"
            f"sentinel monitor {MASTER} 127.0.0.1 {self.primary.port} 1\n"
            f"sentinel down-after-milliseconds {MASTER} 500\nsentinel failover-timeout {MASTER} 5000\n"
        )
        return subprocess.Popen(
            [need("redis-server"), str(conf), "--sentinel"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _know_the_replica(self) -> bool:
        """They learn of it from the primary's INFO, every 10 s."""
        return all(self._ask(port, "REPLICAS", MASTER) for port in self.ports)

    def _primary(self) -> int:
        answer = self._ask(self.ports[0], "GET-MASTER-ADDR-BY-NAME", MASTER)
        return int(answer[1]) if isinstance(answer, list) else 0

    def _ask(self, port: int, *command: str) -> object:
        with redis.Redis(port=port, socket_timeout=1) as client:
            client.response_callbacks.clear()
            try:
                return client.execute_command("SENTINEL", *command)
            except redis.RedisError:
                return None

    def _clean(self) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=15)
        self.replica.__exit__(None, None, None)
        self.primary.__exit__(None, None, None)
        rmtree(self.directory, ignore_errors=True)
