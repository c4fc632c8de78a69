"""The connection that carries parcels: the broker's own, or the one that `transport.url` names."""

from __future__ import annotations

from kombu import Connection
from kombu.transport import TRANSPORT_ALIASES

from celeriac.brokers.address import EXAMPLE
from celeriac.brokers.rabbit_url import RABBIT, connection
from celeriac.errors import ConfigError
from celeriac.settings import Settings


def carrier(settings: Settings) -> Connection:
    """A connection for the transport, made at its first use. Raises ConfigError for a URL that is none."""
    url = (settings.transport.url or settings.broker.url).get_secret_value()
    scheme, separator, _ = url.partition("://")
    if not separator or scheme.partition("+")[0] not in TRANSPORT_ALIASES:
        raise ConfigError("what is given is no broker's URL", hint=EXAMPLE)
    if scheme in RABBIT:
        return connection(url, connect_timeout=settings.broker.timeout)
    given = {"global_keyprefix": settings.broker.global_keyprefix, "master_name": settings.broker.sentinel_master}
    return Connection(
        url,
        connect_timeout=settings.broker.timeout,
        transport_options={name: value for name, value in given.items() if value},
    )
