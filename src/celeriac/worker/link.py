"""What a pool process tells its worker: a local socket that never makes a task wait.

A pool process has no thread and no connection of ours. What it alone knows (it published a task) goes as one message
to its parent, who puts it on record. Each message is a JSON list: [dropped before, kind, at, task id, data].

The socket has a name in Linux's abstract namespace and no file (man 7 unix): a worker that is killed leaves nothing
behind. Who is at the other end is asked of the kernel, on both ends.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import sys
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, NamedTuple

from celeriac.model.parcel import Item
from celeriac.worker.guard import guarded, tell

ADDRESS = "CELERIAC_LINK"
"""The environment variable by which forked and spawned pool processes find the socket: "<worker's pid>:<name>"."""
MOST_BYTES = 128 * 1024
MOST_MESSAGES = 500
"""Read in one `drain`."""
MOST_CHILDREN = 1024
MOST_WAITING = 200
"""Messages that wait in a child for a worker that is slow to read."""
KEPT_BYTES = 1024 * 1024
"""Asked of the kernel for a child's messages; it gives what net.core.wmem_max allows (man 7 socket)."""
RETRY = 1.0
"""Seconds before a child tries a link again that failed."""
KINDS = frozenset({"task-sent", "task-unpublished"})
_CREDENTIALS = struct.Struct("3i")
"""pid, uid, gid: what SO_PEERCRED gives (man 7 unix)."""


class Told(NamedTuple):
    """What one message says; `missed` is how many messages of this child were dropped before it. `system` is the record
    it is for, where the child's worker need not write to it: a task may publish by another app."""

    item: Item
    missed: int
    system: str | None


def is_child() -> bool:
    """Whether the process that started this one is a worker which holds a link open for it."""
    return _address()[0] == os.getppid()


def _address() -> tuple[int, str]:
    pid, _, name = os.environ.get(ADDRESS, "").partition(":")
    return (int(pid), name) if pid.isdecimal() and name else (0, "")


def _peer(connection: socket.socket) -> tuple[int, int]:
    """The pid and the user id of the other end."""
    pid, user, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return pid, user


def _unblocked() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    made.setblocking(False)
    return made


class Link:
    """The worker's end. One descriptor to watch, whatever the number of children; for one thread."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._children: dict[int, tuple[socket.socket, int]] = {}
        self._poll = select.epoll()
        self._poll.register(listener, select.EPOLLIN)

    @classmethod
    def open(cls) -> Link | None:
        """A link, made known to the processes this one starts; None where there can be none."""
        if sys.platform != "linux":
            return None
        name = f"celeriac-{uuid.uuid4().hex}"
        listener = _unblocked()
        try:
            listener.bind(f"\0{name}")
            listener.listen(128)
        except OSError as error:
            tell("Link.open", error)
            listener.close()
            return None
        os.environ[ADDRESS] = f"{os.getpid()}:{name}"
        return cls(listener)

    def fileno(self) -> int:
        """Readable while something is to be drained."""
        return self._poll.fileno()

    @guarded
    def drain(self, note: Callable[[Told], None]) -> None:
        """Give all that was told since to `note`, a bounded number of messages: the descriptor stays readable while
        there are more. Never waits."""
        left = MOST_MESSAGES
        for descriptor, _ in self._poll.poll(0, 64):
            if descriptor == self._listener.fileno():
                self._accept()
            else:
                left = self._read(descriptor, note, left)

    def close(self) -> None:
        """Leave nothing behind."""
        if _address()[0] == os.getpid():
            del os.environ[ADDRESS]
        for connection, _ in self._children.values():
            connection.close()
        self._children.clear()
        self._poll.close()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            while True:
                connection, _ = self._listener.accept()
                pid, user = _peer(connection)
                if user != os.geteuid() or len(self._children) >= MOST_CHILDREN:
                    connection.close()
                    continue
                connection.setblocking(False)
                self._children[connection.fileno()] = (connection, pid)
                self._poll.register(connection, select.EPOLLIN)

    def _read(self, descriptor: int, note: Callable[[Told], None], left: int) -> int:
        connection, pid = self._children[descriptor]
        while left:
            try:
                message = connection.recv(MOST_BYTES)
            except BlockingIOError:
                break
            except OSError:
                message = b""
            if not message:
                self._forget(descriptor)
                break
            left -= 1
            if (told := _told(message, pid)) is not None:
                note(told)
        return left

    def _forget(self, descriptor: int) -> None:
        connection, _ = self._children.pop(descriptor)
        self._poll.unregister(connection)
        connection.close()


@guarded
def _told(message: bytes, pid: int) -> Told:
    """What a child said, checked. The kernel knows its pid, as this process sees it."""
    missed, kind, at, task_id, data = json.loads(message)
    if kind not in KINDS or not isinstance(task_id, str) or not isinstance(data, dict):
        raise ValueError(f"a child told what it cannot know: {kind!r}")
    system, child = data.pop("system", None), pid or data.get("child")
    return Told(Item(kind, float(at), task_id, {**data, "child": child}), max(0, int(missed)), system)


class Teller:
    """A child's end. What the worker cannot take at once waits for the next word, in bounds; what is dropped is counted
    and said."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._socket: socket.socket | None = None
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._missed = 0
        self._again = 0.0

    @guarded
    def tell(self, kind: str, at: float, task_id: str, data: Mapping[str, Any]) -> None:
        """Tell the worker, without waiting."""
        with self._lock:
            message = json.dumps([self._missed, kind, at, task_id, data], separators=(",", ":"), default=repr).encode()
            if len(message) > MOST_BYTES:
                self._missed += 1
                return
            self._waiting.append((self._missed, message))
            self._missed = 0
            self._send()
            while len(self._waiting) > MOST_WAITING:
                self._missed += 1 + self._waiting.popleft()[0]

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _send(self) -> None:
        """All that waits, as far as the worker takes it."""
        try:
            if self._socket is None:
                self._connect()
            while self._socket is not None and self._waiting:
                self._socket.send(self._waiting[0][1])
                self._waiting.popleft()
        except BlockingIOError:
            return
        except OSError as error:
            tell("Teller.tell", error)
            self.close()

    def _connect(self) -> None:
        name = _address()[1]
        if not name or monotonic() < self._again:
            return
        self._again = monotonic() + RETRY
        connection = _unblocked()
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KEPT_BYTES)
            connection.connect(f"\0{name}")
            if _peer(connection)[1] != os.geteuid():
                raise PermissionError("the worker's link belongs to another user")
        except OSError:
            connection.close()
            raise
        self._socket = connection
