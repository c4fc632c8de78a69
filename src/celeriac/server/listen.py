"""The address the dashboard listens on: loopback only, until there is sign-in."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from celeriac.errors import ConfigError


class Address(NamedTuple):
    """A host and a port; port 0 lets the system choose."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read HOST:PORT. Raises ConfigError when it is none, or is not loopback."""
        host, _, port = text.rpartition(":")
        host = host.strip("[]") or "127.0.0.1"
        if not port.isdigit() or int(port) > 65535:
            raise ConfigError(f"--listen {text!r} is no address", hint="Give HOST:PORT, such as 127.0.0.1:8642")
        if not _loopback(host):
            raise ConfigError(
                f"--listen {text!r} is reachable by others and there is no sign-in yet",
                hint="Listen on 127.0.0.1 and reach it through an SSH tunnel or a reverse proxy that signs in",
            )
        return cls(host, int(port))


@contextmanager
def listen(address: Address) -> Iterator[socket.socket]:
    """A bound, listening socket. Raises ConfigError when the port is taken."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((address.host, address.port))
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {address.host}:{address.port}: {error.strerror}",
                hint="Stop what uses the port, or choose another with --listen",
            ) from error
        door.listen(128)
        yield door
    finally:
        door.close()


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
