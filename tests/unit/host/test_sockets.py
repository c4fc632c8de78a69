"""Whom a process talks to."""

from __future__ import annotations

import os
import socket

from celeriac.host.sockets import read_peers


def test_an_established_connection_names_its_other_end_by_both_protocols() -> None:
    for family, host, shown in ((socket.AF_INET, "127.0.0.1", "127.0.0.1"), (socket.AF_INET6, "::1", "[::1]")):
        with socket.create_server((host, 0), family=family) as server:
            port = server.getsockname()[1]
            before = read_peers(os.getpid())
            assert before is not None and f"{shown}:{port}" not in before
            with socket.create_connection((host, port)):
                after = read_peers(os.getpid())
                assert after is not None and f"{shown}:{port}" in after


def test_a_process_that_is_gone_has_unknown_peers_not_none() -> None:
    assert read_peers(2**22 + 1) is None
