"""Every source that Celeriac ships keeps the contract, on this host, with a real worker to see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from socket import gethostname

import pytest

from celeriac.evidence import Source
from celeriac.evidence.cgroups import CgroupSource
from celeriac.evidence.docker import DockerSource
from celeriac.evidence.kernel import KernelSource
from celeriac.evidence.kernel_log import Command
from celeriac.evidence.kubernetes import KubernetesSource
from celeriac.evidence.logs import LogSource
from celeriac.evidence.processes import ProcessSource
from celeriac.testing.source_contract import SourceContract
from lab.celery import Worker
from lab.docker import DockerEngine, engine
from lab.kubernetes import KubernetesApi
from lab.redis import RedisServer

HOST = gethostname()


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with RedisServer() as server, Worker(server.url, concurrency=1) as running:
        yield running


@pytest.fixture(scope="module")
def docker_engine() -> Iterator[DockerEngine]:
    with engine() as running:
        running.run(["sh", "-c", "exit 3 # celery -A lab.app worker"]).wait(timeout=30)
        yield running


@pytest.mark.redis
class TestProcessSource(SourceContract):
    @pytest.fixture
    def source(self, worker: Worker) -> Source:
        source = ProcessSource(HOST)
        assert any(fact.pid == worker.pid for fact in source.look(1.0).evidence)
        return source


@pytest.mark.redis
class TestCgroupSource(SourceContract):
    @pytest.fixture
    def source(self, worker: Worker) -> Source:
        processes = ProcessSource(HOST)
        processes.look(1.0)
        return CgroupSource(HOST, processes.mains)


class TestKernelSource(SourceContract):
    @pytest.fixture
    def source(self) -> Source:
        return KernelSource(HOST)


class TestKernelSourceWithoutAnyLog(SourceContract):
    @pytest.fixture
    def source(self) -> Source:
        return KernelSource(HOST, ways=(lambda: Command("no-such-program", (), re.compile("")),))


@pytest.mark.redis
class TestLogSource(SourceContract):
    @pytest.fixture
    def source(self, worker: Worker, tmp_path: Path) -> Source:
        return LogSource((worker.log, tmp_path / "none.log"))


@pytest.mark.docker
class TestDockerSource(SourceContract):
    @pytest.fixture
    def source(self, docker_engine: DockerEngine) -> Source:
        return DockerSource(HOST, docker_engine.address)


class TestDockerSourceWithoutAnEngine(SourceContract):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        return DockerSource(HOST, f"unix://{tmp_path}/none")


class TestKubernetesSource(SourceContract):
    @pytest.fixture
    def source(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
        with KubernetesApi(tmp_path) as api:
            api.show("evicted")
            monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig))
            yield KubernetesSource()


class TestKubernetesSourceWithoutAnApi(SourceContract):
    @pytest.fixture
    def source(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
        return KubernetesSource()
