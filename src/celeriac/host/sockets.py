"""Whom a process talks to over TCP, as /proc shows it (proc(5): /proc/PID/fd, /proc/PID/net/tcp)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from itertools import islice
from pathlib import Path

ESTABLISHED = "01"
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_FILES_LIMIT = 4096
_LINES_LIMIT = 50_000


def read_peers(pid: int) -> frozenset[str] | None:
    """The `address:port` of every established TCP connection's other end, seen from the process's own network
    namespace; None when the process is gone or this user may not see it."""
    try:
        inodes = frozenset(_inodes(pid))
        lines = [line for table in ("tcp", "tcp6") for line in _lines(Path(f"/proc/{pid}/net/{table}"))]
    except OSError:
        return None
    return frozenset(parse_peers(lines, inodes))


def parse_peers(lines: list[str], inodes: frozenset[str]) -> Iterator[str]:
    """The other ends of the connections in lines of /proc/net/tcp or tcp6 whose sockets are in `inodes`."""
    for line in lines:
        fields = line.split()
        if len(fields) > 9 and fields[3] == ESTABLISHED and fields[9] in inodes:
            yield _address(fields[2])


def _inodes(pid: int) -> Iterator[str]:
    with os.scandir(f"/proc/{pid}/fd") as entries:
        for entry in islice(entries, _FILES_LIMIT):
            try:
                match = _SOCKET.fullmatch(str(Path(entry.path).readlink()))
            except FileNotFoundError:  # closed meanwhile
                continue
            if match:
                yield match[1]


def _lines(table: Path) -> list[str]:
    with table.open(encoding="ascii", errors="replace") as file:
        return list(islice(file, 1, _LINES_LIMIT))


def _address(text: str) -> str:
    """`0100007F:1EBB` is 127.0.0.1:7867: the kernel prints each 32-bit word in the host's byte order."""
    digits, _, port = text.partition(":")
    words = (digits[start : start + 8] for start in range(0, len(digits), 8))
    raw = b"".join(bytes.fromhex(word)[::-1] for word in words)
    if len(raw) == 4:
        return f"{IPv4Address(raw)}:{int(port, 16)}"
    address = IPv6Address(raw)
    shown = str(address.ipv4_mapped) if address.ipv4_mapped else f"[{address}]"
    return f"{shown}:{int(port, 16)}"
