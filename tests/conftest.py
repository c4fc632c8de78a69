"""What all tests may share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.rabbit import RabbitServer


@pytest.fixture(scope="session")
def rabbit() -> Iterator[RabbitServer]:
    """One RabbitMQ with the management API and TLS, since it takes long to start; who stops it starts it again."""
    with RabbitServer(management=True, tls=True) as server:
        yield server
