"""The connection to Docker or Podman: the one place that knows the `docker` SDK and its errors."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from celeriac.errors import EvidenceError
from celeriac.evidence.containers import parse_time

if TYPE_CHECKING:
    from docker import APIClient

TIMEOUT = 2
LOG_LIMIT = 4 << 20
SOCKETS = (Path("/var/run/docker.sock"), Path("/run/podman/podman.sock"))

T = TypeVar("T")


class LogLine(NamedTuple):
    """One line of a container's output. `at` is Unix seconds when the engine took it in, None when it did not say."""

    at: float | None
    text: str


def engine_address(environment: Mapping[str, str] = os.environ) -> str | None:
    """Where an engine listens: DOCKER_HOST, else Docker's or Podman's socket; None without one."""
    return environment.get("DOCKER_HOST") or next((f"unix://{path}" for path in SOCKETS if path.exists()), None)


class Engine:
    """One engine, read-only; connects at the first call, and again after a failure. Every call raises EvidenceError."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._client: APIClient | None = None

    def containers(self) -> tuple[dict[str, Any], ...]:
        """A row per container, ended ones too, newest first."""
        return tuple(self._call(lambda client: client.containers(all=True)))

    def inspect(self, container: str) -> dict[str, Any] | None:
        """All about one container, None when it was removed."""
        from docker.errors import NotFound

        def inspect(client: APIClient) -> dict[str, Any] | None:
            try:
                return dict(client.inspect_container(container))
            except NotFound:
                return None

        return self._call(inspect)

    def logs(self, container: str, tail: int, since: float | None = None) -> tuple[LogLine, ...]:
        """The last lines it wrote to stdout and stderr, at most 4 MB; none from before `since` (Unix seconds)."""
        content = self._call(
            lambda client: client.logs(container, tail=tail, since=since, stdout=True, stderr=True, timestamps=True)
        )
        return tuple(_dated(line) for line in content[-LOG_LIMIT:].decode(errors="replace").splitlines())

    def close(self) -> None:
        """Drop the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _call(self, ask: Callable[[APIClient], T]) -> T:
        try:
            import docker
        except ImportError as error:
            raise EvidenceError("the docker SDK is not installed", hint="pip install 'celeriac[docker]'") from error
        try:
            _knock(self._address)
            if self._client is None:
                self._client = docker.APIClient(base_url=self._address, version="auto", timeout=TIMEOUT)
            return ask(self._client)
        except docker.errors.APIError as error:
            raise EvidenceError(f"the engine at {self._address} refuses: {error.explanation or error}") from error
        except (docker.errors.DockerException, OSError) as error:  # requests' errors are OSErrors
            self.close()
            raise EvidenceError(
                f"the engine at {self._address} does not answer: {_why(error)}",
                hint="Check DOCKER_HOST and that this user may use the socket",
            ) from error


def _dated(line: str) -> LogLine:
    """The engine writes its time before each line it took in whole; what else there is has none."""
    stamp, _, text = line.partition(" ")
    try:
        return LogLine(parse_time(stamp), text)
    except ValueError:
        return LogLine(None, line)


def _knock(address: str) -> None:
    """Raises OSError when nobody listens: the SDK leaves a socket open when it finds that out itself."""
    if address.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as knock:
            knock.settimeout(TIMEOUT)
            knock.connect(address.removeprefix("unix://"))


def _why(error: Exception) -> str:
    system = error.strerror if isinstance(error, OSError) else None
    return system or " ".join(str(error).split())[:200]
