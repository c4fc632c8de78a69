"""RabbitMQ's management API over HTTP: what AMQP does not tell. Its figures are some seconds old."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
import msgspec
from pydantic import SecretStr

from celeriac.errors import BrokerError, BrokerUnavailableError, ConfigError

LARGEST_ANSWER = 32 << 20
T = TypeVar("T")


class Node(msgspec.Struct):
    """A node of the cluster; bytes."""

    name: str
    running: bool = True
    mem_used: int | None = None
    mem_limit: int | None = None
    mem_alarm: bool = False
    disk_free_alarm: bool = False


class Queue(msgspec.Struct):
    """A queue as its last report has it; counts are None before the first."""

    name: str
    type: str = "classic"
    state: str = "running"
    exclusive: bool = False
    messages_ready: int | None = None
    messages_unacknowledged: int | None = None
    consumers: int | None = None
    arguments: dict[str, Any] = {}
    effective_policy_definition: dict[str, Any] | list[Any] | None = None

    def argument(self, name: str) -> Any:
        """What a queue argument `x-name` says, or else the policy's `name`."""
        policy = self.effective_policy_definition
        found = self.arguments.get(f"x-{name}")
        return policy.get(name) if found is None and isinstance(policy, dict) else found


class Page(msgspec.Struct):
    """The deepest queues, and how many there are."""

    items: list[Queue]
    filtered_count: int = 0


class Connection(msgspec.Struct):
    """A client's connection; `connected_at` in milliseconds."""

    name: str = ""
    state: str = "running"
    peer_host: str = ""
    peer_port: int | str = 0
    connected_at: int = 0
    vhost: str = ""
    client_properties: dict[str, Any] = {}


class _Named(msgspec.Struct):
    name: str = ""


class _OnConnection(msgspec.Struct):
    connection_name: str = ""


class Consumer(msgspec.Struct):
    """Who takes from a queue."""

    queue: _Named
    channel_details: _OnConnection | list[Any]

    @property
    def connection(self) -> str:
        """The connection's name, "" while the channel has not reported."""
        return self.channel_details.connection_name if isinstance(self.channel_details, _OnConnection) else ""


class Channel(msgspec.Struct):
    """How many messages a channel's client has and has not acknowledged."""

    connection_details: _Named | list[Any]
    messages_unacknowledged: int = 0


class Binding(msgspec.Struct):
    """Where an exchange leads."""

    destination: str
    destination_type: str
    routing_key: str = ""


class Management:
    """Read-only. Raises BrokerUnavailableError with its cause, or BrokerError for what is no management API."""

    def __init__(self, url: SecretStr, vhost: str, timeout: float) -> None:
        try:
            given = httpx2.URL(url.get_secret_value())
        except httpx2.InvalidURL as error:
            raise ConfigError("broker.management_url cannot be read", hint=_EXAMPLE) from error
        if given.scheme not in ("http", "https") or not given.host:
            raise ConfigError("broker.management_url is no http:// or https:// URL", hint=_EXAMPLE)
        self.place = f"{given.host}:{given.port or (443 if given.scheme == 'https' else 80)}"
        self._vhost = quote(vhost, safe="")
        self._client = httpx2.Client(
            base_url=given.copy_with(username=None, password=None),
            auth=(given.username, given.password) if given.username else None,
            timeout=timeout,
            trust_env=False,
        )

    def nodes(self) -> list[Node]:
        """Every node."""
        return self._get("nodes", list[Node])

    def queues(self, most: int) -> Page:
        """The `most` deepest queues of the virtual host."""
        return self._get(
            f"queues/{self._vhost}",
            Page,
            page=1,
            page_size=most,
            sort="messages",
            sort_reverse="true",
        )

    def connections(self) -> list[Connection]:
        """Every connection to the virtual host."""
        return self._get(f"vhosts/{self._vhost}/connections", list[Connection])

    def consumers(self) -> list[Consumer]:
        """Every consumer of the virtual host."""
        return self._get(f"consumers/{self._vhost}", list[Consumer])

    def channels(self) -> list[Channel]:
        """Every channel of the virtual host."""
        return self._get(f"vhosts/{self._vhost}/channels", list[Channel])

    def bindings(self, exchange: str) -> list[Binding]:
        """Where `exchange` leads; it must have a name."""
        return self._get(f"exchanges/{self._vhost}/{quote(exchange, safe='')}/bindings/source", list[Binding])

    def close(self) -> None:
        """Drop every connection."""
        self._client.close()

    def _get(self, path: str, shape: type[T], **query: str | int) -> T:
        try:
            answer = self._client.get(f"/api/{path}", params=query)
        except httpx2.TimeoutException as error:
            raise BrokerUnavailableError(f"{self.place} does not answer in time", cause="network") from error
        except httpx2.HTTPError as error:
            raise BrokerUnavailableError(f"{self.place} cannot be reached over HTTP", cause="down") from error
        if answer.status_code == httpx2.codes.UNAUTHORIZED:
            raise BrokerUnavailableError(f"{self.place} refuses the user or password", hint=_TAG, cause="auth")
        if answer.status_code != httpx2.codes.OK:
            raise BrokerError(f"{self.place} answers {answer.status_code} to /api/{path}")
        return _decode(answer.content, shape, f"{self.place}/api/{path}")


def _decode(body: bytes, shape: type[T], what: str) -> T:
    if len(body) > LARGEST_ANSWER:
        raise BrokerError(f"{what} has {len(body):,} bytes, more than {LARGEST_ANSWER:,}")
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.MsgspecError as error:
        raise BrokerError(f"{what} is not as RabbitMQ writes it: {error}") from error


_EXAMPLE = "Write it like http://user:password@127.0.0.1:15672"
_TAG = "The user needs the tag `monitoring`: rabbitmqctl set_user_tags USER monitoring"
