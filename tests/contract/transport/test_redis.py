"""The transport contract over Redis and Valkey."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from celeriac.testing.transport_contract import ServerContract, ServerStage
from lab.redis import RedisServer, ValkeyServer
from lab.transport import RedisTransportStage


@pytest.mark.redis
class TestRedis(ServerContract):
    @pytest.fixture
    def stage(self) -> Iterator[ServerStage]:
        with RedisServer(password="a-secret") as server:
            yield RedisTransportStage(server)


class TestValkey(ServerContract):
    @pytest.fixture
    def stage(self) -> Iterator[ServerStage]:
        with ValkeyServer(password="a-secret") as server:
            yield RedisTransportStage(server)
