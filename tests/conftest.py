"""What all tests may share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.postgres import PostgresServer
from lab.rabbit import RabbitServer


@pytest.fixture(scope="session")
def rabbit() -> Iterator[RabbitServer]:
    """One RabbitMQ with the management API and TLS, since it takes long to start; who stops it starts it again."""
    with RabbitServer(management=True, tls=True) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL; who uses it makes a database of its own in it, who stops it starts it again."""
    with PostgresServer() as server:
        yield server
