"""The broker contract over Redis and Valkey."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from celeriac.testing.broker_contract import BrokerContract, Stage
from lab.redis import RedisServer, ValkeyServer
from lab.stage import RedisStage


@pytest.mark.redis
class TestRedis(BrokerContract):
    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        with RedisServer(password="a-secret") as server:
            yield RedisStage(server)


class TestValkey(BrokerContract):
    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        with ValkeyServer(password="a-secret") as server:
            yield RedisStage(server)
