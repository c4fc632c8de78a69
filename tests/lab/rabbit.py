"""A real RabbitMQ of the test's own."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.certificate import certify
from lab.need import need
from lab.port import free_port
from lab.wait import wait_until

BINARIES = Path("/usr/lib/rabbitmq/bin")
"""The wrappers in /usr/sbin change the user; these do not."""


class RabbitServer:
    """`with RabbitServer() as server:` a node on free ports, in a directory of its own, with an epmd of its own; all
    of it gone at the end. Starting takes some seven seconds: share one among tests.

    `management` serves the management API too, and reports every second; `tls` listens at `secure_port` as well, with
    `certificate`; `conf` are more lines of rabbitmq.conf. What times out is looked for every second, not minute."""

    def __init__(self, *, management: bool = False, tls: bool = False, conf: str = "") -> None:
        need("rabbitmq-server")
        self.secure_port = free_port() if tls else None
        self.management_port = free_port() if management else None
        self.port = free_port()
        self.directory = Path(tempfile.mkdtemp(prefix="lab-rabbit-"))
        self.certificate = self.directory / "certificate.pem"
        self._conf = conf + self._secured()
        self._name = f"lab{uuid.uuid4().hex[:8]}@localhost"
        self._environment = self._settings(free_port(), free_port())
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The broker URL."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    @property
    def management_url(self) -> str:
        """The management API's URL, for BrokerSettings."""
        assert self.management_port, "the server was not given the management API"
        return f"http://guest:guest@127.0.0.1:{self.management_port}"

    def start(self) -> None:
        """Start, or start again in the same directory; returns when the node answers."""
        (self.directory / "pid").unlink(missing_ok=True)
        with (self.directory / "out").open("ab") as log:
            self._process = subprocess.Popen(
                [BINARIES / "rabbitmq-server"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(self._answers, timeout=60, every=0.3, why="RabbitMQ to start")

    def ctl(self, *command: str) -> str:
        """What `rabbitmqctl` answers."""
        return self._run(*command).stdout

    def kill(self) -> None:
        """SIGKILL to the node; returns when nothing listens at its port any more."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=15)
            self._process = None
            # The process waited for is the script that started the node; the node itself ends a moment later.
            wait_until(self._is_deaf, timeout=15, every=0.02, why="the node to end")

    def pause(self) -> None:
        """SIGSTOP: connections stay up, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

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
        self.kill()
        wait_until(self._without_epmd, why="the node's epmd to end")
        shutil.rmtree(self.directory, ignore_errors=True)

    def _without_epmd(self) -> bool:
        """End the name service; it refuses while it believes the node to live."""
        command = ["epmd", "-port", self._environment["ERL_EPMD_PORT"], "-kill"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=15, check=False)
        return "living nodes" not in answer.stdout + answer.stderr

    def _signal(self, signum: int) -> None:
        assert self._process is not None, "the server is not running"
        os.killpg(self._process.pid, signum)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.directory / "out").read_text(errors="replace")
        return self._run("await_startup", "--timeout", "20", check=False).returncode == 0

    def _is_deaf(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == errno.ECONNREFUSED

    def _run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BINARIES / "rabbitmqctl", "-q", *command],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=check,
        )

    def _secured(self) -> str:
        if self.secure_port is None:
            return ""
        certificate, key = certify(self.directory)
        files = {"cacertfile": certificate, "certfile": certificate, "keyfile": key}
        options = "".join(f"ssl_options.{name} = {path}\n" for name, path in files.items())
        return f"listeners.ssl.1 = 127.0.0.1:{self.secure_port}\n{options}ssl_options.verify = verify_none\n"

    def _managed(self) -> str:
        if self.management_port is None:
            return ""
        listener = f"management.tcp.port = {self.management_port}\nmanagement.tcp.ip = 127.0.0.1\n"
        return f"{listener}collect_statistics_interval = 1000\n"

    def _settings(self, distribution: int, names: int) -> Mapping[str, str]:
        directory = self.directory
        (directory / "rabbitmq.conf").write_text(f"disk_free_limit.absolute = 50MB\n{self._managed()}{self._conf}")
        (directory / "advanced.config").write_text("[{rabbit,[{channel_tick_interval,1000}]}].\n")
        plugins = "rabbitmq_management" if self.management_port else ""
        (directory / "enabled_plugins").write_text(f"[{plugins}].\n")
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(distribution),
            "ERL_EPMD_PORT": str(names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_BASE": str(directory),
            "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_PID_FILE": str(directory / "pid"),
            "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(directory / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(directory / "conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        }
