"""A Celeriac adapter on a server of the lab."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from celeriac.brokers.redis import RedisBroker
from celeriac.settings import BrokerSettings


@contextmanager
def opened(url: str, **settings: Any) -> Iterator[RedisBroker]:
    """The adapter for `url`; `settings` as in BrokerSettings. Closed at the end."""
    broker = RedisBroker(BrokerSettings(url=SecretStr(url), **settings))
    try:
        yield broker
    finally:
        broker.close()
