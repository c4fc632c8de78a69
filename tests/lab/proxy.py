"""A TCP proxy that can go silent: what a failed-over address or a dropped route looks like to both ends."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from types import TracebackType
from typing import Self

CHUNK = 65_536


class Proxy:
    """`with Proxy(port) as proxy:` forwards `proxy.port` to `port` on this host, until `hold()`."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self._passing = threading.Event()
        self._passing.set()
        self._ended = threading.Event()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads = [threading.Thread(target=self._accept, name="proxy", daemon=True)]

    def hold(self) -> None:
        """Pass nothing on from now, and close nothing: both ends wait."""
        self._passing.clear()

    def drop(self) -> None:
        """Close every connection; new ones pass."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for one in pair:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        self._passing.set()

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self.drop()
        self._door.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        self._door.settimeout(0.2)
        while not self._ended.is_set():
            try:
                near, _ = self._door.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self._serve(near)

    def _serve(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self._upstream), timeout=2)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        self._pairs.append((near, far))
        thread = threading.Thread(target=self._forward, args=(near, far), name="proxy-pair", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _forward(self, near: socket.socket, far: socket.socket) -> None:
        with selectors.DefaultSelector() as ready, near, far:
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while not self._ended.is_set():
                for key, _ in ready.select(timeout=0.2):
                    try:
                        data = key.fileobj.recv(CHUNK)  # type: ignore[union-attr]
                        self._passing.wait(timeout=60)
                        if not data:
                            return
                        key.data.sendall(data)
                    except OSError:
                        return
