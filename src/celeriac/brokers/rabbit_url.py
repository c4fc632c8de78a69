"""RabbitMQ's URL as a kombu connection, with the TLS options that a URL may carry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kombu import Connection
from kombu.transport.pyamqp import DEFAULT_PORT, DEFAULT_SSL_PORT

from celeriac.errors import ConfigError

SECURE = "amqps"
RABBIT = frozenset({"amqp", "pyamqp", SECURE})
"""Schemes of kombu's own AMQP transport."""
CLIENT_NAME = "celeriac"
"""What `rabbitmqctl list_connections` and the management API call our connections, so that they are not workers'."""
_FILES = ("ca_certs", "certfile", "keyfile")
_TLS = ("cert_reqs", *_FILES, "server_hostname")
"""What py-amqp takes (amqp/transport.py, _wrap_socket_sni); kombu hands it the URL's names, with `ssl_` before each
(kombu/utils/url.py, parse_url)."""


def connection(url: str, **options: Any) -> Connection:
    """An unconnected connection to one server, of our name. Raises ConfigError for a URL that cannot be read."""
    try:
        found = Connection(url, **options)
        secure = found.transport_cls == SECURE
        found.port = found.port or (DEFAULT_SSL_PORT if secure else DEFAULT_PORT)
    except (ValueError, KeyError) as error:
        raise ConfigError(
            "the broker's URL cannot be read", hint="Write it like amqp://user:password@127.0.0.1:5672//"
        ) from error
    if secure:
        found.ssl = _tls(found.ssl if isinstance(found.ssl, dict) else {}, found.hostname)
    named = {"client_properties": {"connection_name": CLIENT_NAME}}
    found.transport_options = {**(found.transport_options or {}), **named}
    return found


def _tls(given: Mapping[str, Any], host: str | None) -> dict[str, Any] | bool:
    """Without any, the certificate is checked by the system's authorities, the name in it is not: as Celery does."""
    options = {key.removeprefix("ssl_"): value for key, value in given.items()}
    options |= {"server_hostname": host} if options.pop("check_hostname", False) else {}
    for name, value in options.items():
        if name not in _TLS:
            raise ConfigError(f"the broker's URL has ssl_{name}", hint=f"Known are ssl_{', ssl_'.join(_TLS)}")
        if name in _FILES and not Path(value).is_file():
            raise ConfigError(f"ssl_{name} in the broker's URL names no file: {value}", hint="Correct its path")
    return options or True
