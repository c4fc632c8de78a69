"""What tests on a real Redis may share; who needs a server of another shape makes it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.celery import Producer
from lab.record import Record, record
from lab.redis import RedisServer


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """One server for the tests of a file."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def read(redis: RedisServer) -> Iterator[Record]:
    """What recorders ship to it."""
    with record(redis.url) as reader:
        yield reader


@pytest.fixture
def send(redis: RedisServer) -> Iterator[Producer]:
    """Publishes to it."""
    with Producer(redis.url) as producer:
        yield producer
