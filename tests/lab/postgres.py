"""A real PostgreSQL of the test's own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

from lab.need import lack
from lab.port import free_port
from lab.wait import wait_until

DEBIAN = Path("/usr/lib/postgresql")
"""Debian keeps the server's programs off the PATH, those of each version apart."""
ALPHABET = ("--encoding", "UTF8", "--locale", "C.UTF-8")


class PostgresServer:
    """`with PostgresServer() as server:` a server on a free port, in a directory of its own; gone at the end.

    The user `lab` may do everything, without a password. `conf` are more lines of postgresql.conf; `under` is a command
    that runs the server in its place, with its directory in LAB_DIRECTORY.
    """

    def __init__(self, *, conf: str = "", under: Sequence[str] = ()) -> None:
        self._binaries = _binaries()
        self.port = free_port()
        self.directory = Path(tempfile.mkdtemp(prefix="lab-postgres-"))
        self._conf = conf
        self._under = under
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self.directory / "server.log"

    def url(self, database: str = "postgres") -> str:
        """A store's URL."""
        return f"postgresql://lab@127.0.0.1:{self.port}/{database}"

    def ask(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement, committed at once; its rows."""
        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=5) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []

    def create(self, *, like: str = "template1") -> str:
        """A new database, a copy of `like`; its name."""
        name = f"lab_{uuid.uuid4().hex[:12]}"
        self._run("CREATE DATABASE {} TEMPLATE {}", name, like)
        return name

    def drop(self, database: str) -> None:
        """Drop a database, whoever is connected."""
        self._run("DROP DATABASE {} WITH (FORCE)", database)

    def start(self) -> None:
        """Start, or start again on the same port and directory; returns when the server answers."""
        if not (self.directory / "data").exists():
            self._create()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._under, *self._as_user("postgres", "-D", str(self.directory / "data"))],
                env=os.environ | {"LAB_DIRECTORY": str(self.directory)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                start_new_session=True,
            )
        wait_until(self._answers, timeout=30, every=0.05, why=f"PostgreSQL on port {self.port} to answer")

    def stop(self) -> None:
        """An orderly end that waits for nobody, as `pg_ctl stop -m fast`."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL to every process of the server; it recovers at the next start."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=15)
            self._process = None
            # Backends lead sessions of their own, and end as soon as they see that the postmaster is gone.
            wait_until(self._is_alone, timeout=15, every=0.05, why="the backends to end")

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
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _create(self) -> None:
        data = self.directory / "data"
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres")
        subprocess.run(
            self._as_user("initdb", "-D", str(data), "-U", "lab", "-A", "trust", "--no-sync", *ALPHABET),
            cwd=self.directory,
            capture_output=True,
            check=True,
            timeout=60,
        )
        with (data / "postgresql.conf").open("a") as conf:
            conf.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n"
                f"shared_buffers = 32MB\nmax_connections = 60\nfsync = off\nrestart_after_crash = off\n{self._conf}\n"
            )

    def _as_user(self, program: str, *args: str) -> Sequence[str]:
        """The server refuses to run as root."""
        command = [str(self._binaries / program), *args]
        if os.geteuid() != 0:
            return command
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"PostgreSQL ended at once:\n{self.log.read_text(errors='replace')}"
        try:
            return self.ask("SELECT 1") == [(1,)]
        except psycopg.OperationalError:
            return False

    def _is_alone(self) -> bool:
        """True when no process of the server is left: each works in the data directory."""
        data = str(self.directory / "data")
        return not any(os.path.realpath(one) == data for one in Path("/proc").glob("[0-9]*/cwd"))

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.url(), autocommit=True, connect_timeout=5) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _end(self, signum: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(signum)
        self._process.wait(timeout=15)
        self._process = None


def _binaries() -> Path:
    """The directory of the newest server there is."""
    found = sorted(DEBIAN.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("postgres")
    if not found and on_path is None:
        lack("postgres is missing: apt-get install postgresql")
    return found[-1].parent if found else Path(str(on_path)).resolve().parent
