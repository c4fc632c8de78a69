"""A private Docker engine, and containers that run what this host has."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from types import TracebackType
from typing import Any, Self

import docker

from lab.celery import TESTS
from lab.need import need, need_root
from lab.wait import wait_until

IMAGE = "lab-bare:latest"


class DockerEngine:
    """`with DockerEngine() as engine:` a dockerd of the test's own: no bridge, no iptables, cgroupfs driver.

    `address` is its DOCKER_HOST. Containers, mounts and files are gone at the end.
    """

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="lab-docker-"))
        self.address = f"unix://{self.directory}/socket"
        self._process: subprocess.Popen[bytes] | None = None
        self._client: docker.DockerClient | None = None

    @property
    def client(self) -> docker.DockerClient:
        """The SDK's client."""
        assert self._client is not None, "the engine was not started"
        return self._client

    def run(
        self,
        command: Sequence[str],
        *,
        name: str | None = None,
        megabytes: int | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Any:
        """A container that runs `command` with the host's /usr, interpreter and tests, on the host's network."""
        places = dict.fromkeys(["/usr", sys.base_prefix, sys.prefix, str(TESTS)])
        limit: dict[str, Any] = (
            {} if megabytes is None else {"mem_limit": f"{megabytes}m", "memswap_limit": f"{megabytes}m"}
        )
        return self.client.containers.run(
            IMAGE,
            list(command),
            name=name,
            detach=True,
            network_mode="host",
            volumes={place: {"bind": place, "mode": "ro"} for place in places},
            environment={
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": str(TESTS),
                "PYTHONDONTWRITEBYTECODE": "1",
                **(env or {}),
            },
            **limit,
        )

    def __enter__(self) -> Self:
        need_root("dockerd")
        config = self.directory / "daemon.json"
        config.write_text("{}")
        with (self.directory / "log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command(config), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._client = wait_until(self._connected, timeout=30, why="dockerd to answer")
            self._client.api.import_image_from_data(_bare_image(), repository="lab-bare", tag="latest")
        except BaseException:
            self._clean()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._clean()

    def clear(self) -> None:
        """Remove every container."""
        for container in self.client.containers.list(all=True):
            container.remove(force=True)

    def _command(self, config: Path) -> list[str]:
        return [
            *(need("dockerd"), "--config-file", str(config), "--storage-driver", "overlay2"),
            *("--iptables=false", "--ip6tables=false", "--bridge=none", "--exec-opt", "native.cgroupdriver=cgroupfs"),
            *("--data-root", f"{self.directory}/data", "--exec-root", f"{self.directory}/exec"),
            *("--pidfile", f"{self.directory}/pid", "-H", self.address),
        ]

    def _connected(self) -> docker.DockerClient | None:
        assert self._process is not None
        assert self._process.poll() is None, (self.directory / "log").read_text()[-2000:]
        if not (self.directory / "socket").exists():
            return None
        return docker.DockerClient(base_url=self.address, timeout=60)

    def _clean(self) -> None:
        if self._client is not None:
            self.clear()
            self._client.close()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)
        for mount in reversed(sorted(_mounts_under(self.directory))):
            subprocess.run(["umount", mount], check=True)
        rmtree(self.directory)


@contextmanager
def engine() -> Iterator[DockerEngine]:
    """A running engine; needs dockerd."""
    need("dockerd")
    with DockerEngine() as running:
        yield running


def _mounts_under(directory: Path) -> list[str]:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return [mount for mount in mounts if mount.startswith(f"{directory}/")]


def _bare_image() -> bytes:
    """Directories to mount upon and the links of a merged /usr: no registry is needed."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name in ("proc", "sys", "dev", "tmp", "etc", "run", "root", "usr", "var"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for name in ("bin", "sbin", "lib", "lib64"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            archive.addfile(link)
    return content.getvalue()
