"""Brokers that cannot be used: one clear line each, with its cause, and no secret."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from celeriac.brokers.redis import RedisBroker
from celeriac.errors import BrokerError, BrokerUnavailableError
from lab.broker import opened
from lab.need import need
from lab.port import free_port
from lab.redis import RedisServer

pytestmark = pytest.mark.redis

CALLS: dict[str, Callable[[RedisBroker], object]] = {
    "look": lambda broker: broker.look(time.time()),
    "ask": lambda broker: broker.ask(time.time()),
    "events": lambda broker: broker.events().read(0.2, 10),
    "enable_events": lambda broker: broker.enable_events(),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@every_call
def test_nothing_listens(call: Callable[[RedisBroker], object]) -> None:
    port = free_port()
    error = _unavailable(f"redis://:hunter2@127.0.0.1:{port}/0", call)
    assert error.cause == "down"
    assert f"nothing listens at 127.0.0.1:{port}" in str(error)


def test_no_socket_file(tmp_path: Path) -> None:
    error = _unavailable(f"redis+socket://{tmp_path}/none.sock", CALLS["look"])
    assert error.cause == "down"


@every_call
@pytest.mark.parametrize("secret", ["", ":hunter2@", "somebody:hunter2@"], ids=["none", "wrong", "user"])
def test_the_password_is_refused(call: Callable[[RedisBroker], object], secret: str) -> None:
    with RedisServer(password="the-right-one") as server:
        error = _unavailable(f"redis://{secret}127.0.0.1:{server.port}/0", call)
    assert error.cause == "auth"


@every_call
def test_a_server_that_hangs(call: Callable[[RedisBroker], object]) -> None:
    with RedisServer() as server:
        server.pause()
        assert _unavailable(server.url, call, timeout=0.3).cause == "network"


def test_a_name_that_dns_does_not_know() -> None:
    error = _unavailable("redis://no-such-host.invalid/0", CALLS["look"])
    assert error.cause == "network"
    assert "no-such-host.invalid" in str(error)


@every_call
def test_no_connection_is_left(call: Callable[[RedisBroker], object]) -> None:
    with RedisServer("--maxclients", "2") as server:
        held = [server.client() for _ in range(2)]
        for client in held:
            client.ping()
        assert _unavailable(server.url, call).cause == "too-many-clients"


@every_call
def test_a_web_server_does_not_speak_redis(call: Callable[[RedisBroker], object]) -> None:
    with _web_server() as port:
        error = _error(f"redis://127.0.0.1:{port}/0", call)
    assert not error.retryable
    assert f"127.0.0.1:{port} answers, but does not speak Redis" in str(error)


def test_a_listener_that_says_nothing_is_the_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        error = _unavailable(f"redis://127.0.0.1:{listener.getsockname()[1]}/0", CALLS["look"], timeout=0.3)
    assert error.cause == "network"


def test_tls_asked_of_a_server_without() -> None:
    with RedisServer() as server:
        error = _unavailable(server.url.replace("redis://", "rediss://"), CALLS["look"], timeout=0.3)
    assert error.cause == "network"
    assert "TLS" in str(error)


def test_tls_with_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    port = free_port()
    certificate, key = _certificate(tmp_path)
    options = ("--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no")
    with RedisServer("--tls-port", str(port), *options, "--tls-ca-cert-file", certificate):
        with opened(f"rediss://127.0.0.1:{port}/0") as broker:
            assert broker.look(time.time()).role == "master"
        error = _unavailable(f"rediss://127.0.0.1:{port}/0?ssl_cert_reqs=CERT_REQUIRED", CALLS["look"])
    assert "certificate" in str(error).lower()


@pytest.mark.parametrize("call", [CALLS["look"], CALLS["ask"]], ids=["look", "ask"])
def test_a_cluster_node_cannot_be_a_broker(call: Callable[[RedisBroker], object]) -> None:
    with RedisServer("--cluster-enabled", "yes", "--cluster-port", str(free_port())) as server:
        error = _error(server.url, call)
    assert "node of a Redis Cluster" in str(error)


def test_a_replica_cannot_be_asked() -> None:
    with RedisServer() as primary, RedisServer("--replicaof", "127.0.0.1", str(primary.port)) as replica:
        assert "read-only replica" in str(_error(replica.url, CALLS["ask"]))


def test_a_broker_restarted_between_two_looks_is_no_error() -> None:
    with RedisServer() as server, opened(server.url) as broker:
        broker.look(time.time())
        server.kill()
        server.start()
        assert broker.look(time.time()).role == "master"


def _error(url: str, call: Callable[[RedisBroker], object], timeout: float = 2.0) -> BrokerError:
    with opened(url, timeout=timeout) as broker, pytest.raises(BrokerError) as raised:
        call(broker)
    text = str(raised.value)
    assert "\n" not in text
    assert "hunter2" not in text
    return raised.value


def _unavailable(url: str, call: Callable[[RedisBroker], object], timeout: float = 2.0) -> BrokerUnavailableError:
    error = _error(url, call, timeout)
    assert isinstance(error, BrokerUnavailableError)
    assert error.retryable
    return error


class _Page(BaseHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Quiet."""


@contextmanager
def _web_server() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def _certificate(directory: Path) -> tuple[str, str]:
    certificate, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(
        [
            *(need("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return str(certificate), str(key)
