"""The transport contract over RabbitMQ."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from celeriac.testing.transport_contract import ServerContract, ServerStage
from lab.rabbit import RabbitServer
from lab.transport import RabbitTransportStage


@pytest.fixture(scope="module")
def server() -> Iterator[RabbitServer]:
    with RabbitServer() as server:
        yield server


@pytest.mark.rabbitmq
class TestRabbit(ServerContract):
    @pytest.fixture
    def stage(self, server: RabbitServer) -> ServerStage:
        return RabbitTransportStage(server)
