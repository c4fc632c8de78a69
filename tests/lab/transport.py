"""Brokers of the lab, for `celeriac.testing.transport_contract`."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from kombu import Connection, Producer
from kombu.transport.memory import Channel as MemoryChannel

from celeriac.testing.transport_contract import SIZE
from celeriac.transport import Inlet, Limits, Outlet, open_inlet, open_outlet
from celeriac.transport.queue_line import NAME
from lab.rabbit import RabbitServer
from lab.redis import RedisServer

LIMITS = Limits(size=SIZE, idle=1.0)


class Ends:
    """Ends for one broker URL."""

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        self.connection = Connection(url, transport_options=dict(options or {}))

    def outlet(self) -> Outlet:
        """A new sending end."""
        return open_outlet(self.connection, limits=LIMITS)

    def inlet(self, reader: str) -> Inlet:
        """A new receiving end."""
        return open_inlet(self.connection, reader=reader, limits=LIMITS)


class MemoryStage(Ends):
    """kombu's queues in this process's memory, emptied."""

    def __init__(self) -> None:
        MemoryChannel.queues.clear()
        super().__init__("memory://")


class FilesystemStage(Ends):
    """kombu's queues in a directory."""

    def __init__(self, directory: Path) -> None:
        folders = {name: str(directory) for name in ("data_folder_in", "data_folder_out")}
        super().__init__("filesystem://", {**folders, "control_folder": tempfile.mkdtemp(dir=directory)})


class RedisTransportStage(Ends):
    """A server of the lab that wants a password."""

    def __init__(self, server: RedisServer) -> None:
        assert server.password, "the contract wants a secret to look for"
        super().__init__(server.url)
        self.secret = server.password
        self.stop, self.start, self.pause, self.resume = server.kill, server.start, server.pause, server.resume
        self._server = server

    def write(self, body: bytes) -> None:
        """An entry of a stranger's in the stream."""
        self._server.client().xadd("celeriac:record", {"p": body})


class RabbitTransportStage(Ends):
    """A RabbitMQ of the lab, without the record's queue."""

    secret = "a-secret"

    def __init__(self, server: RabbitServer) -> None:
        super().__init__(server.url)
        self.stop, self.start, self.pause, self.resume = server.kill, server.start, server.pause, server.resume
        without_record(server)

    def write(self, body: bytes) -> None:
        """A stranger's message in the queue."""
        with closing(self.connection.clone()) as connection:
            Producer(connection).publish(body, routing_key=NAME, content_encoding="binary", content_type="text/odd")


def without_record(server: RabbitServer) -> None:
    """Delete the record's queue."""
    with closing(Connection(server.url)) as connection:
        channel: Any = connection.default_channel
        channel.queue_delete(NAME)
