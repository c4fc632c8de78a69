"""Where a Redis or Valkey broker is, by kombu's rules for URLs (kombu/utils/url.py, kombu/transport/redis.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from celeriac.errors import ConfigError

EXAMPLE = "Write it like redis://:password@127.0.0.1:6379/0"
DEFAULT_PORT = 6379
SENTINEL_PORT = 26379
SENTINEL = "sentinel"
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
    """One server and database. `path` is set for a unix socket, `tls` (redis-py's ssl_* options) for rediss://.

    With `sentinels`, (host, port) each, they are asked where the server is that `master` names; `host` and `port` are
    then the first of them.
    """

    host: str
    port: int
    db: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    path: str | None = None
    tls: Mapping[str, object] | None = None
    sentinels: tuple[tuple[str, int], ...] = ()
    master: str = ""

    @property
    def label(self) -> str:
        """The URL without user, password and options."""
        if self.path is not None:
            return f"{_SOCKET_SCHEME}://{self.path}?virtual_host={self.db}"
        if self.sentinels:
            return f"sentinel://{self.place}/{self.db}"
        return f"{'redis' if self.tls is None else 'rediss'}://{self.place}/{self.db}"

    @property
    def place(self) -> str:
        """host:port, or the socket's path, or the name of a primary and who knows where it is."""
        if self.sentinels:
            return f"{self.master}@{','.join(_place(*one) for one in self.sentinels)}"
        return self.path or _place(self.host, self.port)


def parse(url: str, master: str = "") -> Address:
    """The address in a redis://, rediss://, redis+socket:// or sentinel:// URL; the last names `master` too.

    Raises ConfigError; no message shows a secret.
    """
    parts = urlsplit(url.partition(";")[0])
    if parts.scheme == SENTINEL:
        return _watched(url, parts, master)
    query = dict(parse_qsl(parts.query))
    return Address(
        host=_host(parts),
        port=_port(parts),
        db=_database(query.get("virtual_host", "") if parts.scheme == _SOCKET_SCHEME else parts.path),
        username=unquote(parts.username or "") or None,
        password=unquote(parts.password or "") or None,
        path=_socket(parts) if parts.scheme == _SOCKET_SCHEME else None,
        tls=_tls(query) if parts.scheme == "rediss" else None,
    )


def _watched(url: str, parts: SplitResult, master: str) -> Address:
    """Database, user and password are those of the first part, as in kombu/connection.py."""
    if not master:
        raise ConfigError(
            "sentinel:// needs the name of the primary",
            hint="Set broker.sentinel_master to the master_name of your broker_transport_options",
        )
    others = (one if "://" in one else f"{SENTINEL}://{one}" for one in filter(None, url.split(";")))
    sentinels = tuple((_host(one), _port(one, SENTINEL_PORT)) for one in map(urlsplit, others))
    return Address(
        *sentinels[0],
        db=_database(parts.path),
        username=unquote(parts.username or "") or None,
        password=unquote(parts.password or "") or None,
        sentinels=sentinels,
        master=master,
    )


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _host(parts: SplitResult) -> str:
    return unquote(parts.hostname or "") or "127.0.0.1"


def _port(parts: SplitResult, default: int = DEFAULT_PORT) -> int:
    try:
        return parts.port or default
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
