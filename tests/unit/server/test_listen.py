"""The dashboard listens on loopback alone until there is sign-in."""

from __future__ import annotations

import socket

import pytest

from celeriac.errors import ConfigError
from celeriac.server.listen import Address, listen


@pytest.mark.parametrize("text", ["127.0.0.1:8642", "localhost:0", "[::1]:80", ":8080"])
def test_loopback_addresses_are_taken(text: str) -> None:
    assert Address.parse(text).port >= 0


@pytest.mark.parametrize(
    "text", ["0.0.0.0:80", "10.0.0.4:80", "example.com:80", "[::]:80", "127.0.0.1", "127.0.0.1:http", "x:99999"]
)
def test_anything_else_is_refused_in_one_line_with_what_to_do(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Address.parse(text)
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_taken_port_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=str(port)), listen(Address("127.0.0.1", port)):
            pass
