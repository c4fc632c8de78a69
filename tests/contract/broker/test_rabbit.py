"""The broker contract over RabbitMQ: by AMQP alone, and with the management API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from celeriac.testing.broker_contract import BrokerContract, Stage
from lab.rabbit import RabbitServer
from lab.rabbit_stage import RabbitStage, VirtualHost


@pytest.mark.rabbitmq
class TestRabbit(BrokerContract):
    @pytest.fixture(params=[True, False], ids=["managed", "amqp"])
    def stage(self, rabbit: RabbitServer, request: pytest.FixtureRequest) -> Iterator[Stage]:
        with VirtualHost(rabbit) as host:
            stage = RabbitStage(host, managed=request.param)
            yield stage
            if not stage.running:
                stage.start()
