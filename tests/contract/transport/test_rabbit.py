"""The transport contract over RabbitMQ."""

from __future__ import annotations

import pytest

from celeriac.testing.transport_contract import ServerContract, ServerStage
from lab.rabbit import RabbitServer
from lab.transport import RabbitTransportStage


@pytest.mark.rabbitmq
class TestRabbit(ServerContract):
    @pytest.fixture
    def stage(self, rabbit: RabbitServer) -> ServerStage:
        return RabbitTransportStage(rabbit)
