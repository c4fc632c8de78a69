"""The record goes wherever the app's own broker connection goes, by the same parameters."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from kombu import Connection

from celeriac.errors import TransportUnavailableError
from celeriac.transport import open_inlet, open_outlet
from lab.need import need
from lab.port import free_port
from lab.redis import RedisServer
from lab.wait import wait_until

pytestmark = pytest.mark.redis


def test_a_server_with_tls(tmp_path: Path) -> None:
    port = free_port()
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *(need("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    files = ("--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-ca-cert-file", str(certificate))
    with RedisServer("--tls-port", str(port), *files, "--tls-auth-clients", "no"):
        assert _carries(f"rediss://127.0.0.1:{port}/0?ssl_cert_reqs=none")
        assert "certificate" in _refused(f"rediss://127.0.0.1:{port}/0?ssl_cert_reqs=required")


def test_a_unix_socket_and_a_database(tmp_path: Path) -> None:
    with RedisServer("--unixsocket", str(tmp_path / "r.sock"), password="hunter2", db=3) as server:
        assert _carries(f"redis+socket://:hunter2@{tmp_path}/r.sock?virtual_host=3")
        assert server.client().exists("celeriac:record")


def test_a_user_with_an_acl_and_one_that_may_not() -> None:
    with RedisServer() as server:
        _ask(server.port, "ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", "-@dangerous", "+info")
        _ask(server.port, "ACL", "SETUSER", "thin", "on", ">pw", "~*", "+get", "+info", "+ping", "+client")
        assert _carries(f"redis://app:pw@127.0.0.1:{server.port}/0")
        assert "forbids" in _refused(f"redis://thin:pw@127.0.0.1:{server.port}/0")
        assert "refuses the password" in _refused(f"redis://app:wrong@127.0.0.1:{server.port}/0")


def test_users_with_the_rights_that_the_docs_name_and_no_others() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "install-the-recorder.md"
    rights = [line.split()[2:] for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("ACL SET")]
    with RedisServer() as server:
        for name, *allowed in rights:
            _ask(server.port, "ACL", "SETUSER", name, "on", ">pw", *allowed)
        process, reader = (Connection(f"redis://{name}:pw@127.0.0.1:{server.port}/0") for name, *_ in rights)
        with closing(open_outlet(process)) as outlet, closing(open_inlet(reader, reader="r")) as inlet:
            for body in (b"one", b"two"):
                outlet.send(body)
                received = inlet.receive(5.0, 10)
                inlet.acknowledge(tuple(one.tag for one in received.deliveries))
                assert [one.body for one in received.deliveries] == [body]


def test_the_primary_that_a_sentinel_names(tmp_path: Path) -> None:
    with RedisServer() as first, RedisServer() as second, _sentinel(first.port, tmp_path) as port:
        url = f"sentinel://127.0.0.1:{free_port()};sentinel://127.0.0.1:{port}"
        options = {"master_name": "lab"}
        assert _carries(url, options)
        assert first.client().exists("celeriac:record")
        with closing(open_outlet(Connection(url, transport_options=options))) as outlet:
            outlet.send(b"to the first")
            first.kill()
            with pytest.raises(TransportUnavailableError):
                outlet.send(b"to nobody")
            _ask(port, "SENTINEL", "REMOVE", "lab")
            _ask(port, "SENTINEL", "MONITOR", "lab", "127.0.0.1", second.port, 1)
            outlet.send(b"to the second")
        assert second.client().xlen("celeriac:record") == 2, "what the first may have lost is sent again"


def test_the_next_broker_of_a_failover_list() -> None:
    with RedisServer() as second:
        url = f"redis://127.0.0.1:{free_port()}/0;{second.url}"
        with closing(open_outlet(Connection(url))) as outlet:
            with pytest.raises(TransportUnavailableError):
                outlet.send(b"to the first")
            outlet.send(b"to the second")
        assert second.client().xlen("celeriac:record") == 1


def test_a_process_that_has_redis_py_without_its_c_parser() -> None:
    program = """
import sys
sys.modules["hiredis"] = None
from kombu import Connection
from celeriac.transport import open_outlet
outlet = open_outlet(Connection(sys.argv[1]))
outlet.send(b"parcel")
outlet.close()
"""
    with RedisServer() as server:
        subprocess.run([sys.executable, "-c", program, server.url], check=True, timeout=30)
        assert server.client().xlen("celeriac:record") == 1


def test_settings_that_cannot_be_used_are_named() -> None:
    assert "nodatabase" in _refused("redis://127.0.0.1/nodatabase")


def _carries(url: str, options: Mapping[str, Any] | None = None) -> bool:
    connection = Connection(url, transport_options=dict(options or {}))
    with closing(open_outlet(connection)) as outlet, closing(open_inlet(connection, reader="r")) as inlet:
        outlet.send(b"parcel")
        received = inlet.receive(5.0, 10)
        inlet.acknowledge(tuple(one.tag for one in received.deliveries))
    return [one.body for one in received.deliveries] == [b"parcel"]


def _refused(url: str) -> str:
    with closing(open_outlet(Connection(url))) as outlet, pytest.raises(TransportUnavailableError) as raised:
        outlet.send(b"parcel")
    return str(raised.value)


@contextmanager
def _sentinel(primary: int, directory: Path) -> Iterator[int]:
    """A sentinel that says the primary `lab` is at this port."""
    port = free_port()
    conf = directory / "sentinel.conf"
    conf.write_text(f"port {port}\nbind 127.0.0.1\ndir {directory}\nsentinel monitor lab 127.0.0.1 {primary} 1\n")
    process = subprocess.Popen([need("redis-server"), conf, "--sentinel"], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: _ask(port, "SENTINEL", "MASTERS"), why="the sentinel to answer")
        yield port
    finally:
        process.kill()
        process.wait()


def _ask(port: int, *command: str | int) -> object:
    client: Any = redis.Redis(port=port, socket_timeout=5)
    with client:
        try:
            return client.execute_command(*command)
        except redis.ConnectionError:
            return None
