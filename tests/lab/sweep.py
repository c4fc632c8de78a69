"""What every worker on Redis does now and then: give back what was not acknowledged within the visibility timeout."""

from __future__ import annotations

import time
from typing import Any
from unittest import mock

from kombu import Connection

from lab.redis import RedisServer


def sweep(redis: RedisServer, timeout: float, *, prefix: str = "", ahead: float = 0.0) -> None:
    """kombu's own sweep, once, by a clock that is `ahead` seconds fast. A worker does it each 100 s."""
    options = {"visibility_timeout": timeout, "global_keyprefix": prefix}
    with (
        Connection(redis.url, transport_options=options) as connection,
        mock.patch("kombu.transport.redis.time", lambda: time.time() + ahead),
    ):
        channel: Any = connection.default_channel
        channel.qos.restore_visible()
