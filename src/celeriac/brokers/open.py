"""A broker from its URL."""

from __future__ import annotations

from celeriac.brokers.address import EXAMPLE, SENTINEL
from celeriac.brokers.base import Broker
from celeriac.brokers.rabbit import RabbitBroker
from celeriac.brokers.rabbit_url import RABBIT
from celeriac.brokers.redis import RedisBroker
from celeriac.errors import ConfigError, UnsupportedByBrokerError
from celeriac.settings import BrokerSettings

_REDIS = frozenset({"redis", "rediss", "redis+socket", SENTINEL})
_UNREAD = {
    "sqs": "Amazon SQS",
    "confluentkafka": "Kafka",
    "azureservicebus": "Azure Service Bus",
    "azurestoragequeues": "Azure Storage Queues",
    "gcpubsub": "Google Pub/Sub",
    "mongodb": "MongoDB",
    "zookeeper": "ZooKeeper",
    "consul": "Consul",
    "etcd": "etcd",
    "filesystem": "the file system",
    "memory": "a broker in one process's memory",
}
"""Celery's other transports (kombu/transport/__init__.py), by the name a person knows."""
_READS = "Redis and Valkey (redis://, rediss://, redis+socket://, sentinel://) and RabbitMQ (amqp://, amqps://)"


def open_broker(settings: BrokerSettings) -> Broker:
    """The adapter for the URL's scheme; connects at the first use.

    Raises UnsupportedByBrokerError for a broker of Celery's that is not read, ConfigError for a URL that is none.
    """
    url = settings.url.get_secret_value()
    scheme, separator, _ = url.partition("://")
    if ";" in url and scheme != SENTINEL:
        raise ConfigError("the broker's URL names several brokers", hint="Give the one that workers use now")
    if separator and scheme in _REDIS:
        return RedisBroker(settings)
    if separator and scheme in RABBIT:
        return RabbitBroker(settings)
    product = _UNREAD.get(scheme.partition("+")[0]) if separator else None
    if product is not None:
        raise UnsupportedByBrokerError(f"{product} is not read yet", hint=f"Celeriac reads {_READS}")
    raise ConfigError(f"{_shown(scheme, separator)} is no broker's URL", hint=EXAMPLE)


def _shown(scheme: str, separator: str) -> str:
    """The part of a URL that can hold no secret."""
    return f"{scheme[:20]}://…" if separator else "what is given"
