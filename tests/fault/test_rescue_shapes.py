"""A rescue goes the way the broker is reached: over TLS, and by Sentinels to the primary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from lab.celery import Producer, Worker
from lab.certificate import certify
from lab.port import free_port
from lab.redis import RedisServer
from lab.sentinel import MASTER, Sentinels
from lab.server import Server, celeriac
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]


@contextmanager
def held(url: str, env: Mapping[str, str], conf: Mapping[str, Any] | None = None) -> Iterator[tuple[str, ...]]:
    """The command that puts back what a killed worker holds: three tasks, of which one ran."""
    under = ("env", *(f"{name}={value}" for name, value in env.items()))
    node = f"w-{uuid4().hex[:8]}@lab"
    late = {"task_acks_late": True, **(conf or {})}
    with (
        Server(url, under=under) as server,
        Producer(url, conf) as producer,
        Worker(url, node=node, concurrency=1, conf=late) as worker,
    ):
        server.know(node)
        ids = [producer.send("nap", 60) for _ in range(3)]
        states = ["running", "reserved", "reserved"]
        wait_until(lambda: sorted(_verdicts(server, ids)) == sorted(states), 30, why="one to run and two to be held")
        worker.kill()
        wait_until(lambda: _verdicts(server, ids) == ["held"] * 3, 30, why="three tasks to be held")
        yield "rescue", "--worker", node, "--store", server.store, "--broker", url, "--json"


def _verdicts(server: Server, ids: list[str]) -> list[str]:
    return [server.get(f"tasks/{one}")["verdict"] for one in ids]


def _put_back(command: tuple[str, ...], env: Mapping[str, str]) -> int:
    """How many went back."""
    done = celeriac(*command, "--yes", env=dict(env))
    return int(done.json["restored"]) if done.code == 0 else 0


def test_over_tls(tmp_path: Path) -> None:
    certificate, key = certify(tmp_path)
    port = free_port()
    files = ("--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-ca-cert-file", str(certificate))
    with RedisServer("--tls-port", str(port), *files, "--tls-auth-clients", "no") as redis:
        url = f"rediss://127.0.0.1:{port}/0?ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs={certificate}"
        with held(url, {}) as command:
            assert redis.client().llen("celery") == 0
            wait_until(lambda: _put_back(command, {}) == 3, 20, every=0.2, why="three to go back")
            assert redis.client().llen("celery") == 3


def test_by_sentinels() -> None:
    env = {"CELERIAC_BROKER__SENTINEL_MASTER": MASTER}
    with Sentinels() as sentinels, held(sentinels.url, env, sentinels.conf) as command:
        assert sentinels.primary.client().llen("celery") == 0
        wait_until(lambda: _put_back(command, env) == 3, 20, every=0.2, why="three to go back")
        assert sentinels.primary.client().llen("celery") == 3
