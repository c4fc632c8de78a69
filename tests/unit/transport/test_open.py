"""Which broker gets which ends, and what of its URL is shown."""

from __future__ import annotations

import pytest
from kombu import Connection

from celeriac.transport import open_inlet, open_outlet
from celeriac.transport.place import place
from celeriac.transport.queue_inlet import QueueInlet
from celeriac.transport.queue_outlet import QueueOutlet
from celeriac.transport.redis_inlet import RedisInlet
from celeriac.transport.redis_outlet import RedisOutlet


@pytest.mark.parametrize(
    ("url", "redis"),
    [
        ("redis://localhost/0", True),
        ("rediss://localhost/0?ssl_cert_reqs=required", True),
        ("redis+socket:///run/redis.sock", True),
        ("sentinel://a:26379;sentinel://b:26379", True),
        ("amqp://localhost//", False),
        ("memory://", False),
    ],
)
def test_redis_carries_parcels_in_a_stream_and_every_other_broker_in_a_queue(url: str, redis: bool) -> None:
    connection = Connection(url)
    assert isinstance(open_outlet(connection), RedisOutlet if redis else QueueOutlet)
    assert isinstance(open_inlet(connection, reader="r"), RedisInlet if redis else QueueInlet)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:secret@cache:6380/1", "cache:6380"),
        ("redis+socket:///run/redis.sock", "/run/redis.sock"),
        ("amqp://user:secret@rabbit:5673//", "rabbit:5673"),
        ("sqla+postgresql://user:secret@db/celery", "db/celery"),
        ("memory://", "the broker"),
    ],
)
def test_a_place_shows_no_secret(url: str, shown: str) -> None:
    assert place(Connection(url)) == shown
