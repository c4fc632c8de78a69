"""Where a Redis or Valkey broker is, by kombu's rules for URLs (kombu/utils/url.py, kombu/transport/redis.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from celeriac.errors import ConfigError

EXAMPLE = "Write it like redis://:password@127.0.0.1:6379/0"
DEFAULT_PORT = 6379
_SOCKET_SCHEME = "redis+socket"
_CERTIFICATES = {
    "CERT_REQUIRED": "required",
    "CERT_OPTIONAL": "optional",
    "CERT_NONE": "none",
    "required": "required",
    "optional": "optional",
    "none": "none",
}


@dataclass(frozen=True, slots=True)
class Address:
    """One server and database. `path` is set for a unix socket, `tls` (redis-py's ssl_* options) for rediss://."""

    host: str
    port: int
    db: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    path: str | None = None
    tls: Mapping[str, object] | None = None

    @property
    def label(self) -> str:
        """The URL without user, password and options."""
        if self.path is not None:
            return f"{_SOCKET_SCHEME}://{self.path}?virtual_host={self.db}"
        return f"{'redis' if self.tls is None else 'rediss'}://{self.place}/{self.db}"

    @property
    def place(self) -> str:
        """host:port, or the socket's path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.path or f"{host}:{self.port}"


def parse(url: str) -> Address:
    """The address in a redis://, rediss:// or redis+socket:// URL. Raises ConfigError; no message shows a secret."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    return Address(
        host=unquote(parts.hostname or "") or "127.0.0.1",
        port=_port(parts),
        db=_database(query.get("virtual_host", "") if parts.scheme == _SOCKET_SCHEME else parts.path),
        username=unquote(parts.username or "") or None,
        password=unquote(parts.password or "") or None,
        path=_socket(parts) if parts.scheme == _SOCKET_SCHEME else None,
        tls=_tls(query) if parts.scheme == "rediss" else None,
    )


def _port(parts: SplitResult) -> int:
    try:
        return parts.port or DEFAULT_PORT
    except ValueError as error:
        raise ConfigError("the port in the broker's URL is no number up to 65535", hint=EXAMPLE) from error


def _database(text: str) -> int:
    name = text.strip("/")
    if not name:
        return 0
    if not name.isdecimal():
        raise ConfigError(f"the database in the broker's URL is {name!r}, not a number", hint=EXAMPLE)
    return int(name)


def _socket(parts: SplitResult) -> str:
    if not parts.path.strip("/"):
        raise ConfigError("the broker's URL names no socket", hint="Write it like redis+socket:///run/redis.sock")
    return unquote(parts.path)


def _tls(query: Mapping[str, str]) -> Mapping[str, object]:
    """Without `ssl_cert_reqs` no certificate is checked, as in kombu/connection.py: what Celery reaches, we reach."""
    wanted = query.get("ssl_cert_reqs", "CERT_NONE")
    if wanted not in _CERTIFICATES:
        raise ConfigError(f"ssl_cert_reqs is {wanted!r}", hint="Use CERT_REQUIRED, CERT_OPTIONAL or CERT_NONE")
    checked = query.get("ssl_check_hostname", "true" if wanted in ("CERT_REQUIRED", "required") else "false")
    files = {key: query[key] for key in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile") if key in query}
    return {"ssl_cert_reqs": _CERTIFICATES[wanted], "ssl_check_hostname": checked.lower() != "false", **files}
